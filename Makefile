# SPDX-License-Identifier: GPL-2.0-or-later
#
#   make               build into $(B)
#   make check         unit tests; no root needed
#   sudo make test     everything, against real runtimes; installs what it needs
#   sudo make demo     ten containers, ten mappings, one image; installs what it needs
#   sudo make bench    side by side with what else there is (BENCH=--quick); installs what it needs
#   make fuzz          every parser, FUZZ_SECONDS (300) each; needs clang
#   sudo make soak     SOAK_SECONDS (1800) of stress, sanitizers, random operations and fuzzing
#   make sanitizers    the shifter with ASan and UBSan, and with TSan, into $(B)/asan and $(B)/tsan
#   make install       PREFIX, DESTDIR; see the list of directories below
#   make deps          install what building and testing need (apt or dnf)
#   make format, check-format, lint, clean, dist

VERSION := 0.1.0

CC ?= cc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
BASHCOMPDIR ?= $(DATADIR)/bash-completion/completions
# Of the system, as is the configuration: /run/oci-shift is the same for every prefix.
TMPFILESDIR ?= /usr/lib/tmpfiles.d
SYSCONFDIR ?= /etc
# Whatever the prefix: engines read this directory, and no other unless they are told to.
HOOKSDIR ?= /usr/share/containers/oci/hooks.d
HOOK_PATH = $(LIBEXECDIR)/oci/hooks.d/oci-shift-hook
SHIFTER_PATH = $(BINDIR)/oci-shifter
B ?= build

PKG_CONFIG ?= pkg-config
# What to say when a library is missing; "make deps" is the way out.
require = $(if $(shell $(PKG_CONFIG) --exists '$(1)' && echo yes),,$(error $(1) is missing \
	(asked $(PKG_CONFIG)): "make deps" installs what is needed, or install $(2)))
NO_BUILD_GOALS := deps clean format check-format help dist uninstall
ifneq ($(if $(MAKECMDGOALS),$(filter-out $(NO_BUILD_GOALS) demo test bench,$(MAKECMDGOALS)),all),)
$(if $(shell command -v $(PKG_CONFIG)),,$(error $(PKG_CONFIG) is missing: "make deps" installs it))
$(call require,fuse3 >= 3.14,libfuse3-dev or fuse3-devel)
$(call require,libseccomp,libseccomp-dev or libseccomp-devel)
$(call require,yajl,libyajl-dev or yajl-devel)
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wundef -Wno-missing-field-initializers
DEFS := -D_GNU_SOURCE -DFUSE_USE_VERSION=314 -DVERSION='"$(VERSION)"' \
	-DSHIFTER_PATH='"$(SHIFTER_PATH)"'
# Assertions are for the builds with sanitizers: a server that ends is a container that hangs.
HARDEN ?= -DNDEBUG -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
ALL_CFLAGS = -std=gnu11 -I. $(DEFS) $(WARN) $(HARDEN) $(CFLAGS) \
	$(shell $(PKG_CONFIG) --cflags fuse3 libseccomp yajl)
LINK = $(CC) $(CFLAGS) $(LDFLAGS) -pie -Wl,-z,relro,-z,now -o $@ $(filter %.o,$^)

BASE := $(patsubst %.c,$(B)/%.o,$(wildcard base/*.c))
SHIFTER := $(patsubst %.c,$(B)/%.o,$(wildcard shifter/*.c))
# What oci-shift-hook, oci-shift and oci-shift-runtime share, and what each has besides.
HOOK := $(patsubst %.c,$(B)/%.o,$(filter-out hook/main.c,$(wildcard hook/*.c)))
CLI := $(patsubst %.c,$(B)/%.o,$(wildcard hook/cli/*.c))
RUNTIME := $(patsubst %.c,$(B)/%.o,$(wildcard hook/runtime/*.c))
SOURCES := $(wildcard base/*.[ch] shifter/*.[ch] hook/*.[ch] hook/*/*.[ch] tests/*/*.[ch] bench/*/*.[ch])

.PHONY: all check test demo install uninstall deps format check-format lint clean dist help FORCE
PROGRAMS := oci-shifter oci-shift-hook oci-shift oci-shift-runtime
all: $(PROGRAMS:%=$(B)/%)

$(B)/oci-shifter: $(BASE) $(SHIFTER) $(B)/flags
	$(LINK) $(shell $(PKG_CONFIG) --libs fuse3 libseccomp) -pthread

$(B)/oci-shift-hook: $(BASE) $(HOOK) $(B)/hook/main.o $(B)/flags
	$(LINK) $(shell $(PKG_CONFIG) --libs yajl)

$(B)/oci-shift: $(BASE) $(HOOK) $(CLI) $(B)/flags
	$(LINK) $(shell $(PKG_CONFIG) --libs yajl)

$(B)/oci-shift-runtime: $(BASE) $(HOOK) $(RUNTIME) $(B)/flags
	$(LINK) $(shell $(PKG_CONFIG) --libs yajl)

# Objects made with other flags are made again.
$(B)/flags: FORCE
	@mkdir -p $(B)
	@echo '$(subst ','\'',$(CC) $(ALL_CFLAGS))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(CC) $(ALL_CFLAGS))' > $@

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)

