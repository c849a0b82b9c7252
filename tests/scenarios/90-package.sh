# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of other shells
# timeout: 300
# alone: it builds everything
# The RPM: built from "make dist", installed into a root, used from there.

# What Fedora's macros say and Debian's rpm does not know.
rpm_macros=(
	--define "_topdir $WORK/rpm" --define "_libexecdir /usr/libexec" --define "_sbindir /usr/sbin"
	--define "_tmpfilesdir /usr/lib/tmpfiles.d" --define "_sysconfdir /etc" --define "_mandir /usr/share/man"
	--define "set_build_flags %{nil}" --define "_build_id_links none" --define "debug_package %{nil}"
)

build_package() {
	mkdir -p "$WORK/rpm/SOURCES"
	# As make dist does, but of what is here: a change that is in no commit yet is tried too.
	tar -C "$REPO" -c --exclude=./.git --exclude='./build*' --transform 'flags=r;s,^\.,oci-shift-0.1.0,' . |
		gzip -1 >"$WORK/rpm/SOURCES/oci-shift-0.1.0.tar.gz"
	rpmbuild -bb --nodeps "${rpm_macros[@]}" "$REPO/oci-shift-hook.spec" >"$WORK/rpm/log" 2>&1 ||
		{ tail -n 50 "$WORK/rpm/log" && return 1; }
}

package() {
	once package build_package
	ls "$WORK"/rpm/RPMS/*/oci-shift-hook-0.1.0-*.rpm
}

# plain: the package is built without sanitizers
test_built_and_checked() {
	package >/dev/null
	has "$(cat "$WORK/rpm/log")" 'Checks: [0-9]+, Failures: 0, Errors: 0'
	has_not "$(grep -v 'canonicalize hostname' "$WORK/rpm/log")" '^warning:|but unpackaged'
}

# plain: the package is built without sanitizers
test_holds_what_make_install_installs() {
	rpm -qlp "$(package)" | sed 's/\.gz$//' | sort >in-package
	make -s -C "$REPO" B="$T/build" PREFIX=/usr DESTDIR="$T/root" install
	(cd root && find . ! -type d | sed 's/^\.//' | sort) >installed
	# The package has documents and directories besides.
	is "$(comm -13 in-package installed)" ""
	is "$(comm -23 in-package installed | grep -v '^/usr/share/\(doc\|licenses\)/' |
		while read -r f; do [ -d "root$f" ] || echo "$f"; done)" ""
	is "$(rpm -qcp "$(package)")" /etc/oci-shift/config.json
}

# plain: the package is built without sanitizers
each_used_by_a_runtime() {
	# rpm wants a database of its own.
	mkdir -p root/var/lib/rpm
	rpm --root "$T/root" --initdb
	rpm --root "$T/root" -i --nodeps --noscripts "$(package)"
	hook=$(jq -r .hook.path root/usr/share/containers/oci/hooks.d/oci-shift.json)
	is "$hook" /usr/libexec/oci/hooks.d/oci-shift-hook
	bundle b '.hooks = {createRuntime: [{path: $h, args: ["oci-shift-hook"]}], poststart: [{path: $h, args: ["oci-shift-hook"]}],
		poststop: [{path: $h, args: ["oci-shift-hook"]}]}' --arg h "$hook"
	args b stat -c %U /usr/bin/ls
	out=$(unshare --mount --propagation private bash -euc '
		! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
		for d in usr etc; do mount -t overlay -o "lowerdir=$T/root/$d:/$d" overlay "/$d"; done
		mount -t tmpfs -o mode=755 tmpfs /run
		[ "$1" != crun ] || set -- crun --cgroup-manager=disabled
		cd b && "$@" --root "$T/rt" run c
		oci-shift list' package "$1")
	is "$out" "root
CONTAINER  WAY  PID  UIDS  MODE  UPPER  SHIFTER  MEMORY  REQUESTS  IMAGE"
	# A configuration that was changed is kept, and nothing else.
	echo '{ }' >root/etc/oci-shift/config.json
	rpm --root "$T/root" -e --noscripts oci-shift-hook 2>/dev/null
	is "$(cd root && find . ! -type d ! -path './var/lib/rpm/*' ! -path './root/.rpmdb/*')" ./etc/oci-shift/config.json.rpmsave
}

test_lint() {
	out=$(rpmspec "${rpm_macros[@]}" -P "$REPO/oci-shift-hook.spec" 2>&1 >/dev/null)
	is "$out" ""
	out=$(rpmlint -r "$REPO/oci-shift-hook.rpmlintrc" "$REPO/oci-shift-hook.spec" 2>&1) || :
	has "$out" '0 errors, 0 warnings'
}

# The same commit gives the same bytes, and what is in them builds without git.
test_dist() {
	git -c safe.directory='*' clone -q "$REPO" clone 2>/dev/null || skip "this is no git repository"
	make -s -C clone dist && mv clone/oci-shift-*.tar.gz one.tar.gz
	sleep 1
	make -s -C clone dist && cmp one.tar.gz clone/oci-shift-*.tar.gz
	tar -xf one.tar.gz
	(cd oci-shift-* && make -s -n all >/dev/null)
}

test_completion() {
	hook_config
	bundle b 'del(.hooks) | .root.path = "rootfs"'
	"$CLI" --config "$T/admin.json" prepare b --image "$IMAGE" --id first >log
	mkdir -p dir.a path
	printf '#!/bin/sh\nexec "%s" --config "%s" "$@"\n' "$CLI" "$T/admin.json" >path/oci-shift
	chmod +x path/oci-shift
	complete_line() { # WORD...
		PATH=$T/path:$PATH bash -c '. "$0/completion/oci-shift.bash"
			COMP_WORDS=(oci-shift "$@") COMP_CWORD=$#
			_oci_shift && printf "%s\n" "${COMPREPLY[@]}" | xargs' "$REPO" "$@"
	}
	is "$(complete_line '')" 'prepare release list inspect check help'
	is "$(complete_line pre)" prepare
	is "$(complete_line prepare --up)" '--upper --upperdir'
	is "$(complete_line prepare b --upper '')" 'none ephemeral keep'
	is "$(complete_line prepare dir)" dir.a
	is "$(complete_line inspect '')" first
	is "$(complete_line release f)" first
	is "$(complete_line --config /x list --)" '--json --help'
	"$CLI" --config "$T/admin.json" release first >log
}
