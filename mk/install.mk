# SPDX-License-Identifier: GPL-2.0-or-later
# Installing: the release build, to DESTDIR. Included by the Makefile.

INSTALL ?= install
R := build/release
MODULESLOADDIR ?= /usr/lib/modules-load.d
# Where meshapply itself looks, which is not for make to change.
CONFIGURATION := /etc/meshapply
STATE := /var/lib/meshapply

# Files of folders and of those below them, but for what an editor leaves.
files_in = $(sort $(shell find $(1) -type f ! -name '.*' ! -name '*~' \
	2>/dev/null))
# What is installed, as SOURCE:TARGET.
into = $(foreach f,$(2),$(f):$(1)/$(notdir $(f)))
below = $(foreach f,$(2),$(f):$(1)/$(f))
units = $(sort $(wildcard systemd/*.service systemd/*.timer systemd/*.path))
installed_programs = $(call into,$(SBINDIR),$(R)/meshapply) \
	$(call into,$(LIBEXECDIR),$(R)/meshapply-nftc $(R)/meshapply-fetch)
installed_files = $(call into,$(UNITDIR),$(units)) \
	systemd/meshapply.tmpfiles:$(TMPFILESDIR)/meshapply.conf \
	systemd/meshapply.sysusers:$(SYSUSERSDIR)/meshapply.conf \
	systemd/meshapply.modules-load:$(MODULESLOADDIR)/meshapply.conf \
	systemd/meshapply.rt_protos:$(RTPROTODIR)/meshapply.conf \
	$(foreach p,$(sort $(wildcard man/*.[1-8])),\
		$(call into,$(MANDIR)/man$(subst .,,$(suffix $(p))),$(p))) \
	$(call below,$(DATADIR),$(call files_in,templates schema)) \
	$(call below,$(DOCDIR),README.md ARCHITECTURE.md COPYING \
		$(filter-out examples/demo/%,$(call files_in,examples)))

.PHONY: install install-files uninstall purge
install:
	@$(MAKE) --no-print-directory RELEASE=1 all
	@$(MAKE) --no-print-directory install-files

# Of a release build that is there.
install-files:
	@set -e; put() { \
		echo "  INSTALL $${2#*:}"; \
		$(INSTALL) -D -m "$$1" "$${2%%:*}" '$(DESTDIR)'"$${2#*:}"; \
	}; \
	for f in $(installed_programs); do put 755 "$$f"; done; \
	for f in $(installed_files); do put 644 "$$f"; done
	@sed -i 's,/usr/sbin/meshapply,$(SBINDIR)/meshapply,' \
		$(foreach u,$(units),$(DESTDIR)$(UNITDIR)/$(notdir $(u)))
	@test -n '$(DESTDIR)' || echo 'Next, as root: systemd-sysusers &&' \
		'systemd-tmpfiles --create && systemctl daemon-reload'

# Only what install puts there, and the folders that then are empty;
# configuration, keys and state stay.
uninstall:
	@cd '$(DESTDIR)/' && for f in $(installed_programs) \
			$(installed_files); do \
		f=$${f#*:}; f=$${f#/}; rm -f "$$f" || exit; \
		rmdir -p "$${f%/*}" 2>/dev/null || :; done

# And all that has come since, keys included. Whom it belongs to is gone then,
# so what is still applied has to be removed first.
purge:
	@if test -z '$(DESTDIR)' && \
		grep -s '^meshapply:' /sys/class/net/*/ifalias; then \
		echo 'purge: first, for each of these: meshapply remove MESH' \
			>&2; exit 1; fi
	@test -n '$(DESTDIR)' || ! test -d /run/systemd/system || \
		systemctl stop 'meshapply*.timer' 'meshapply*.path' \
			'meshapply*.service'
	@$(MAKE) --no-print-directory uninstall
	rm -rf $(DESTDIR)$(CONFIGURATION) $(DESTDIR)$(STATE) \
		$(DESTDIR)/run/meshapply \
		$(DESTDIR)/etc/systemd/system/meshapply@*.d
	rm -f $(DESTDIR)/etc/systemd/system/*.wants/meshapply[@-]* \
		$(DESTDIR)/var/lib/systemd/timers/stamp-meshapply@*
	@test -n '$(DESTDIR)' || ! test -d /run/systemd/system || \
		systemctl daemon-reload
	@test -n '$(DESTDIR)' || ! getent passwd meshapply >/dev/null || \
		userdel meshapply
