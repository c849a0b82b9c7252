# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzz targets: each tests/fuzz/NAME.c but main.c. "make fuzz" builds them with clang's libFuzzer and
# runs each for FUZZ_SECONDS; "make check" gives them their corpus in one program of any compiler.

FUZZ_SECONDS ?= 300
FUZZ_NAMES := $(filter-out main,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
FUZZ_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

# In the one program every target has a name of its own.
$(B)/tests/fuzz/%.o: ALL_CFLAGS += $(if $(LIBFUZZER),,-DLLVMFuzzerTestOneInput=fuzz_$(*F))
# A target that comes or goes changes the directory.
$(B)/tests/fuzz/main.o: tests/fuzz
$(B)/tests/fuzz/main.o: ALL_CFLAGS += '-DFUZZ_TARGETS=$(foreach n,$(FUZZ_NAMES),X($(n)))'

$(B)/fuzz-replay: $(B)/tests/fuzz/main.o $(patsubst %,$(B)/tests/fuzz/%.o,$(FUZZ_NAMES)) \
		$(patsubst %.c,$(B)/%.o,$(UNDER_TEST)) $(B)/flags
	$(LINK) $(shell $(PKG_CONFIG) --libs fuse3 libseccomp yajl) -pthread

# An archive: of the parts under test a target gets those that it uses, and is led by these alone.
$(B)/parts.a: $(patsubst %.c,$(B)/%.o,$(UNDER_TEST))
	rm -f $@
	$(AR) rcs $@ $^

$(B)/targets/%: $(B)/tests/fuzz/%.o $(B)/parts.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fsanitize=fuzzer -pie -o $@ $^ \
		$(shell $(PKG_CONFIG) --libs fuse3 libseccomp yajl) -pthread
.PRECIOUS: $(B)/tests/fuzz/%.o

.PHONY: fuzz fuzz-build fuzz-targets
fuzz-targets: $(patsubst %,$(B)/targets/%,$(FUZZ_NAMES))

fuzz-build:
	$(MAKE) --no-print-directory B=$(B)/fuzz CC=clang CFLAGS='-O1 -g $(FUZZ_SAN)' HARDEN=-fPIE \
		LIBFUZZER=1 fuzz-targets

fuzz: fuzz-build
	tests/fuzz/run $(B)/fuzz $(FUZZ_SECONDS)
