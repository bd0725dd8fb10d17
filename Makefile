# SPDX-License-Identifier: GPL-2.0-or-later
#
# make              build/meshapply and its helpers, developer build:
#                   sanitised, warnings are errors; they run from there
# make RELEASE=1    hardened and reproducible, in build/release
# make check        every ring of tests, the VM ring included
# make help         the other targets

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:

NAME := meshapply
VERSION := $(shell cat VERSION)

PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/meshapply
DATADIR ?= $(PREFIX)/share/meshapply
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= /lib/systemd/system
TMPFILESDIR ?= /usr/lib/tmpfiles.d
SYSUSERSDIR ?= /usr/lib/sysusers.d
DOCDIR ?= $(PREFIX)/share/doc/meshapply
RTPROTODIR ?= /etc/iproute2/rt_protos.d

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config

ifdef RELEASE
B := build/release
# What is not known of a machine would be an error there.
machine := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
OPT_x86_64 := -fstack-clash-protection -fcf-protection
OPT_i686 := $(OPT_x86_64)
OPT_aarch64 := -fstack-clash-protection -mbranch-protection=standard
OPT_s390x := -fstack-clash-protection
OPT := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-ftrivial-auto-var-init=zero $(OPT_$(machine))
LINK := -Wl,-z,relro,-z,now -Wl,--build-id=sha1 -Wl,--as-needed
else
B := build
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -Werror
LINK := -fsanitize=address,undefined -Wl,--as-needed
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wformat=2 \
	-Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations \
	-Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference \
	-Wno-format-nonliteral -Wno-gnu-zero-variadic-macro-arguments
ifneq ($(findstring clang,$(CC)),)
WARN := $(filter-out -Wpedantic -Wnull-dereference,$(WARN))
endif

CPPFLAGS_ALL := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-Isrc $(CPPFLAGS) \
	-DMESHAPPLY_VERSION='"$(VERSION)"' \
	-DMESHAPPLY_LIBEXECDIR='"$(LIBEXECDIR)"' \
	-DMESHAPPLY_DATADIR='"$(DATADIR)"'
CFLAGS_ALL := -std=gnu11 $(OPT) $(WARN) -fPIE -ffile-prefix-map=$(CURDIR)=. \
	-fno-common $(CFLAGS)
LDFLAGS_ALL := -pie $(LINK) $(LDFLAGS)

MAIN_PACKAGES := libmnl libnftnl libsodium jansson
main_cflags := $(shell $(PKG_CONFIG) --cflags $(MAIN_PACKAGES) 2>/dev/null)
main_libs := $(shell $(PKG_CONFIG) --libs $(MAIN_PACKAGES) 2>/dev/null)
nftc_libs := $(shell $(PKG_CONFIG) --libs libnftables libmnl 2>/dev/null)
fetch_cflags := $(shell $(PKG_CONFIG) --cflags libcurl 2>/dev/null)
fetch_libs := $(shell $(PKG_CONFIG) --libs libcurl 2>/dev/null)

# Sources, sorted: the order of linking does not depend on the file system.
lib_src := $(sort $(foreach d,base trust input state render doc quick plan \
	kern apply doctor report cmd,$(wildcard src/$(d)/*.c)))
main_src := src/main.c
nftc_src := $(sort $(wildcard src/nftc/*.c))
fetch_src := $(sort $(wildcard src/fetch/*.c))
base_src := $(sort $(wildcard src/base/*.c))

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
lib_obj := $(call obj,$(lib_src))
programs := $(B)/meshapply $(B)/meshapply-nftc $(B)/meshapply-fetch

.PHONY: all
all: $(programs)

$(B)/obj/%.o: %.c VERSION Makefile
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS_ALL) $(main_cflags) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# src/render/builtin.c takes these in as they are.
template_files := $(wildcard templates/*.* templates/partials/*.mustache)
$(B)/obj/src/render/builtin.o build/fuzz/obj/src/render/builtin.o: \
	$(template_files)

$(B)/libmeshapply.a: $(lib_obj)
	@echo '  AR      $@'
	@rm -f $@
	@$(AR) rcsD $@ $(lib_obj)

$(B)/meshapply: $(call obj,$(main_src)) $(B)/libmeshapply.a
	@echo '  LD      $@'
	@$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(main_libs)

$(B)/meshapply-nftc: $(call obj,$(nftc_src)) $(B)/libmeshapply.a
	@echo '  LD      $@'
	@$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(nftc_libs) $(main_libs)

# With musl, sandbox.o is built where there is no libcurl.
$(filter-out %/sandbox.o,$(call obj,$(fetch_src))): \
	CPPFLAGS_ALL += $(fetch_cflags)
$(B)/meshapply-fetch: $(call obj,$(fetch_src)) $(B)/libmeshapply.a
	@echo '  LD      $@'
	@$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(fetch_libs) $(main_libs)

include mk/check.mk
include mk/deep.mk
include mk/install.mk

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

.PHONY: clean help
clean:
	rm -rf build

help:
	@sed -n 's/^# make/make/p; s/^#   *  */\t/p' Makefile | head -20
	@echo 'make lint fuzz bench install uninstall dist demo check-vm check-faults check-loss check-smoke' \
		'check-portable check-valgrind check-integer cov fuzz-long clean'
