# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Installation, and engines that find the hook in hooks.d.
# alone: podman has one store

# shellcheck source=tests/scenarios/podman.sh
. "$REPO/tests/scenarios/podman.sh"

# A real installation below $WORK, made by the first test that wants it: $P. Each test has a
# directory of hooks of its own, $T/hooks.d, for the loader.
P=$WORK/usr
install_once() {
	[ -d "$P" ] || make -s -C "$REPO" B="$WORK/build" PREFIX="$P" HOOKSDIR="$P/hooks.d" SYSCONFDIR="$P/etc" \
		TMPFILESDIR="$P/tmpfiles.d" install
	mkdir hooks.d
}

test_install_and_uninstall() {
	make -s -C "$REPO" B="$T/build" PREFIX=/usr DESTDIR="$T/root" install
	is "$(cd root && find . ! -type d | sort)" "./etc/oci-shift/config.json
./usr/bin/oci-shift-runtime
./usr/bin/oci-shifter
./usr/lib/tmpfiles.d/oci-shift.conf
./usr/libexec/oci/hooks.d/oci-shift-hook
./usr/sbin/mount.fuse.oci-shifter
./usr/sbin/oci-shift
./usr/share/bash-completion/completions/oci-shift
./usr/share/containers/oci/hooks.d/oci-shift.json
./usr/share/man/man1/oci-shifter.1
./usr/share/man/man8/oci-shift-hook.8
./usr/share/man/man8/oci-shift-runtime.8
./usr/share/man/man8/oci-shift.8
./usr/share/oci-shift/hooks.d/oci-shift-always.json
./usr/share/oci-shift/hooks.d/precreate/oci-shift.json"
	is "$(jq -r .hook.path root/usr/share/containers/oci/hooks.d/oci-shift.json)" \
		/usr/libexec/oci/hooks.d/oci-shift-hook
	make -s -C "$REPO" B="$T/build" PREFIX=/usr DESTDIR="$T/root" uninstall
	is "$(find root ! -type d)" ""
	[ ! -e root/etc/oci-shift ] || fail "the configuration's directory"
	# A configuration of the administrator's own stays, both times.
	mkdir -p root/etc/oci-shift && echo '{ }' >root/etc/oci-shift/config.json
	make -s -C "$REPO" B="$T/build" PREFIX=/usr DESTDIR="$T/root" install
	make -s -C "$REPO" B="$T/build" PREFIX=/usr DESTDIR="$T/root" uninstall
	is "$(cat root/etc/oci-shift/config.json)" '{ }'
}

test_missing_library_is_named() {
	out=$(PKG_CONFIG_LIBDIR=$T make -C "$REPO" B="$T/build" all 2>&1) && fail "make went on"
	has "$out" "fuse3 >= 3.14 is missing .*make deps"
}

# A precreate stage in the default directory would keep CRI-O from starting, and an engine that
# turns prestart into createRuntime would run a hook twice that lists both.
test_hooks_d_files_keep_to_safe_stages() {
	for f in "$REPO"/hooks.d/*.json; do
		is "$(jq -c .stages "$f")" '["createRuntime","poststart","poststop"]' "$f"
	done
}

# Those that still run: their zombies, which await only init, have no exe.
installed_shifters() {
	local p
	for p in /proc/[0-9]*; do
		[ ! "$p/exe" -ef "$P/bin/oci-shifter" ] || echo "$p"
	done
}

each_podman_loads_the_hook_by_annotation() {
	install_once
	cp "$P/hooks.d/oci-shift.json" hooks.d/
	podman_image image
	out=$(podman_run "$1" --annotation io.oci-shift.upper=none --rootfs "$T/image" \
		sh -c 'stat -c "owner is: %U" /usr/bin/ls; touch /opt/new; grep -E " /(lower)? / " /proc/self/mountinfo')
	has "$out" "owner is: root"
	has "$out" "fuse.oci-shifter"
	is "$(stat -c %u:%g image/opt/new)" 0:0
	is "$(ls /run/oci-shift 2>/dev/null)" ""
	is "$(installed_shifters)" ""
}

each_podman_without_the_annotation_is_left_alone() {
	install_once
	cp "$P/hooks.d/oci-shift.json" hooks.d/
	podman_image image
	out=$(podman_run "$1" --rootfs "$T/image" sh -c 'stat -c "owner is: %U" /usr/bin/ls')
	is "$out" "owner is: nobody"
}

each_podman_always_variant() {
	install_once
	cp "$P/share/oci-shift/hooks.d/oci-shift-always.json" hooks.d/
	podman_image image
	out=$(podman_run "$1" --rootfs "$T/image" sh -c 'stat -c "owner is: %U" /usr/bin/ls')
	is "$out" "owner is: root"
}

each_podman_gives_an_upper() {
	install_once
	hook_config "$(jq -n --arg t "$T" '{upperDirectory: "\($t)/uppers",
		ephemeralDirectory: "\($t)/ephemeral", annotationPaths: ["\($t)/mine"]}')"
	jq --arg c "$T/admin.json" '.hook.args += ["--config", $c]' "$P/hooks.d/oci-shift.json" >hooks.d/oci-shift.json
	podman_image image
	out=$(podman_run "$1" --annotation io.oci-shift.upper=ephemeral --rootfs "$T/image" \
		sh -c 'echo x >/opt/new; stat -c "owner is: %U" /usr/bin/ls /opt/new')
	is "$out" $'owner is: root\nowner is: root'
	is "$(ls -A ephemeral)" "" "left of the uppers"
	mkdir mine
	for n in 1 2; do
		out=$(podman_run "$1" --annotation io.oci-shift.upper=keep --annotation "io.oci-shift.upperdir=$T/mine" \
			--rootfs "$T/image" sh -c "echo $n >>/opt/new; cat /opt/new")
	done
	is "$out" $'1\n2'
	is "$(stat -c %u:%g mine/upper/opt/new)" 0:0
	is "$(ls -A image/opt)" "" "written to the image"
}