include tests/sanitize.mk
include tests/unit/unit.mk
include tests/fuzz/fuzz.mk
include bench/bench.mk

test:
	B='$(B)' tests/test-all

demo:
	tests/demo

deps:
	./install-deps

# Paths that are only known now are filled in where a file says @HOOK@.
fill = sed 's|@HOOK@|$(HOOK_PATH)|g'

install: all
	install -D -m 755 $(B)/oci-shifter $(DESTDIR)$(SHIFTER_PATH)
	install -D -m 755 $(B)/oci-shift-hook $(DESTDIR)$(HOOK_PATH)
	install -D -m 755 $(B)/oci-shift $(DESTDIR)$(SBINDIR)/oci-shift
	install -D -m 755 $(B)/oci-shift-runtime $(DESTDIR)$(BINDIR)/oci-shift-runtime
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(HOOKSDIR) $(DESTDIR)$(DATADIR)/oci-shift/hooks.d
	ln -sfr $(DESTDIR)$(SHIFTER_PATH) $(DESTDIR)$(SBINDIR)/mount.fuse.oci-shifter
	$(fill) hooks.d/oci-shift.json > $(DESTDIR)$(HOOKSDIR)/oci-shift.json
	$(fill) hooks.d/oci-shift-always.json > \
		$(DESTDIR)$(DATADIR)/oci-shift/hooks.d/oci-shift-always.json
	install -d $(DESTDIR)$(DATADIR)/oci-shift/hooks.d/precreate
	$(fill) hooks.d/precreate/oci-shift.json > \
		$(DESTDIR)$(DATADIR)/oci-shift/hooks.d/precreate/oci-shift.json
	install -D -m 644 tmpfiles.d/oci-shift.conf $(DESTDIR)$(TMPFILESDIR)/oci-shift.conf
	install -D -m 644 completion/oci-shift.bash $(DESTDIR)$(BASHCOMPDIR)/oci-shift
	install -D -m 644 docs/oci-shifter.1 $(DESTDIR)$(MANDIR)/man1/oci-shifter.1
	install -d $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(SYSCONFDIR)/oci-shift
	install -m 644 docs/*.8 $(DESTDIR)$(MANDIR)/man8/
	[ -e $(DESTDIR)$(SYSCONFDIR)/oci-shift/config.json ] || \
		install -m 644 config.json $(DESTDIR)$(SYSCONFDIR)/oci-shift/config.json

# A configuration that was changed stays.
uninstall:
	rm -f $(DESTDIR)$(SHIFTER_PATH) $(DESTDIR)$(HOOK_PATH) $(DESTDIR)$(SBINDIR)/oci-shift \
		$(DESTDIR)$(BINDIR)/oci-shift-runtime $(DESTDIR)$(SBINDIR)/mount.fuse.oci-shifter \
		$(DESTDIR)$(HOOKSDIR)/oci-shift.json $(DESTDIR)$(TMPFILESDIR)/oci-shift.conf \
		$(DESTDIR)$(BASHCOMPDIR)/oci-shift $(DESTDIR)$(MANDIR)/man1/oci-shifter.1 \
		$(patsubst docs/%,$(DESTDIR)$(MANDIR)/man8/%,$(wildcard docs/*.8))
	! cmp -s config.json $(DESTDIR)$(SYSCONFDIR)/oci-shift/config.json || \
		rm -r $(DESTDIR)$(SYSCONFDIR)/oci-shift
	rm -rf $(DESTDIR)$(DATADIR)/oci-shift

format:
	clang-format -i $(SOURCES)

check-format:
	clang-format --dry-run -Werror $(SOURCES)

lint:
	tests/lint

# The same bytes for the same commit.
dist:
	git archive --format=tar --prefix=oci-shift-$(VERSION)/ HEAD | gzip -9n > oci-shift-$(VERSION).tar.gz

clean:
	rm -rf $(B) oci-shift-*.tar.gz

help:
	@sed -n '3,/^$$/s/^# *//p' Makefile
FORCE:
