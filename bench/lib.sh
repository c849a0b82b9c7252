# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What cases use, besides mounts.sh. $BENCH_IMAGE: the image, never to be written to. $W: a directory
# for this run. $M: where to mount. $OUT/raw.csv: what record() adds to. $QUICK: not empty for a
# short run.

# record METRIC FS VALUE UNIT: one measured value of this round
record() {
	[ -n "$3" ] || { echo "no value for $1 of $2" >&2; return 1; }
	echo "$1,$4,$2,$ROUND,$3" >>"$OUT/raw.csv"
}

# ns COMMAND...: runs a tool of bench/tools, and prints the time that it says it took
ns() {
	local line
	line=$("$@") || return
	awk '{print $(NF - 1)}' <<<"$line"
}

# quick SHORT LONG: one of the two numbers
quick() {
	if [ -n "$QUICK" ]; then echo "$1"; else echo "$2"; fi
}

# Everything that can be forgotten is, of every file system.
drop_caches() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

# private_bytes PID: memory that is this process's alone. A program's code counts only while nobody
# else runs it: keep a second one running.
private_bytes() {
	awk '/^Private_(Clean|Dirty):/ {n += $2} END {printf "%.0f", n * 1024}' "/proc/$1/smaps_rollup"
}

# reads_of PID: its read(2) calls until now. A server of FUSE has one for each request at least.
reads_of() {
	awk '/^syscr/ {print $2}' "/proc/$1/io"
}

# memory_of LINE: of /proc/meminfo, in bytes
memory_of() {
	awk -v line="$1:" '$1 == line {printf "%.0f", $2 * 1024}' /proc/meminfo
}

# scratch_disk: mounts an ext4 of 4 GiB in memory on $W/disk, for cases that write: what the disk of
# the machine is busy with, and its trim, is in nobody's figures.
scratch_disk() {
	local file
	file=$(mktemp /dev/shm/oci-shift-bench.XXXXXX)
	truncate -s 4G "$file"
	mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$file"
	mkdir -p "$W/disk"
	# The loop device goes with its mount, and the file, which has no name from now on, with that.
	mount -o loop "$file" "$W/disk" || { rm "$file" && return 1; }
	rm "$file"
}

# fresh_source: an empty directory on it, $W/disk/rw
fresh_source() {
	rm -rf --one-file-system "$W/disk/rw"
	mkdir "$W/disk/rw"
	sync
}

# with_bundles: what bundle(), rt() and their like of tests/lib.sh need
with_bundles() {
	T=$W WORK=$W STATE=$W/state HOOK=$BUILD/oci-shift-hook SHIFTER=$BUILD/oci-shifter
	# shellcheck source=tests/lib.sh
	. "$REPO/tests/lib.sh"
	[ -e "$W/spec.json" ] || (cd "$W" && runc spec && mv config.json spec.json)
	hook_config '{}'
}

# hook_options READ-ONLY [UPPER]: the options that the hook has a container's shifter started with, as they
# are on its command line
hook_options() (
	with_bundles
	mkdir -p "$W/options"
	hook_config "{\"ephemeralDirectory\": \"$W/uppers\"}"
	bundle "$W/options" ".root.readonly = $1 | .annotations[\"io.oci-shift.upper\"] = \"${2:-none}\""
	(cd "$W/options" && rt crun create bench-options >log 2>&1 </dev/null) || { cat "$W/options/log" >&2; exit 1; }
	tr '\0' '\n' <"/proc/$(jq .shifter.pid "$STATE/bench-options/record.json")/cmdline" |
		sed -n '/^-o$/{n;p}'
	rt crun delete --force bench-options
)
