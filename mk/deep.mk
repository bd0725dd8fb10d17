# SPDX-License-Identifier: GPL-2.0-or-later
# Tests that take minutes, and more packages: not a part of make check.
# Included by the Makefile.

.PHONY: unit-programs
unit-programs: all $(unit_bin)

# The unit ring of other machines under qemu's user emulation, and a static
# build with musl; nothing of them is installed.
.PHONY: check-portable
check-portable:
	@mk/deps build test port
	@tests/port/run armhf
	@tests/port/run s390x
	@tests/port/musl

# What the unit, fault, command line and namespace rings run of each folder.
# Of COV_FOLDERS every line that none of them runs is explained in
# tests/cov-explained, or shown.  Where a test runs the program as somebody
# else, counts are written as well.
COV_FOLDERS ?= src/plan src/apply
COV := B=build/cov OPT='-O0 -g --coverage -Werror' \
	LINK='--coverage -Wl,--wrap=_exit $(CURDIR)/tests/cov-exit.c'
.PHONY: cov
cov:
	@mk/deps build test
	@$(MAKE) --no-print-directory -j$$(nproc) $(COV) unit-programs
	@find build/cov -name '*.gcda' -delete
	@$(MAKE) --no-print-directory $(COV) check-unit
	@for p in meshapply meshapply-fetch meshapply-nftc; do \
		build/cov/$$p >/dev/null 2>&1 </dev/null || :; done
	@chmod -R a+rwX build/cov/obj
	@$(MAKE) --no-print-directory -k $(COV) check-cli check-netns || \
		echo 'cov: a script did not pass, those after it are not counted'
	@tests/cov build/cov $(COV_FOLDERS)

# The unit ring without sanitisers, under valgrind.
.PHONY: check-valgrind
check-valgrind:
	@mk/deps build test valgrind
	@$(MAKE) --no-print-directory -j$$(nproc) B=build/valgrind \
		OPT='-O1 -g -Werror' LINK= unit-programs
	@tests/valgrind build/valgrind

# No integer wraps or is cut where bytes are read and written: what is meant
# to says so by a cast or a mask.  A change of sign alone is let pass: the
# alignment of netlink's headers, ~(4 - 1), is one in each use.
INTEGER := -fsanitize=integer -fno-sanitize=implicit-integer-sign-change
integer_tests := $(sort $(notdir $(basename $(wildcard \
	tests/unit/test_base*.c tests/unit/test_kern_*.c \
	tests/unit/test_nft_*.c))))
.PHONY: check-integer integer-programs
integer-programs: all $(addprefix $(B)/tests/,$(integer_tests))
check-integer:
	@mk/deps build test fuzz
	@$(MAKE) --no-print-directory -j$$(nproc) B=build/integer CC=clang \
		OPT='-O1 -g $(INTEGER) -fno-sanitize-recover=all' \
		LINK='$(INTEGER)' integer-programs
	@set -e; export MESHAPPLY_BUILD=$(CURDIR)/build/integer; \
	for t in $(integer_tests); do \
		echo "== $$t"; build/integer/tests/$$t; done

# Twenty minutes of each fuzz target.
.PHONY: fuzz-long
fuzz-long:
	@mk/deps build fuzz
	@$(MAKE) --no-print-directory -j$$(nproc) $(fuzz_bin)
	@$(MAKE) --no-print-directory FUZZ_SECONDS=1200 fuzz
