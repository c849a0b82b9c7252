# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of other shells
# What docs/engines.md tells people to type, as it stands there, with an installation in /usr/local.
# alone: podman has one store

# shellcheck source=tests/scenarios/podman.sh
. "$REPO/tests/scenarios/podman.sh"

# block NAME: the text of the block behind the comment "tested: NAME"
block() {
	awk -v want="<!-- tested: $1 -->" '
		$0 == want {found = 1; next}
		found && /^```/ {if (inside) exit; inside = 1; next}
		inside' "$REPO/docs/engines.md"
}

# installed SCRIPT [ARGUMENTS...]: a shell in a mount namespace in which oci-shift is installed, images are in
# /srv/images, and nothing that is written stays.
installed() {
	local script=$1
	shift
	podman_conf
	mkdir -p layers
	[ -d podman-image ] || podman_image podman-image
	[ -d bare-image ] || bare_image bare-image
	CONTAINERS_CONF=$T/containers.conf timeout 55 unshare --mount --propagation private bash -euc '
		! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
		mount -t tmpfs tmpfs "$T/layers"
		for d in usr etc; do
			mkdir "$T/layers/$d" "$T/layers/$d.work"
			mount -t overlay -o "lowerdir=/$d,upperdir=$T/layers/$d,workdir=$T/layers/$d.work" overlay "/$d"
		done
		make -s -C "$REPO" B="$BUILD_OF_ALL" install
		mkdir -p /var/lib/oci-shift /var/lib/containers
		for d in /srv /run /var/lib/oci-shift /var/lib/containers; do mount -t tmpfs -o mode=755 tmpfs "$d"; done
		mkdir -p /srv/images/debian /srv/images/podman /srv/web
		mount --bind -o ro "$T/bare-image" /srv/images/debian
		mount --bind "$T/podman-image" /srv/images/podman
		cd /srv/web
		crun() { command crun --cgroup-manager=disabled "$@"; }
		export -f crun
		'"$script" installed "$@"
	rmdir layers
}

# Where the programs were built: a worker has copies of them alone.
export BUILD_OF_ALL
BUILD_OF_ALL=$(cat "$WORK/built-in")

each_prepare() {
	is "$(installed "$(block prepare | sed "s/runc run/$1 run/")" | grep -v '^released\|shows')" 'owner is: root'
}

each_hooks() {
	# This image has the mount points of runc spec.
	is "$(installed "$(block hooks | sed "s/runc run/$1 run/")")" 'owner is: root'
}

each_podman() {
	for name in podman-hooks podman-precreate podman-runtime; do
		script=$(block $name)
		[ "$1" != crun ] || script=${script/podman run/podman --runtime crun run}
		[ "$1" != crun ] || script=${script//podman --hooks-dir/podman --runtime crun --hooks-dir}
		[ "$1:$name" != crun:podman-runtime ] ||
			script="ln -s oci-shift-runtime /usr/local/bin/oci-shift-crun
				${script/oci-shift-runtime/oci-shift-crun}"
		[ "$1" != crun ] || script=${script/--network none/--network none --cgroups disabled}
		is "$(installed "$script")" 'owner is: root' "$name"
	done
	is "$(ls bare-image/etc/hosts 2>/dev/null)" ""
}

test_ctr() {
	out=$(installed "$(block prepare | sed '/^oci-shift/d; /^runc run/d')"'
		jq ".root.path = \"/srv/images/debian\" | .linux.cgroupsPath = \"/web\"" config.json >n && mv n config.json
		mkdir /run/containerd
		cat >/run/containerd/config.toml <<-EOF
			version = 2
			root = "/srv/containerd"
			state = "/run/containerd"
			disabled_plugins = ["io.containerd.grpc.v1.cri"]
		EOF
		containerd --config /run/containerd/config.toml >/run/containerd/log 2>&1 &
		for i in $(seq 100); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done
		'"$(block ctr)"'
		oci-shift list | tail -n +2
		kill %1
		wait || :')
	is "$out" 'owner is: root'
}

# Every block that says so is tested here.
test_all_blocks_are_run() {
	local n=0
	while read -r name; do
		n=$((n + 1))
		grep -q "$name" "$REPO/tests/scenarios/95-docs.sh" || fail "$name"
		[ -n "$(block "$name")" ] || fail "$name is empty"
	done < <(sed -n 's/^<!-- tested: \(.*\) -->$/\1/p' "$REPO/docs/engines.md")
	[ $n -gt 0 ] || fail "no blocks"
}
