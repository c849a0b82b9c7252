# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Without root, as rootless engines do it: a user of the host, a user namespace with ids that
# newuidmap(1) gives, a mount namespace in it. The same tests as with root, over a tmpfs of the
# namespace's own, and what of the sandbox there is.
# alone: its mount namespaces would keep the mounts of other tests

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

ROOTLESS=54321

# What a user's root is to find: programs, scenarios, and tools, where the user may read them.
rootless_files() {
	mkdir -p home/repo/tests home/build home/work
	cp -r "$REPO"/tests/{lib.sh,image-name,scenarios} home/repo/tests/
	cp "$SHIFTER" home/build/
	for tool in ops userns flood; do
		cp "$(tool $tool)" "home/work/tool-$tool"
		touch "home/work/tool-$tool.made"
	done
	mknod -m 666 fuse c 10 229
	{ cat /etc/passwd && echo "rootless:x:$ROOTLESS:$ROOTLESS::/:/bin/sh"; } >passwd
	echo "rootless:400000:400000" >subid
	chown -R $ROOTLESS:$ROOTLESS home
}

# rootless SCRIPT: runs it as root of such a namespace, with the functions of the scenarios there,
# and of $ALSO
ALSO=
rootless() {
	rootless_files
	cat >home/script <<-'END'
		set -eu
		. "$REPO/tests/lib.sh"
		. "$REPO/tests/scenarios/55-operations.sh"
		. "$REPO/tests/scenarios/57-attacks.sh"
		[ -z "$ALSO" ] || . "$REPO/tests/scenarios/$ALSO"
		# There are no device nodes to be had: a file has the same name and mode.
		mknod() {
			command mknod "$@" 2>/dev/null || install -m 666 /dev/null "$3"
		}
		mkdir -p "$T"
		mount -t tmpfs -o mode=755 none "$T"
		cd "$T"
	END
	echo "$1" >>home/script
	env -i PATH="$PATH" REPO="$T/home/repo" BUILD="$T/home/build" WORK="$T/home/work" CACHE=/nowhere \
		STATE=/nowhere T="$T/home/t" ALSO="$ALSO" CI="${CI:-}" timeout 55 unshare -m sh -ec '
			mount --bind fuse /dev/fuse
			mount --bind passwd /etc/passwd
			mount --bind subid /etc/subuid
			mount --bind subid /etc/subgid
			exec setpriv --reuid 54321 --regid 54321 --clear-groups --bounding-set=-sys_resource \
				unshare -U --map-root-user --map-auto -m bash home/script'
}

# rootless_each TEST...: of other scenarios, each in a directory of its own
rootless_each() {
	rootless '
		set +e
		for name in '"$*"'; do
			mkdir "$T/$name"
			(
				set -e
				T=$T/$name
				cd "$T"
				"$name" "" </dev/null
			) >"$T/$name.log" 2>&1
			code=$?
			echo "$name: $code"
			[ $code = 0 ] || cat "$T/$name.log"
			cd "$T"
		done' | tee log
	has "$(cat log)" "^${!#}: 0$"
	has_not "$(cat log)" '^test_[a-z_]*: [^0]'
}

# The measure is the kernel's idmapped mount here too. Of what is written through a shared mapping
# the server cannot spare the set-id bits: that takes CAP_FSETID of the host.
test_as_the_kernel_does() {
	rootless '
		is "$(id -u)" 0
		SAME="/pre.open-6[: ]/d"
		same_as_kernel 0 0 "$MAP" "" inside
		cd / && umount "$T" && mount -t tmpfs -o mode=755 none "$T" && cd "$T"
		same_as_kernel 1000 100000 "$MAP" cache=never as 101000
		cd / && umount "$T" && mount -t tmpfs -o mode=755 none "$T" && cd "$T"
		same_as_kernel 0 100000 "$MAP" cache=always as 100000'
}

