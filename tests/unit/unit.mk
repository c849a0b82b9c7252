# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests (libcheck): every tests/unit/test_*.c is linked into one program, twice: plain, and
# with the address and undefined-behaviour sanitizers.

UNIT := $(wildcard tests/unit/*.c)
# Both sides but their main functions, which would meet.
UNDER_TEST := $(filter-out %/main.c,$(wildcard base/*.c hook/*.c shifter/*.c))
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
CHECK_FLAGS = $(shell $(PKG_CONFIG) --cflags check)

$(B)/tests/unit/%.o: CFLAGS += $(CHECK_FLAGS)

$(B)/unit-tests: $(patsubst %.c,$(B)/%.o,$(UNIT) $(UNDER_TEST)) $(B)/flags
	$(LINK) $(shell $(PKG_CONFIG) --libs check fuse3 libseccomp yajl) -pthread

check:
	$(call require,check,check or check-devel)
	$(MAKE) --no-print-directory $(B)/unit-tests
	$(B)/unit-tests
	$(MAKE) --no-print-directory B=$(B)/san CFLAGS='-O1 -g $(SAN)' HARDEN= $(B)/san/unit-tests
	$(B)/san/unit-tests
