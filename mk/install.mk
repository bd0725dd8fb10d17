# SPDX-License-Identifier: GPL-2.0-or-later
# Installing: the release build, to DESTDIR. Included by the Makefile.

INSTALL ?= install
R := build/release
man_pages := $(sort $(wildcard man/*.[1-8]))
example_files := $(sort $(wildcard examples/quick/*.conf))

.PHONY: install uninstall
install:
	@$(MAKE) --no-print-directory RELEASE=1 all
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBEXECDIR) \
		$(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(TMPFILESDIR) \
		$(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(RTPROTODIR)
	$(INSTALL) -m 755 $(R)/meshapply $(DESTDIR)$(SBINDIR)/
	$(INSTALL) -m 755 $(R)/meshapply-nftc $(R)/meshapply-fetch \
		$(DESTDIR)$(LIBEXECDIR)/
	$(INSTALL) -m 644 systemd/meshapply.tmpfiles \
		$(DESTDIR)$(TMPFILESDIR)/meshapply.conf
	$(INSTALL) -m 644 systemd/meshapply.sysusers \
		$(DESTDIR)$(SYSUSERSDIR)/meshapply.conf
	$(INSTALL) -m 644 systemd/meshapply.rt_protos \
		$(DESTDIR)$(RTPROTODIR)/meshapply.conf
	for p in $(man_pages); do \
		$(INSTALL) -D -m 644 $$p \
		$(DESTDIR)$(MANDIR)/man$${p##*.}/$${p##*/}; done
	$(INSTALL) -m 644 README.md ARCHITECTURE.md $(DESTDIR)$(DOCDIR)/
	$(INSTALL) -m 644 $(example_files) $(DESTDIR)$(DOCDIR)/examples/

# Only what install puts there; configuration and state stay.
uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/meshapply \
		$(DESTDIR)$(LIBEXECDIR)/meshapply-nftc \
		$(DESTDIR)$(LIBEXECDIR)/meshapply-fetch \
		$(DESTDIR)$(TMPFILESDIR)/meshapply.conf \
		$(DESTDIR)$(SYSUSERSDIR)/meshapply.conf \
		$(DESTDIR)$(RTPROTODIR)/meshapply.conf
	for p in $(man_pages); do \
		rm -f $(DESTDIR)$(MANDIR)/man$${p##*.}/$${p##*/}; done
	rm -rf $(DESTDIR)$(DOCDIR)
	-rmdir $(DESTDIR)$(LIBEXECDIR) 2>/dev/null