test_owners() {
	rootless_each test_set_id_is_gone_for_the_next_exec test_set_id_stays_where_a_stranger_changes_no_owner \
		test_file_capabilities_hold_inside_only test_uids_and_gids_have_their_own_map \
		test_everything_is_owned_by_one test_acls_are_shifted_both_ways
}

test_operations() {
	rootless_each test_read_only_is_erofs test_names test_big_directory test_birth_time \
		test_inodes_of_the_images_mounts_are_told_apart test_links_of_the_image_lead_nowhere \
		test_the_server_ends_with_its_mount
}

test_attacks() {
	rootless_each test_create_does_not_open_anothers_file test_create_opens_ones_own_file \
		test_no_way_out_of_the_sandbox test_file_size_limit_is_not_the_servers_end \
		test_unnamed_file_lives_as_long_as_it_is_known
}

# Owners that the user could not give to files on the host, such as a network file system's.
test_xattr_permissions() {
	ALSO=86-xattr-permissions.sh
	rootless_each test_kept_in_user_attributes test_layers_that_have_attributes test_broken_attributes \
		test_attributes_are_not_the_containers test_set_id_bits_and_capabilities test_a_root_without_layers
}

test_flood() {
	rootless '
		mkdir -m 777 lower
		shifted lower mnt threads=4
		inside "$(tool flood)" mnt 3 16
		unmount mnt' | tee log
	has "$(cat log)" '^[0-9]{3,} read, [0-9]{2,} moved, [0-9]{3,} done, 0 wrong$'
}

# What the log says it goes without.
test_reduced_features() {
	rootless '
		mkdir -m 777 lower mnt
		echo text >lower/f
		"$SHIFTER" -d lower mnt -o "uidmapping=$MAP,gidmapping=$MAP" 2>log &
		wait_for mountpoint -q mnt
		cat mnt/f
		umount mnt
		wait $!
		grep -o "serving with .*\|no passthrough.*" log' >out
	is "$(cat out)" 'text
serving with fds
no passthrough, data is copied: Operation not permitted'
}

# What of the sandbox is there without root, as the host sees it, and as one who took it over would.
# plain: sanitizers have more in reach (sanitizers.h)
test_sandbox() {
	local pid status ns
	rootless '
		mkdir -m 777 lower
		ln -s / lower/to-the-host
		shifted lower mnt
		server_pid >"$REPO/pid"
		wait_for [ -e "$REPO/stop" ]
		as 100000 sh -c "echo text >mnt/f"
		cat lower/f
		umount mnt' >out &
	wait_for [ -s home/repo/pid ]
	pid=$(cat home/repo/pid)
	status=$(cat "/proc/$pid/status")
	has "$status" '^Uid:[[:space:]]54321[[:space:]]54321[[:space:]]54321[[:space:]]54321$'
	has "$status" '^NoNewPrivs:[[:space:]]1$'
	has "$status" '^Seccomp:[[:space:]]2$'
	has "$status" '^CapEff:[[:space:]]00000000882000cf$'
	has "$status" '^Cap(Prm|Bnd):[[:space:]]00000000882000df$'
	has "$status" '^Groups:[[:space:]]*$'
	is "$(awk '{print $5}' "/proc/$pid/mountinfo" | sort)" $'/\n/lower' "its mounts"
	is "$(stat -L -c %t:%T "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u)" 1:3 "fds 0 to 2"
	for ns in mnt net ipc user; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] || fail "$ns namespace"
	done
	if [ "$(uname -m)" = x86_64 ]; then
		timeout 30 "$(tool inject)" "$pid" >calls
		is "$(grep -v ': EPERM$' calls)" 'clone3: ENOSYS
open /etc/passwd: ENOENT
open /proc: ENOENT
open /dev/null: ENOENT
open .. of its fds: ENOTDIR
open .. of the lower: ENOENT
open a symlink to the host: ELOOP
open below one: ELOOP
open a device node of its own: ENOENT
make a file in its root: EROFS
make a directory in its root: EROFS'
	fi
	touch home/repo/stop
	wait $!
	is "$(cat out)" text
}
