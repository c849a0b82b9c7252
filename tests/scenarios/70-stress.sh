# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Much at a time over one mount, by root of a user namespace: programs that check what they read.
# Each load takes about $STRESS_SECONDS; tests/soak.d/30-stress takes longer.
# timeout: 240 (a round that was begun is ended, also on a machine with more to do)

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

SECONDS_EACH=${STRESS_SECONDS:-3}

# All that a file system has to do with. Not here: what makes mounts, or leaves the directory.
STRESSORS="access chattr chdir chmod chown copy-file dentry dir dirdeep dup fallocate fcntl
	fiemap filename flock fpunch fstat getdent hdd inode-flags inotify io iomix lease link locka
	lockf lockofd mknod open rename symlink sync-file touch utime xattr"

# load DIR NAME [ARGUMENTS]: the function load_NAME as the namespace's root, in a directory of its
# own, with all it says in NAME.log. It ends by itself.
load() {
	(cd "$1/$2" && timeout $((SECONDS_EACH * 4 + 120)) "$(tool userns)" run "$MAP" \
		env HOME="$PWD" LC_ALL=C SECONDS_EACH="$SECONDS_EACH" STRESSORS="$STRESSORS" \
		bash -uec "set -o pipefail; $(declare -f "load_$2"); load_$2") >"$T/$2.log" 2>&1
}

# All stressors at once, each once, checking what they do. Status 3: some cannot be had here.
load_stressors() {
	local code=0
	# Each takes what it likes; a directory of many names would take a minute to go.
	# shellcheck disable=SC2046,SC2086 # words
	stress-ng --temp-path . $(printf -- '--%s 1 ' $STRESSORS) --verify --timeout "$SECONDS_EACH" \
		--hdd-bytes 8M --iomix-bytes 8M --copy-file-bytes 128M --fallocate-bytes 16M \
		--dirdeep-inodes 1000 --dentries 500 --no-rand-seed || code=$?
	[ $code = 0 ] || [ $code = 3 ]
}

# Writers that read again, by system calls and by a mapping, with no cache and with one.
load_fio() {
	fio --minimal --directory=. --size=4m --runtime="$SECONDS_EACH" --time_based --verify=crc32c \
		--verify_fatal=1 --verify_backlog=64 --group_reporting \
		--name=calls --ioengine=psync --rw=randwrite --bs=4k --numjobs=2 \
		--name=mapped --ioengine=mmap --rw=randwrite --bs=4k --numjobs=2 \
		--name=direct --ioengine=psync --direct=1 --rw=write --bs=64k
	# The same file by both ways: written by calls, read by a mapping.
	fio --minimal --filename=both --size=4m --verify=crc32c --verify_fatal=1 --do_verify=0 \
		--name=written --ioengine=psync --rw=randwrite --bs=4k
	fio --minimal --filename=both --size=4m --verify=crc32c --verify_fatal=1 --verify_only=1 \
		--name=read --ioengine=mmap --rw=randwrite --bs=4k
}

# Four at a time unpack, compare, and remove.
load_untar() {
	local end=$((SECONDS + SECONDS_EACH)) n pids
	tar -C /usr/include -cf all.tar linux/netfilter linux/usb
	while
		pids=
		for n in 1 2 3 4; do
			(mkdir "$n" && tar -C "$n" -xpf all.tar && tar -C "$n" -df all.tar && rm -r "$n") &
			pids="$pids $!"
		done
		for n in $pids; do wait "$n"; done
		[ $SECONDS -lt $end ]
	do :; done
}

load_git() {
	local end=$((SECONDS + SECONDS_EACH))
	# Each object on the disk at once is a test of the disk.
	git config --global core.fsync none
	git config --global user.name name
	git config --global user.email address
	git init -q repository
	cp -r /usr/include/linux/netfilter* repository/
	git -C repository add .
	git -C repository commit -qm all
	git -C repository repack -qad
	while
		git clone -q --no-hardlinks repository clone
		git clone -q --local repository linked
		git -C clone fsck --full
		git -C linked fsck --full
		[ -z "$(git -C clone status --porcelain)$(git -C linked status --porcelain)" ]
		rm -rf clone linked
		[ $SECONDS -lt $end ]
	do :; done
}

# Whoever walks while all goes finds some gone, and nothing else wrong.
load_find() {
	local end=$((SECONDS + SECONDS_EACH)) n
	while
		for n in 1 2 3; do cp -r /usr/include/linux/netfilter "t$n"; done
		find . -ls >/dev/null 2>found.log &
		find . -type f -exec cat {} + >/dev/null 2>read.log &
		rm -r t1 t2 t3
		wait
		! grep -v 'No such file or directory' found.log read.log
		rm found.log read.log
		[ -z "$(ls)" ]
		[ $SECONDS -lt $end ]
	do :; done
}

# stress OPTIONS [SOURCE]: all loads at a time
stress() {
	local name n=0 failed=
	local -a pids names=(stressors fio untar git find)
	for name in "${names[@]}"; do
		mkdir -p "${2:-lower}/$name"
	done
	shifted "${2:-lower}" mnt "$1"
	for name in "${names[@]}"; do
		load "$T/mnt" "$name" &
		pids+=($!)
	done
	for name in "${names[@]}"; do
		wait "${pids[n++]}" || failed="$failed $name"
	done
	for name in $failed; do
		echo "$name failed: $(tail -n 30 "$name.log")"
	done
	is "$failed" "" "loads that failed"
	# Both sides agree, and nothing is there that nobody made.
	is "$(cd mnt && find . -printf '%P %y %m %n %s\n' | sort | cksum)" \
		"$(cd "${2:-lower}" && find . -printf '%P %y %m %n %s\n' | sort | cksum)" "the tree"
	is "$(find "${2:-lower}" -mindepth 1 \( -uid +65535 -o -gid +65535 \) | head)" "" "shifted ids on disk"
	unmount mnt
}

test_stress() {
	stress cache=auto
}

test_stress_with_all_cached() {
	stress cache=always
}

test_stress_with_nothing_cached() {
	stress cache=never
}

test_stress_without_passthrough() {
	stress cache=auto,passthrough=off
}

# Inodes by fds, and a file system that lies upon others.
test_stress_over_an_overlay() {
	mkdir lower work over
	mkdir -m 777 upper
	mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work,nfs_export=off over
	stress cache=auto over
	umount over
}

# What the tests with sanitizers rest on: a report is seen, also of a server in its sandbox.
test_a_report_is_seen() {
	mkdir lower
	shifted lower mnt
	kill -ABRT "$(server_pid)"
	if [ -n "$SANITIZE" ]; then
		wait_for [ -s "$SHIFTER.report" ]
		has "$(cat "$SHIFTER.report")" 'Sanitizer: ABRT'
		wait_for server_gone "$(server_pid)"
		: >"$SHIFTER.report"
	fi
	unmount mnt
}
