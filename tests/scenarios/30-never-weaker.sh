# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# alone: the tests share two images, and some write to them
# shellcheck disable=SC2016 # $ in single quotes is of jq
# A container with the hook is no weaker than one without it. Each bundle is started twice: over a
# copy of the image that is chowned to the mapping, without the hook; and over the image itself,
# with it. The same probe looks around inside both, and has to see the same.

OWN=/var/lib/oci-shift-test

# What the probe says is lines that stand for themselves: they are sorted before they are compared.
PROBE=$(
	cat <<'EOF'
attempt() { # FILE: can it be opened for writing?
	echo "$1 for writing: $( (: >>"$1") 2>&1 && echo opens)"
}
about() { # PATH...: what they are, and whether they can be written to
	stat -c "%n is %F %a %u:%g %t:%T" "$@" 2>&1
	for path; do
		if [ -d "$path" ]; then
			attempt "$path/probe"
			[ ! -f "$path/probe" ] || rm "$path/probe"
		else
			attempt "$path"
		fi
	done
}
content() { # PATH...: what they show
	for path; do
		if [ -d "$path" ]; then
			echo "$path lists $(ls -A "$path" 2>&1 | tr '\n' ' ')"
		elif [ -e "$path" ]; then
			echo "$path reads $(timeout 2 head -c 64 "$path" 2>&1 | tr -c '[:print:]' .)"
		fi
	done
}

sed 's/^/mountinfo /' /proc/self/mountinfo
while read -r _ _ _ _ at _; do
	set -- "$@" "$(printf "$at")"
done </proc/self/mountinfo
about "$@"
stat -f -c "%n holds %b blocks of %S, %c inodes" "$@" 2>&1 | grep -v '^/ '

set -- /proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list \
	/proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /var/lib/oci-shift-test/*
about "$@"
content "$@" /mnt /mnt/* /srv /srv/* /media /media/*
about /proc/bus /proc/fs /proc/irq /proc/sysrq-trigger /proc/sys/kernel/hostname \
	/proc/sys/vm/overcommit_memory /proc/1/oom_score_adj /sys/kernel/profiling /sys \
	/sys/fs/cgroup /etc/passwd /usr/bin /opt /run

find /dev -exec stat -c "%N is %F %a %u:%g %t:%T" {} +
echo "/dev/null takes $(echo x 2>&1 >/dev/null && echo it)"
echo "/dev/full takes $(echo x 2>&1 >/dev/full && echo it)"
echo "cwd $(pwd) $(stat -c '%a %u:%g' .)"
echo "hostname $(hostname)"
echo "umask $(umask)"
# No pipe, here or in $(): the shell that has its ends is init itself.
echo "fds of init:"
ls -m /proc/1/fd
echo "oom_score_adj $(cat /proc/self/oom_score_adj)"
sed 's/^/cgroup /' /proc/self/cgroup
sed 's/^/limit /' /proc/self/limits
env | sed 's/^/env /'
grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status
mount -t tmpfs tmpfs /opt 2>&1
echo "mkdir: $(mkdir /tmp/forbidden 2>&1 && rmdir /tmp/forbidden && echo done)"
EOF
)

# The unshifted image of these tests, $WORK/image, with a few more names; and $WORK/native, the
# same shifted by chown. Made once. chown takes set-id bits and capabilities away, and leaves ACLs.
images() {
	once images make_images
}

make_images() {
	local u g f
	rm -rf "$WORK/image" "$WORK/native.new"
	image_copy "$WORK/image"
	(
		cd "$WORK/image$OWN" || exit
		ln -s masked-dir link-dir
		ln -s masked-file link-file
		ln -s "$OWN/ro-dir" link-ro-dir
		ln -s /etc/shadow link-out
		echo secret >masked-dir/secret
		echo public >ro-dir/public
	)
	cp -a --reflink=auto "$WORK/image" "$WORK/native.new"
	cd "$WORK/native.new" || exit
	find . -printf '%U %G\n' | sort -u | while read -r u g; do
		find . -uid "$u" -gid "$g" -print0 |
			xargs -0 chown -h "$((u + 100000)):$((g + 100000))"
	done
	{ find "$WORK/image" -type f -perm /6000 && echo "$WORK/image$OWN/capable"; } |
		while read -r f; do
			cp --attributes-only --preserve=mode,xattr "$f" "./${f#"$WORK/image/"}"
		done
	chroot . setfacl -b -m u:101000:rw,g:101001:r "$OWN/acl"
	cd "$T" || exit
	mv "$WORK/native.new" "$WORK/native"
}

# Mounts are named by where they are instead of by number, with a ' for each one below them at the
# same place; file systems and peer groups by the first mount that has them, unless the host has
# that peer group too. Of the root, and of mounts that show a part of it, only what does not depend
# on its file system.
normalise() {
	awk '
		function name(id) {
			if (!(id in point))
				return "none"
			if (parent[id] in point && point[parent[id]] == point[id])
				return name(parent[id]) "\047"
			return point[id]
		}
		function of_root(id) {
			top = root[root_id] == "/" ? "" : root[root_id]
			return device[id] == device[root_id] && index(root[id], top "/") == 1
		}
		function what(id) {
			if (of_root(id))
				return "part of the root, " substr(root[id], length(top) + 1) " " \
					substr(flags[id], 1, 2) optional[id]
			# crun makes an empty tmpfs read-only by its mount, the hook the whole of it.
			sub(/r[ow],size=0k/, "size=0k", fs[id])
			return (device[id] ~ /^0:/ ? "as " device_name[device[id]] : device[id]) " " \
				root[id] " " flags[id] optional[id] " " fs[id]
		}
		function first(map, key, id) {
			if (!(key in map) || name(id) < map[key])
				map[key] = name(id)
		}
		FNR == 1 { file++ }
		file == 1 {
			for (i = 7; $i != "-"; i++)
				if ($i ~ /^shared:/)
					host[substr($i, 8)] = 1
			next
		}
		$1 != "mountinfo" { print; next }
		{
			parent[$2] = $3; device[$2] = $4; root[$2] = $5; point[$2] = $6; flags[$2] = $7
			for (i = 8; $i != "-"; i++)
				optional[$2] = optional[$2] " " $i
			fs[$2] = $(i + 1) " " $(i + 2) " " $(i + 3)
			if ($6 == "/")
				root_id = $2
		}
		END {
			for (id in point) {
				first(device_name, device[id], id)
				if (match(optional[id], /shared:[0-9]+/))
					first(group, substr(optional[id], RSTART + 7, RLENGTH - 7), id)
			}
			for (id in point) {
				text = ""
				n = split(optional[id], o, " ")
				for (i = 1; i <= n; i++) {
					split(o[i], pair, ":")
					if (pair[2] in group && !(pair[2] in host))
						text = text " " pair[1] ":" group[pair[2]]
					else if (id != root_id || pair[1] != "master")
						text = text " " o[i]
				}
				optional[id] = text
			}
			for (id in point)
				if (id == root_id)
					print "mount /: " substr(flags[id], 1, 2) optional[id]
				else
					print "mount " name(id) " on " name(parent[id]) ": " what(id)
		}' /proc/self/mountinfo - |
		# runc 1.1 gives the host's /dev/null away to whoever has it as a standard stream.
		sed -E 's/ [0-9]+:[0-9]+ 1:3$/ 1:3/' | sort
}

# both RUNTIME [JQ-FILTER [JQ-ARGS...]]: the bundle, in both ways.
both() {
	local rt=$1 filter=${2:-.} b
	shift $(($# > 1 ? 2 : 1))
	images
	bundle native "$filter | .root.path = \"$WORK/native\" | del(.hooks)" "$@"
	bundle shifted "$filter | .root.path = \"$WORK/image\"" "$@"
	for b in native shifted; do
		sh_args "$b" "$PROBE"
		run "$rt" "$b" >"$b.out" 2>&1 || { cat "$b.out" && fail "$b container"; }
		normalise <"$b.out" >"$b.seen"
	done
	diff --label native --label shifted -U0 native.seen shifted.seen || fail "weaker, or other"
}

# saw PATTERN: a line of what the probe saw
saw() {
	grep -Eq -- "$1" shifted.seen || { cat shifted.seen && fail "the probe saw no '$1'"; }
}

# How both() runs a bundle.
run() {
	run_in "$@"
}

READ_ONLY='Read-only file system$'

each_default_bundle() {
	both "$1"
	saw '^mount /: ro'
	saw "^/etc/passwd for writing: .*$READ_ONLY"
	saw '^mount /sys on /: as /sys / ro,'
	saw '^/proc/keys is character special file 666'
	saw '^/sys/firmware lists $'
	saw '^mount /proc/sys on /proc: as /proc /sys ro'
}

each_writable_root() {
	both "$1" '.root.readonly = false'
	saw '^mount /: rw'
	saw '^/etc/passwd for writing: opens'
}

each_masked_paths_of_the_image() {
	both "$1" '.linux.maskedPaths += ["masked-dir", "masked-file", "no-such-file"
		| "'$OWN'/" + .]'
	saw "^$OWN/masked-dir lists $"
	saw "^$OWN/masked-file reads $"
	saw "^$OWN/masked-dir/probe for writing: .*$READ_ONLY"
}

each_masked_paths_through_symlinks() {
	both "$1" '.linux.maskedPaths += ["link-dir", "link-file", "link-out" | "'$OWN'/" + .]'
	saw "^$OWN/masked-dir lists $"
	saw "^$OWN/masked-file reads $"
	saw "^mount /etc/shadow on /: .* /null "
}

each_read_only_paths_of_the_image() {
	both "$1" '.root.readonly = false
		| .linux.readonlyPaths += ["ro-dir", "ro-file", "no-such-file" | "'$OWN'/" + .]'
	saw "^$OWN/ro-dir/probe for writing: .*$READ_ONLY"
	saw "^$OWN/ro-file for writing: .*$READ_ONLY"
	saw "^$OWN/ro-dir lists public"
	saw "^$OWN/owned for writing: opens"
}

each_read_only_paths_through_symlinks() {
	both "$1" '.root.readonly = false | .linux.readonlyPaths += ["'$OWN'/link-ro-dir"]'
	saw "^$OWN/ro-dir/probe for writing: .*$READ_ONLY"
}

# A directory with a tmpfs inside, and a file, for bind mounts.
make_source() {
	mkdir -p source/sub source/plain
	mount -t tmpfs -o size=1m,mode=755 source "$T/source/sub"
	echo file >source/file
	echo sub >source/sub/file
	chown -R 100000:100000 source
}

BIND='def bind($to; $from; $options):
	{type: "bind", source: ($t + "/" + $from), destination: $to, options: $options};'

each_bind_mounts() {
	make_source
	both "$1" "$BIND"' .mounts += [bind("/mnt"; "source"; ["rbind"]),
		bind("/srv"; "source"; ["rbind", "ro", "nosuid", "nodev", "noexec"]),
		bind("/media"; "source/plain"; ["bind", "ro"]),
		bind("/etc/hostname"; "source/file"; ["bind"]),
		bind("/etc/passwd"; "source/file"; ["bind", "ro"])]' --arg t "$T"
	umount source/sub
	saw '^/mnt/probe for writing: opens'
	# crun 1.8 leaves the mounts below out, with or without the hook.
	[ "$1" = crun ] || saw '^/mnt/sub lists file'
	saw "^/srv/probe for writing: .*$READ_ONLY"
	saw "^/media/probe for writing: .*$READ_ONLY"
	saw "^/etc/passwd for writing: .*$READ_ONLY"
	saw '^/etc/hostname for writing: opens'
}

TMPFS='def tmpfs($to; $options):
	{type: "tmpfs", source: "tmpfs", destination: $to, options: $options};'

each_tmpfs() {
	both "$1" "$TMPFS"' .mounts += [tmpfs("/mnt"; ["size=64k", "mode=1700", "nr_inodes=99"]),
		tmpfs("/srv"; ["ro", "nosuid", "size=4k"]), tmpfs("/media"; ["noexec", "noatime"])]'
	saw '^/mnt holds 16 blocks of 4096, 99 inodes'
	saw "^/srv/probe for writing: .*$READ_ONLY"
}

each_mounts_below_mounts() {
	make_source
	both "$1" "$BIND $TMPFS"' .mounts += [tmpfs("/mnt"; ["mode=755"]),
		bind("/mnt/a"; "source"; ["rbind", "ro"]), tmpfs("/mnt/with a space"; []),
		tmpfs("/mnt/a/sub"; ["ro"])]' --arg t "$T"
	umount source/sub
	saw '^mount /mnt/a/sub.? on /mnt/a'
}

each_mounts_at_the_same_place() {
	make_source
	echo upper >source/upper
	chown 100000:100000 source/upper
	both "$1" "$BIND $TMPFS"' .mounts += [tmpfs("/mnt"; ["size=4k"]),
		bind("/mnt"; "source"; ["rbind", "ro"]), tmpfs("/mnt"; ["mode=700", "ro"]),
		tmpfs("/srv"; ["size=8k"]), bind("/srv"; "source/plain"; ["bind", "ro"]),
		bind("/etc/hostname"; "source/file"; ["bind"]),
		bind("/etc/hostname"; "source/upper"; ["bind", "ro"])]' --arg t "$T"
	umount source/sub
	saw "^mount /mnt'' on /mnt': as /mnt'' .* ro.*tmpfs"
	saw "^mount /srv' on /srv: .* ro,"
	saw "^/etc/hostname for writing: .*$READ_ONLY"
}

each_root_propagation() {
	local p
	for p in private slave shared unbindable; do
		# runc 1.1 binds the root to itself after it has made it unbindable, and fails.
		[ "$1 $p" != 'runc unbindable' ] || continue
		echo "rootfsPropagation $p"
		both "$1" '.linux.rootfsPropagation = $p' --arg p "$p"
	done
}

each_mount_propagation() {
	make_source
	mount --make-shared source/sub
	for p in private slave shared; do
		echo "rootfsPropagation $p"
		both "$1" "$BIND $TMPFS"' .linux.rootfsPropagation = $p
			| .mounts += [bind("/mnt"; "source"; ["rbind", "rshared"]),
				bind("/srv"; "source"; ["rbind", "rslave", "ro"]),
				bind("/media"; "source/sub"; ["bind", "unbindable"]),
				bind("/home"; "source"; ["rbind", "rprivate"])]' --arg t "$T" --arg p "$p"
	done
	umount source/sub
}

each_working_directory() {
	both "$1" '.process.cwd = "/home/user"'
	saw '^cwd /home/user 755 1000:1000'
}

each_missing_working_directory_is_made() {
	both "$1" '.root.readonly = false | .process.cwd = $dir' --arg dir "/srv/$1/work/dir"
	saw "^cwd /srv/$1/work/dir 755 0:0"
	is "$(stat -c %u:%g "$WORK/image/srv/$1/work/dir")" 0:0 "owner in the image"
}

each_rights_of_the_process() {
	both "$1" '.root.readonly = false | .hostname = "another" | .process.noNewPrivileges = false
		| .process.capabilities |= map_values(["CAP_CHOWN", "CAP_SETUID"])
		| .process.user = {uid: 1000, gid: 1001, additionalGids: [5, 7]}
		| .process.oomScoreAdj = 500
		| .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 99}]
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: [],
			syscalls: [{names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 38}]}'
	saw '^hostname another$'
	saw $'^Uid:\t1000\t1000'
	saw $'^Groups:\t5 7 '
	saw $'^Seccomp:\t2$'
	saw '^mkdir: .*Function not implemented'
}

# A mount inside the image on the host is part of the image: shifted like the rest of it, once. What
# the container mounts there is its own, be it the very same.
each_mounts_of_the_image() {
	image_copy image
	make_source
	mount -t tmpfs -o mode=755 data "$T/image/srv"
	mkdir image/srv/dir image/srv/point
	echo data >image/srv/dir/file
	chown 998:999 image/srv/dir/file
	mount --bind source "$T/image/mnt"
	bundle b "$BIND $TMPFS"' .root = {path: ($t + "/image")} | .mounts += [
		tmpfs("/srv/point"; ["size=4k"]), bind("/mnt"; "source"; ["rbind", "ro"])]' --arg t "$T"
	sh_args b 'stat -c %u:%g /srv/dir /srv/dir/file; cat /srv/dir/file; stat -c %u:%g /mnt
		: >/srv/new && rm /srv/new && echo done; (: >/mnt/new); cat /proc/self/mountinfo'
	out=$(run_in "$1" b 2>&1)
	umount image/srv image/mnt source/sub
	is "$(head -n 6 <<<"$out")" "0:0
998:999
data
0:0
done
sh: 2: cannot create /mnt/new: Read-only file system"
	is "$(awk '$5 == "/srv"' <<<"$out")" '' "mounts at /srv"
	is "$(awk '$5 == "/srv/point"' <<<"$out" | wc -l)" 1 "mounts at /srv/point"
	is "$(awk '$5 == "/mnt"' <<<"$out" | wc -l)" 1 "mounts at /mnt"
}

each_console() {
	export -f rt fail
	mkfifo input
	run() {
		(cd "$2" && SHELL=/bin/bash script -qefc "rt $1 run $(container_id)" /dev/null) <>input |
			tr -d '\r'
	}
	both "$1" '.process.terminal = true'
	saw '^mount /dev/console on /dev: as /dev/console /0 '
	saw "^'/dev/console' is character special file 620 "
}
