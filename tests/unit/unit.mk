# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests (libcheck): every tests/unit/test_*.c is linked into one program, twice: plain, and
# with the address and undefined-behaviour sanitizers. Then the corpus of the fuzz targets, and the
# schemas against the parsers.

UNIT := $(wildcard tests/unit/*.c)
# Both sides but their main functions, which would meet.
UNDER_TEST := $(filter-out %/main.c,$(wildcard base/*.c hook/*.c hook/*/*.c shifter/*.c))
PARSERS := $(filter-out %/main.c,$(wildcard base/*.c hook/*.c))
CHECK_FLAGS = $(shell $(PKG_CONFIG) --cflags check)

$(B)/tests/unit/%.o: ALL_CFLAGS += $(CHECK_FLAGS)

$(B)/unit-tests: $(patsubst %.c,$(B)/%.o,$(UNIT) $(UNDER_TEST)) $(B)/flags
	$(LINK) $(shell $(PKG_CONFIG) --libs check fuse3 libseccomp yajl) -pthread

# What the hook's parsers say to a document, for tests/check-schemas.
$(B)/parse-document: $(patsubst %.c,$(B)/%.o,tests/tools/parse_document.c $(PARSERS)) $(B)/flags
	$(LINK) $(shell $(PKG_CONFIG) --libs yajl)

check:
	$(call require,check,check or check-devel)
	$(MAKE) --no-print-directory $(B)/unit-tests
	$(B)/unit-tests
	+$(call sanitized,asan,$(SAN_ASAN)) \
		$(B)/asan/unit-tests $(B)/asan/parse-document $(B)/asan/fuzz-replay
	$(B)/asan/unit-tests
	tests/fuzz/replay $(B)/asan/fuzz-replay
	@if [ -x /usr/bin/python3 ]; then \
		tests/check-schemas $(B)/asan/parse-document; \
	else \
		echo 'check-schemas: skipped: there is no python3'; [ "$$CI" != true ]; \
	fi
