# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# podman for scenarios, with storage of the test's own, and with what this machine needs: no resource
# limits beyond ours, no unified cgroup for crun.

old_podman() {
	[ "$(podman --version | sed 's/^podman version //; s/\..*//')" -lt 5 ]
}

# podman_conf: what podman reads in place of its own configuration, and the hooks directory.
podman_conf() {
	mkdir -p "$T/hooks.d"
	cat >"$T/containers.conf" <<-'EOF'
		[containers]
		default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "none"
		runtime_supports_nocgroup = ["crun", "engine-s-crun", "oci-shift-crun"]
	EOF
}

# podman_sh SCRIPT [ARGUMENTS...]: a shell in which "podman" is that; all of it in one mount namespace.
podman_sh() {
	local script=$1
	shift
	podman_conf
	# shellcheck disable=SC2016 # for that shell
	CONTAINERS_CONF=$T/containers.conf PODMAN_IGNORE_CGROUPSV1_WARNING=1 timeout 50 unshare --mount --propagation slave bash -euc '
		! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
		podman() {
			command podman --root "$T/storage" --runroot "$T/runroot" --hooks-dir "$T/hooks.d" "$@"
		}
		'"$script" podman "$@"
}

# podman_run RUNTIME ARGUMENTS...: a mapped container
podman_run() {
	local runtime=$1 cgroups=enabled
	shift
	[[ $runtime != *crun ]] || cgroups=disabled
	podman_sh 'podman --runtime "$1" run --rm --network none --cgroups "$2" \
		--uidmap 0:100000:65536 --gidmap 0:100000:65536 "${@:3}"' "$runtime" "$cgroups" "$@"
}

# An image for podman has the mount points that podman wants: it cannot make them before the hook.
podman_image() {
	image_copy "$1"
	touch "$1"/etc/{hosts,hostname,resolv.conf} "$1/run/.containerenv"
}

# The same without them. /etc/mtab podman itself makes in the image, before all else.
bare_image() {
	image_copy "$1"
	rm -f "$1"/etc/{hosts,hostname,resolv.conf} "$1/run/.containerenv"
	ln -sf /proc/mounts "$1/etc/mtab"
}
