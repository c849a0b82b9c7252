# SPDX-License-Identifier: GPL-2.0-or-later
# What takes long. The shifter with sanitizers and assertions, for "SANITIZE=asan tests/run": $(B)/asan/oci-shifter
# and $(B)/tsan/oci-shifter. The unit tests of "make check" are built in the former's directory too.

SAN_ASAN := -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_TSAN := -fsanitize=thread
# $(call sanitized,NAME,FLAGS) GOALS: make with the flags in a directory of its own
sanitized = $(MAKE) --no-print-directory B=$(B)/$(1) HARDEN='-fPIE -DSANITIZED' \
	CFLAGS='-O1 -g -fno-omit-frame-pointer $(2)'

.PHONY: asan tsan sanitizers soak
sanitizers: asan tsan
asan:
	+$(call sanitized,asan,$(SAN_ASAN)) $(B)/asan/oci-shifter
tsan:
	+$(call sanitized,tsan,$(SAN_TSAN)) $(B)/tsan/oci-shifter

SOAK_SECONDS ?= 1800
soak: all sanitizers
	B='$(B)' BUILD='$(abspath $(B))' tests/soak $(SOAK_SECONDS)
