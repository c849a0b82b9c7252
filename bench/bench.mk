# SPDX-License-Identifier: GPL-2.0-or-later
# make bench BENCH='--quick --only walk': see bench/run.
BENCH ?= --all

BENCH_TOOLS := $(patsubst bench/tools/%.c,$(B)/bench/%,$(wildcard bench/tools/*.c)) \
	$(B)/bench/userns

.PHONY: bench bench-tools
bench:
	B='$(B)' bench/run $(BENCH)

bench-tools: $(BENCH_TOOLS)

$(B)/bench/%: bench/tools/%.c bench/tools/clock.h $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -pie -o $@ $<

$(B)/bench/userns: tests/scenarios/userns.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -pie -o $@ $<
