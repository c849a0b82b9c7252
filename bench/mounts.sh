# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# How each of the file systems that are compared is mounted, and who works in it.

MAP=0:100000:65536

# The system's own, the kernel's own shift, the two FUSE file systems of Debian, and ours.
export ALL_FILE_SYSTEMS="native idmapped fuse-overlayfs bindfs oci-shift"
# For what is written: ours with an upper too.
export WRITABLE_FILE_SYSTEMS="$ALL_FILE_SYSTEMS oci-shift-upper"

# mount_fs FS SOURCE MOUNTPOINT ro|rw
mount_fs() {
	local fs=$1 src=$2 dst=$3 mode=$4 layers
	mkdir -p "$dst"
	case $fs in
	native)
		mount --bind "$src" "$dst"
		[ "$mode" = rw ] || mount -o remount,bind,ro "$dst"
		;;
	idmapped)
		"$TOOLS/userns" idmap "$src" "$dst" "$MAP"
		[ "$mode" = rw ] || mount -o remount,bind,ro,nodev "$dst"
		;;
	fuse-overlayfs)
		layers=lowerdir=$src
		if [ "$mode" = rw ]; then
			rm -rf --one-file-system "$src".{upper,work}
			mkdir "$src".{upper,work}
			layers+=,upperdir=$src.upper,workdir=$src.work
		fi
		"$FUSE_OVERLAYFS" -o "$layers,uidmapping=$MAP,gidmapping=$MAP" "$dst" 2>"$W/log" || cat "$W/log"
		;;
	bindfs)
		bindfs --uid-offset=100000 --gid-offset=100000 -o "$mode" "$src" "$dst"
		;;
	oci-shift)
		# The very options that the hook gives to the shifter of a container: see hook_options.
		"$BUILD/oci-shifter" "$src" "$dst" -o "$(cat "$W/options.$mode")"
		;;
	oci-shift-upper)
		# As the hook gives a container an upper: $src is the image, which nothing is written to.
		layers=lowerdir=$src
		if [ "$mode" = rw ]; then
			rm -rf --one-file-system "$src".{upper,work}
			mkdir "$src".{upper,work}
			layers+=,upperdir=$src.upper,workdir=$src.work,redirect_dir=on
		fi
		"$BUILD/oci-shifter" -o "$(cat "$W/options.upper"),$layers" "$dst"
		;;
	oci-shift+*)
		# With other options: the last one of a kind counts.
		"$BUILD/oci-shifter" "$src" "$dst" -o "$(cat "$W/options.$mode")" -o "${fs#*+}"
		;;
	esac
	mountpoint -q "$dst"
}

# on FS COMMAND...: as root on the host for native, as a container's root for all others
on() {
	local fs=$1
	shift
	if [ "$fs" = native ]; then "$@"; else "$TOOLS/userns" run "$MAP" "$@"; fi
}

# server_of MOUNTPOINT: the process that serves it; no output where the kernel does
server_of() {
	local f
	grep -lazxF -- "$1" /proc/[0-9]*/cmdline 2>/dev/null | while read -r f; do
		f=${f%/cmdline}
		case $(readlink "$f/exe") in
		*/oci-shifter | */fuse-overlayfs | */bindfs) echo "${f#/proc/}" ;;
		esac
	done
}

# unmount MOUNTPOINT: and waits until its server is gone, so that its end is in nobody's figures
unmount() {
	local pid i
	pid=$(server_of "$1")
	umount "$1"
	for ((i = 0; i < 500; i++)); do
		[ -n "$pid" ] && [ -d "/proc/$pid" ] || return 0
		sleep 0.02
	done
	echo "server $pid of $1 does not end" >&2
	return 1
}

# What a failed or interrupted case leaves: containers, mounts, and their servers with them.
unmount_all() {
	local m name dir
	for name in runc crun; do
		for dir in "$W/$name"/*/; do
			[ ! -d "$dir" ] || timeout 20 "$name" --root "$W/$name" delete --force "$(basename "$dir")"
		done
	done >/dev/null 2>&1
	awk -v w="$W/" 'index($5, w) == 1 {print $5}' /proc/self/mountinfo | tac |
		while read -r m; do umount -l "$m"; done
}
