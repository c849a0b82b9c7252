# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What scenarios use. $T: the test's directory. $IMAGE: a Debian root, never to be written to.
# $STATE: the hook's state directory. Bundles, containers and mounts live below $T.

IMAGE=$CACHE/$(. "$REPO/tests/image-name")
HOOK=$BUILD/oci-shift-hook
SHIFTER=$BUILD/oci-shifter
CLI=$BUILD/oci-shift
WRAPPER=$BUILD/oci-shift-runtime
export IMAGE HOOK SHIFTER CLI WRAPPER

fail() {
	echo "FAILED: $*"
	exit 1
}

skip() {
	echo "$*"
	# In CI whatever a machine can do must be done.
	[ -z "${CI:-}" ] || exit 1
	exit 77
}

# is GOT WANTED [WHAT]
is() {
	[ "$1" = "$2" ] && return 0
	echo "${3:-value}: got    '$1'"
	echo "${3:-value}: wanted '$2'"
	exit 1
}

# has TEXT PATTERN: an extended regular expression
has() {
	grep -Eq -- "$2" <<<"$1" && return 0
	printf 'wanted: %s\nin: %s\n' "$2" "$1"
	exit 1
}

has_not() {
	grep -Eq -- "$2" <<<"$1" || return 0
	printf 'not wanted: %s\nin: %s\n' "$2" "$1"
	exit 1
}

# The administrator's configuration of this test: hook_config ['{"more": "keys"}']
hook_config() {
	jq -n --arg s "$SHIFTER" --arg d "$STATE" --argjson more "${1:-{\}}" \
		'{shifter: $s, stateDirectory: $d, readySeconds: 10} + $more' >"$T/admin.json"
}

# bundle DIR [JQ-FILTER [JQ-ARGS...]]: a bundle over $IMAGE, read-only, mapped 0:100000:65536, with
# the hook. The filter changes config.json further.
bundle() {
	local dir=$1 filter=${2:-.}
	shift
	[ $# = 0 ] || shift
	mkdir -p "$dir"
	jq --arg image "$IMAGE" --arg hook "$HOOK" --arg config "$T/admin.json" '
		.root = {path: $image, readonly: true}
		| .process.terminal = false
		| .process.args = ["true"]
		| ("AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW " +
			"SETFCAP SETGID SETPCAP SETUID SYS_CHROOT" | split(" ") | map("CAP_" + .)) as $caps
		| .process.capabilities = {bounding: $caps, effective: $caps, permitted: $caps}
		| .linux.namespaces |= map(select(.type != "cgroup" and .type != "network"))
			+ [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		# Without its own network namespace a container cannot mount a fresh sysfs.
		| .linux.namespaces += [{type: "network"}]
		| .hooks = {
			prestart: [{path: $hook, args: ["oci-shift-hook", "--config", $config, "prestart"]}],
			poststop: [{path: $hook, args: ["oci-shift-hook", "--config", $config, "poststop"]}]
		}' "$WORK/spec.json" | jq "$@" "$filter" >"$dir/config.json"
}

# Its arguments as a JSON array.
words() {
	local w
	for w; do printf %s "$w" | jq -Rs .; done | jq -s .
}

# args DIR COMMAND...: what the container runs
args() {
	local dir=$1
	shift
	jq --argjson args "$(words "$@")" '.process.args = $args' "$dir/config.json" >"$dir/config.new"
	mv "$dir/config.new" "$dir/config.json"
}

# sh_args DIR SCRIPT
sh_args() {
	args "$1" sh -c "$2"
}

# map DIR CONTAINER:HOST:SIZE...: both mappings
map() {
	local dir=$1
	shift
	jq --argjson ranges "$(words "$@")" '[$ranges[] | split(":") | map(tonumber)
		| {containerID: .[0], hostID: .[1], size: .[2]}] as $m
		| .linux.uidMappings = $m | .linux.gidMappings = $m' \
		"$dir/config.json" >"$dir/config.new"
	mv "$dir/config.new" "$dir/config.json"
}

# rt RUNTIME ARGUMENTS...: the runtime with a root of its own below $T. crun 1.8 does not know a
# hybrid cgroup hierarchy: it gets a mount namespace without the unified part, and no cgroup.
rt() {
	local name=$1
	shift
	case $name in
	runc) runc --root "$T/runc" "$@" ;;
	crun)
		unshare --mount --propagation slave sh -c '
			! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
			exec crun --root "$0" --cgroup-manager=disabled "$@"' "$T/crun" "$@"
		;;
	*) fail "runtime $name" ;;
	esac
}

