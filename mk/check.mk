# SPDX-License-Identifier: GPL-2.0-or-later
# Tests. Included by the Makefile.

unit_src := $(sort $(wildcard tests/unit/test_*.c tests/fault/test_*.c))
unit_bin := $(patsubst %.c,$(B)/tests/%,$(notdir $(unit_src)))
check_libs := $(shell $(PKG_CONFIG) --libs check 2>/dev/null)
export MESHAPPLY_SOURCE := $(CURDIR)
export MESHAPPLY_BUILD := $(CURDIR)/$(B)
# Fakes of a run that is killed and big arenas: leaks are looked for by the
# programs that end in the ordinary way.
export UBSAN_OPTIONS := print_stacktrace=1

# Shared by test programs: the model kernel and helpers.
support_src := $(sort $(wildcard tests/support/*.c))
support_obj := $(call obj,$(support_src))
support_lib := $(B)/tests/libsupport.a
$(support_lib): $(support_obj)
	@mkdir -p $(@D)
	@rm -f $@
	@$(AR) rcsD $@ $^

vpath test_%.o $(B)/obj/tests/unit $(B)/obj/tests/fault

define unit_rule
$(B)/tests/$(notdir $(basename $(1))): $(call obj,$(1)) $(support_lib) \
		$(B)/libmeshapply.a
	@mkdir -p $$(@D)
	@echo '  LD      $$@'
	@$$(CC) $$(CFLAGS_ALL) $$(LDFLAGS_ALL) -o $$@ $$(filter %.o,$$^) \
		$$(filter %.a,$$^) $$(check_libs) $$(main_libs)
endef
# Of meshapply-fetch, what needs no libcurl.
$(B)/tests/test_fetch_sandbox: $(call obj,src/fetch/sandbox.c)
$(foreach f,$(unit_src),$(eval $(call unit_rule,$(f))))
$(call obj,$(unit_src) $(support_src)): CPPFLAGS_ALL += -Itests
$(call obj,$(unit_src)): CFLAGS_ALL += -Wno-pedantic

.PHONY: check check-rings check-unit check-netns check-vm check-faults \
	check-cli lint fuzz fuzz-replay bench demo demo-run dist

# Two steps: what is installed by the first is seen by the second.
check:
	@mk/deps build test lint fuzz vm
	@$(MAKE) --no-print-directory -j$$(nproc) check-build
	@$(MAKE) --no-print-directory check-rings

check-rings: all
	@tests/lint/run quick
	@$(MAKE) --no-print-directory check-unit
	@$(MAKE) --no-print-directory fuzz-replay
	@$(MAKE) --no-print-directory check-cli
	@$(MAKE) --no-print-directory check-netns
	@$(MAKE) --no-print-directory check-release
	@$(MAKE) --no-print-directory check-vm VM_SUITES='$(vm_short)'
	@echo 'All rings passed.'

check-unit: all $(unit_bin)
	@for t in $(unit_bin); do echo "== $${t##*/}"; $$t || exit 1; done

# The programs as a user runs them, without root's rights to the network.
cli_tools := $(patsubst tests/cli/%.c,$(B)/tests/%,$(wildcard tests/cli/*.c))
$(cli_tools): $(B)/tests/%: tests/cli/%.c $(B)/libmeshapply.a
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS_ALL) $(main_cflags) $(CFLAGS_ALL) $(LDFLAGS_ALL) \
		-o $@ $< $(B)/libmeshapply.a $(main_libs)

check-cli: all $(cli_tools)
	@for t in $(sort $(filter-out tests/cli/lib.sh,\
		$(wildcard tests/cli/*.sh))); do \
		echo "== $$t"; bash $$t || exit 1; done

check-netns: all $(unit_bin)
	@if [ "$$(id -u)" != 0 ]; then \
		echo 'SKIPPED: the netns ring needs root'; exit 0; fi; \
	for t in $(sort $(filter-out tests/netns/lib.sh,\
		$(wildcard tests/netns/*.sh))); do \
		echo "== $$t"; bash $$t || exit 1; done

# The VM runs the release build: emulation makes a sanitised one crawl.
.PHONY: release check-release
release:
	@$(MAKE) --no-print-directory RELEASE=1 all

check-release:
	@tests/release

# smoke.sh looks at the VM itself, not at us: it is for who changes that.
# loss.sh takes its time, and writes a table: see check-loss.
vm_suites := $(sort $(filter-out tests/vm/%lib.sh tests/vm/meshapply.sh \
	tests/vm/smoke.sh tests/vm/loss.sh,$(wildcard tests/vm/*.sh)))

# What make check has time for; make check-vm runs all of them.
vm_short := $(patsubst %,tests/vm/%.sh,confirm effects faults firewall \
	generations mesh neighbour noipv6 office ssh systemd)

VM_SUITES ?= $(vm_suites)
check-vm:
	@mk/deps build vm
	@$(MAKE) --no-print-directory -j$$(nproc) RELEASE=1 all vm-tools
	@tests/vm/prepare
	@tests/vm/suite $(VM_SUITES)

.PHONY: check-smoke
check-smoke:
	@mk/deps build vm
	@$(MAKE) --no-print-directory RELEASE=1 all vm-tools
	@tests/vm/prepare
	@tests/vm/suite tests/vm/smoke.sh

check-faults:
	@mk/deps build test vm
	@$(MAKE) --no-print-directory $(B)/tests/test_fault_disk
	@FAULTS=all $(B)/tests/test_fault_disk
	@$(MAKE) --no-print-directory RELEASE=1 all vm-tools
	@tests/vm/prepare
	@FAULTS=all SUITE_SECONDS=10800 tests/vm/suite tests/vm/faults.sh \
		tests/vm/interrupts.sh tests/vm/power.sh

# What changes cost the packets that pass meanwhile, as a table.
.PHONY: check-loss
check-loss:
	@mk/deps build vm
	@$(MAKE) --no-print-directory RELEASE=1 all vm-tools
	@tests/vm/prepare
	@status=0; SUITE_SECONDS=3600 tests/vm/suite tests/vm/loss.sh || \
		status=$$?; \
	sed -n 's/^# |$$//p; t; s/^# |/|/p' build/vm/logs/loss.log \
		> build/loss.md; \
	echo 'The table is in build/loss.md'; exit $$status

# Programs that suites run inside the VM.
vm_tools := $(patsubst tests/vm/%.c,$(B)/tests/%,$(wildcard tests/vm/*.c))
.PHONY: vm-tools
vm-tools: $(vm_tools) $(B)/tests/fault.so
$(B)/tests/fault.so: tests/vm/preload/fault.c
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -fPIC -shared -o $@ $<
$(B)/tests/%: tests/vm/%.c $(B)/libmeshapply.a
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS_ALL) $(main_cflags) $(CFLAGS_ALL) $(LDFLAGS_ALL) \
		-o $@ $< $(B)/libmeshapply.a $(main_libs)

lint:
	@mk/deps build lint
	@tests/lint/run

# Fuzz targets are built by clang with libFuzzer; the corpora are replayed by
# make check, make fuzz looks for more.
fuzz_src := $(sort $(wildcard tests/fuzz/fuzz_*.c))
fuzz_bin := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(fuzz_src))

# What the rings run is made on all cores; the rings take turns.
.PHONY: check-build
check-build: all $(unit_bin) $(cli_tools) $(fuzz_bin)

FUZZ_SECONDS ?= 60

build/fuzz/obj/%.o: %.c VERSION
	@mkdir -p $(@D)
	@clang $(CPPFLAGS_ALL) $(main_cflags) -std=gnu11 -O1 -g \
		-fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=undefined -MMD -MP -c -o $@ $<
-include $(shell find build/fuzz/obj -name '*.d' 2>/dev/null)
fuzz_lib := $(patsubst %.c,build/fuzz/obj/%.o,$(filter-out src/cmd/% \
	src/report/%,$(lib_src)))
build/fuzz/%: tests/fuzz/%.c $(fuzz_lib)
	@mkdir -p $(@D)
	@echo '  FUZZ    $@'
	@clang $(CPPFLAGS_ALL) -Itests $(main_cflags) -std=gnu11 -O1 -g \
		-fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o $@ $^ $(main_libs)

fuzz: $(fuzz_bin)
	@for f in $(fuzz_bin); do n=$${f##*/fuzz_}; echo "== $$n"; \
		mkdir -p build/fuzz/corpus/$$n; \
		$$f -max_total_time=$(FUZZ_SECONDS) -timeout=20 \
			-print_final_stats=1 -artifact_prefix=build/fuzz/ \
			build/fuzz/corpus/$$n tests/fuzz/corpus/$$n \
			2>&1 | tail -n 12 || exit 1; done

fuzz-replay: $(fuzz_bin)
	@for f in $(fuzz_bin); do n=$${f##*/fuzz_}; \
		echo "== replay $$n"; \
		$$f -timeout=60 tests/fuzz/corpus/$$n/* \
			>build/fuzz/$$n.log 2>&1 || { \
			tail -n 40 build/fuzz/$$n.log; exit 1; }; done

demo:
	@mk/deps build vm
	@$(MAKE) --no-print-directory RELEASE=1 all
	@$(MAKE) --no-print-directory demo-run

demo-run:
	@examples/demo/run

bench:
	@mk/deps build vm bench
	@$(MAKE) --no-print-directory RELEASE=1 all vm-tools
	@tests/vm/prepare
	@bench/run

dist:
	@mkdir -p build
	git archive --format=tar --prefix=meshapply-$(VERSION)/ HEAD | \
		gzip -9n > build/meshapply-$(VERSION).tar.gz
	@echo build/meshapply-$(VERSION).tar.gz