# run_in RUNTIME DIR [ID]: runs the bundle's container to its end; its output is ours.
run_in() {
	(cd "$2" && rt "$1" run "${3:-$(container_id)}")
}

# start RUNTIME DIR [ID]: creates and starts the bundle's container, in the background; it writes
# to DIR/log. stop RUNTIME [ID]: ends and deletes it.
start() {
	(cd "$2" && rt "$1" create "${3:-$(container_id)}" >log 2>&1 </dev/null &&
		rt "$1" start "${3:-$(container_id)}") || { cat "$2/log" && return 1; }
}

stop() {
	rt "$1" delete --force "${2:-$(container_id)}"
}

# wait_for COMMAND...: until it succeeds, at most 10 s
wait_for() {
	local i
	for ((i = 0; i < 100; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	fail "waited 10 s for: $*"
}

# The path of the container's root as the host can see it. [ID]
root_of() {
	echo "/proc/$(jq .container.pid "$STATE/${1:-$(container_id)}/record.json")/root"
}

# A name that no other test has.
container_id() {
	echo "t-$(basename "$T" | tr . -)"
}

# state ID PID BUNDLE [STATUS]: an OCI state
state() {
	jq -n --arg id "$1" --argjson pid "$2" --arg bundle "$3" --arg status "${4:-created}" \
		'{ociVersion: "1.0.2", id: $id, status: $status, pid: $pid, bundle: $bundle}'
}

# hook STAGE: the hook by hand; the state comes on stdin
hook() {
	"$HOOK" --config "$T/admin.json" "$@"
}

# once NAME COMMAND...: makes what several tests share, for the first of them that comes here
once() {
	local name=$1
	shift
	(
		flock 8
		[ -e "$WORK/$name.made" ] || { "$@" && touch "$WORK/$name.made"; }
	) 8>"$WORK/$name.lock"
}

# image_copy DIR: a copy of the Debian root to write to, without compilers, manuals and the like.
# image_copy_whole DIR: with all.
image_copy() {
	mkdir -p "$1"
	tar -C "$IMAGE" --xattrs --xattrs-include='*' --numeric-owner -cf - \
		--exclude=./usr/{include,lib/gcc,lib/python3*,share/{doc,locale,man,perl,zoneinfo}} \
		--exclude='./usr/lib/x86_64-linux-gnu/'{perl*,*.a,libicu*} \
		--exclude='./usr/bin/'{*gcc*,*g++*,x86_64-*,perl*,python3*} . |
		tar -C "$1" --xattrs --xattrs-include='*' --numeric-owner -xpf -
}

image_copy_whole() {
	cp -a --reflink=auto "$IMAGE" "$1"
}

# Live shifters and keepers: only this test has these very programs, so every one is its own.
# Zombies, which only await init, have no exe.
processes_left() {
	local p
	for p in /proc/[0-9]*; do
		if [ "$p/exe" -ef "$SHIFTER" ] || [ "$p/exe" -ef "$HOOK" ] || [ "$p/exe" -ef "$CLI" ] ||
			[ "$p/exe" -ef "$WRAPPER" ]; then
			echo "${p#/proc/} $(tr '\0' ' ' <"$p/cmdline")"
		fi
	done
}

# Everything that a test may leave goes with it: waits a moment, since the kernel ends a file
# system some time after its last mount, and sanitizers look at all memory first.
nothing_left() {
	local i left
	for ((i = 0; i < ${SANITIZE:+6}50; i++)); do
		left=$(what_is_left)
		[ -n "$left" ] || return 0
		sleep 0.1
	done
	printf 'left behind:\n%s\n' "$left"
	return 1
}

what_is_left() {
	processes_left
	grep -s "$T" /proc/self/mountinfo
	grep -s "$T" /sys/block/loop*/loop/backing_file
	[ ! -d "$STATE" ] || find "$STATE" -mindepth 1 ! -path "$STATE/.roots"
}

# After a failure: containers, processes and mounts of the test go.
clean_up() {
	local name dir pid m
	for name in runc crun; do
		for dir in "$T/$name"/*/; do
			[ ! -d "$dir" ] || timeout 20 "$name" --root "$T/$name" delete --force "$(basename "$dir")"
		done
	done >/dev/null 2>&1
	processes_left | while read -r pid _; do kill -9 "$pid" 2>/dev/null; done
	awk -v t="$T" 'index($5, t) == 1 {print $5}' /proc/self/mountinfo | tac |
		while read -r m; do umount -l "$m"; done
}
