# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The shifter as a file system, mounted by hand: what programs do through it, what lies on disk
# afterwards, and what the server is made of. Where the kernel has a word on it, the measure is the
# kernel's own idmapped mount of the same kind of tree.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

test_as_the_kernel_does_for_container_root() {
	same_as_kernel 0 0 "$MAP" "" inside
}

test_as_the_kernel_does_with_all_cached() {
	same_as_kernel 0 0 "$MAP" cache=always inside
}

test_as_the_kernel_does_with_nothing_cached() {
	same_as_kernel 0 0 "$MAP" cache=never inside
}

test_as_the_kernel_does_with_one_thread() {
	same_as_kernel 0 0 "$MAP" threads=1 inside
}

test_as_the_kernel_does_without_passthrough() {
	same_as_kernel 0 0 "$MAP" passthrough=off inside
}

test_as_the_kernel_does_for_a_user() {
	same_as_kernel 1000 100000 "$MAP" "" as 101000
}

test_as_the_kernel_does_for_a_user_with_all_cached() {
	same_as_kernel 1000 100000 "$MAP" cache=always as 101000
}

test_as_the_kernel_does_for_a_user_with_nothing_cached() {
	same_as_kernel 1000 100000 "$MAP" cache=never,passthrough=off as 101000
}

test_as_the_kernel_does_for_mapped_root_without_capabilities() {
	same_as_kernel 0 100000 "$MAP" "" as 100000
}

# Who is not mapped is refused; which of two reasons is given is the kernel's business. A chown(2)
# of neither owner nor group, which everybody may ask for, is not done: there is no id to do it as.
test_as_the_kernel_does_for_an_unmapped_user() {
	SAME='s/EOVERFLOW\|EACCES\|EPERM/refused/; /empty_chown("pre/d'
	same_as_kernel 0 100000 "$MAP" "" as 99999
}

# Of fallocate(2) and copy_file_range(2) FUSE does not say whether the set-id bits may stay.
test_as_the_kernel_does_for_unmapped_root() {
	SAME='s/EOVERFLOW\|EACCES\|EPERM/refused/; /empty_chown("pre/d; /pre.open-[45]/d'
	same_as_kernel 0 100000 "$MAP" "" env
}

# A file that gets its set-id bits while the kernel writes to it past the server (passthrough) loses
# them to the next write of the host's root too.
test_as_the_kernel_does_for_the_hosts_root() {
	SAME='/pre.open-[45]/d; /own: mode/d'
	same_as_kernel 0 0 0:0:65536 "" env
}

# Whoever may write a set-id file takes its bits away, and cannot execute it with them at once.
test_set_id_is_gone_for_the_next_exec() {
	local cache
	mkdir lower
	for cache in auto always never; do
		cp /usr/bin/id lower/id
		cp /usr/bin/id lower/id-open
		chmod 6777 lower/*
		shifted lower mnt "cache=$cache"
		is "$(as 101000 mnt/id -u)" 100000 "before, cache=$cache"
		as 101000 dd if=/usr/bin/id of=mnt/id conv=notrunc status=none
		is "$(as 101000 mnt/id -u)" 101000 "after a write, cache=$cache"
		is "$(as 101000 mnt/id-open -u)" 100000 "before, cache=$cache"
		as 101000 cp /usr/bin/id mnt/id-open
		is "$(as 101000 mnt/id-open -u)" 101000 "after a truncating open, cache=$cache"
		is "$(stat -c %a lower/id lower/id-open)" $'777\n777' "on disk, cache=$cache"
		unmount mnt
	done
}

# chown(2) of neither owner nor group takes the bits for the owner, and for nobody else, although
# the kernel lets everybody ask.
test_set_id_stays_where_a_stranger_changes_no_owner() {
	local cache
	mkdir lower
	for cache in auto always never; do
		rm -rf lower/* && touch lower/f lower/own lower/root
		chown 1000:1000 lower/own
		chmod 6755 lower/*
		shifted lower mnt "cache=$cache"
		as 101000 perl -e 'chown(-1, -1, $_) for @ARGV' mnt/f mnt/own
		inside perl -e 'chown(-1, -1, $_) for @ARGV' mnt/root
		perl -e 'chown(-1, -1, $_) for @ARGV' mnt/f
		is "$(cd mnt && stat -c %a f own root)" $'6755\n755\n755' "by the mount, cache=$cache"
		is "$(cd lower && stat -c %a f own root)" $'6755\n755\n755' "on disk, cache=$cache"
		unmount mnt
	done
}

# A file capability of the image is the container's: on the host, by the mount, it is nobody's.
test_file_capabilities_hold_inside_only() {
	mkdir lower
	cp /usr/bin/grep lower/grep
	setcap cap_net_raw+ep lower/grep
	shifted lower mnt
	has "$(getcap -n mnt/grep)" 'cap_net_raw=ep \[rootid=100000\]'
	is "$(as 101000 mnt/grep CapEff: /proc/self/status)" $'CapEff:\t0000000000000000' "on the host"
	is "$(inside setpriv --reuid 1000 --clear-groups mnt/grep CapEff: /proc/self/status)" \
		$'CapEff:\t0000000000002000' inside
	inside setcap cap_kill+ep mnt/grep
	is "$(getcap -n lower/grep)" 'lower/grep cap_kill=ep' "on disk"
	unmount mnt
	shifted lower mnt "" 0:300000:65536
	has "$(getcap -n mnt/grep)" 'cap_kill=ep \[rootid=300000\]'
	is "$("$(tool userns)" run 0:300000:65536 setpriv --reuid 1000 --clear-groups mnt/grep CapEff: \
		/proc/self/status)" $'CapEff:\t0000000000000020' "in another container"
	unmount mnt
}

test_read_only_is_erofs() {
	tree lower 0
	on_disk lower >before
	shifted lower mnt ro
	has "$(findmnt -v -no OPTIONS mnt)" '^ro,'
	for command in "touch new" "mkdir new" "rm pre/secret" "mv pre new" "chmod 600 pre/secret" \
		"chown 100001 pre/secret" "ln pre/secret new" "ln -s x new" "mknod new p" \
		"setfattr -n user.a -v b pre/secret" "truncate -s 0 pre/secret" "touch pre/secret"; do
		# shellcheck disable=SC2086 # words
		has "$(cd mnt/0 && LC_ALL=C as 100000 $command 2>&1)" 'Read-only file system'
	done
	is "$(as 100000 cat mnt/0/pre/secret)" secret
	# For good: the server cannot write either.
	# A newer mount(8) asks by fsconfig(2), and FUSE refuses that by itself.
	mount -i -o remount,rw mnt 2>refused || has "$(cat refused)" 'No changes allowed in reconfigure'
	has "$(LC_ALL=C as 100000 touch mnt/0/new 2>&1)" 'Read-only file system'
	unmount mnt
	on_disk lower >after
	no_difference before after
}

test_ranges_and_their_ends() {
	local map=0:100000:1000:1000:300000:1:70000:200000:10:4294967294:400000:1
	local id shown
	mkdir lower
	for id in 0 999 1000 1001 69999 70000 70009 70010 4294967293 4294967294; do
		touch "lower/$id"
		chown "$id:$id" "lower/$id"
	done
	shifted lower mnt "" "$map"
	shown=$(cd mnt && stat -c '%n %u:%g' -- * | sort -n)
	is "$shown" "0 100000:100000
999 100999:100999
1000 300000:300000
1001 65534:65534
69999 65534:65534
70000 200000:200000
70009 200009:200009
70010 65534:65534
4294967293 65534:65534
4294967294 400000:400000"
	chmod 777 lower
	for id in 100000 100999 300000 200000 200009 400000; do
		as "$id" touch "mnt/by-$id"
	done
	is "$(cd lower && stat -c %u:%g by-100000 by-100999 by-300000 by-200000 by-200009 by-400000 | tr '\n' ' ')" \
		"0:0 999:999 1000:1000 70000:70000 70009:70009 4294967294:4294967294 "
	for id in 0 99999 101000 199999 200010 300001 400001 65534; do
		has "$(LC_ALL=C as "$id" touch mnt/none 2>&1)" 'too large for defined data type'
		[ ! -e lower/none ] || fail "$id left a file"
	done
	chown 300000:200009 mnt/0
	is "$(stat -c %u:%g lower/0)" 1000:70009
	for id in 101000 200010 65534 0; do
		has "$(LC_ALL=C chown "$id" mnt/0 2>&1)" 'too large for defined data type'
		has "$(LC_ALL=C chown "300000:$id" mnt/0 2>&1)" 'too large for defined data type'
	done
	is "$(stat -c %u:%g lower/0)" 1000:70009
	unmount mnt
}

test_uids_and_gids_have_their_own_map() {
	mkdir lower mnt
	touch lower/f
	chown 5:6 lower/f
	timeout 10 "$SHIFTER" lower mnt -o uidmapping=0:1000:10,gidmapping=0:2000:10
	is "$(stat -c %u:%g mnt/f)" 1005:2006
	chown 1009:2001 mnt/f
	is "$(stat -c %u:%g lower/f)" 9:1
	has "$(LC_ALL=C chown 2001 mnt/f 2>&1)" 'too large for defined data type'
	unmount mnt
}

test_everything_is_owned_by_one() {
	mkdir lower
	touch lower/f
	chown 5:6 lower/f
	shifted lower mnt squash_to_root
	is "$(stat -c %u:%g mnt mnt/f)" $'0:0\n0:0'
	chown 100007:100008 mnt/f
	touch mnt/refused 2>/dev/null && fail "root of the host is not mapped"
	is "$(stat -c %u:%g mnt/f lower/f)" $'0:0\n7:8'
	unmount mnt
	timeout 10 "$SHIFTER" lower mnt -o squash_to_uid=1000,squash_to_gid=1001
	is "$(stat -c %u:%g mnt/f)" 1000:1001
	as 1000 touch mnt/f
	touch mnt/new
	is "$(stat -c %u:%g mnt/new lower/new)" $'1000:1001\n0:0' "stored as it is"
	unmount mnt
}

test_acls_are_shifted_both_ways() {
	mkdir lower
	echo text >lower/f
	mkdir lower/d
	setfacl -m u:1000:r,g:1001:rw,u:70000:rwx lower/f
	chmod o= lower/f
	shifted lower mnt
	has "$(getfacl -nc mnt/f)" 'user:101000:r--'
	has "$(getfacl -nc mnt/f)" 'group:101001:rw-'
	has "$(getfacl -nc mnt/f)" 'user:65534:rwx'
	has "$(inside getfacl -nc mnt/f)" '^user:1000:r--'
	is "$(as 101000 cat mnt/f)" text
	as 101002 cat mnt/f 2>/dev/null && fail "a stranger could read"
	setfacl -m u:165535:rwx,d:g:100000:rx mnt/d
	inside setfacl -m u:7:x mnt/d
	is "$(getfacl -npc lower/d | sed '/^$/d')" 'user::rwx
user:7:--x
user:65535:rwx
group::r-x
mask::rwx
other::r-x
default:user::rwx
default:group::r-x
default:group:0:r-x
default:mask::r-x
default:other::r-x'
	getfacl -np lower/d >before
	has "$(LC_ALL=C setfacl -m u:170000:r mnt/d 2>&1)" 'too large for defined data type'
	has "$(LC_ALL=C setfacl -m d:g:99999:r mnt/d 2>&1)" 'too large for defined data type'
	getfacl -np lower/d >after
	no_difference before after
	# What a container writes does not drop what it cannot see.
	touch mnt/f
	has "$(getfacl -nc lower/f)" 'user:70000:rwx'
	unmount mnt
}

# lsattr and chattr, with the kernel's rules for who may.
test_file_attributes() {
	mkdir -p lower/d
	echo text >lower/f
	shifted lower mnt cache=always
	is "$(lsattr mnt/f)" "$(lsattr lower/f | sed s/lower/mnt/)"
	as 100000 chattr +dA mnt/f
	as 100000 chattr +d mnt/d
	has "$(lsattr lower/f)" '^-+dA-+e'
	has "$(lsattr -d lower/d)" '^-+d-+'
	is "$(lsattr -d mnt/d)" "$(lsattr -d lower/d | sed s/lower/mnt/)"
	has "$(as 101000 chattr -d mnt/f 2>&1)" 'not permitted'
	has "$(inside chattr +i mnt/f 2>&1)" 'not permitted'
	has "$(chattr +i mnt/f 2>&1)" 'not permitted' # the server cannot
	has "$(lsattr lower/f)" '^-+dA-+e'
	unmount mnt
}

test_birth_time() {
	mkdir lower
	touch lower/f
	shifted lower mnt
	as 100000 touch -d 2001-01-01 mnt/f
	is "$(stat -c %w mnt/f)" "$(stat -c %w lower/f)"
	has "$(stat -c %w mnt/f)" '^20[2-9]'
	unmount mnt
}

# Mounts of other file systems in the image: all are of one device here, so that their inode
# numbers, which may be the same on two of them, must not be.
test_inodes_of_the_images_mounts_are_told_apart() {
	mkdir -p lower/{one,two,same,dir}
	mount -t tmpfs none lower/one
	mount -t tmpfs none lower/two
	touch lower/one/f lower/two/f lower/dir/g
	ln lower/one/f lower/one/g
	ln lower/two/f lower/two/g
	mount --bind lower/dir lower/same
	is "$(stat -c %i lower/one/f)" "$(stat -c %i lower/two/f)" "what makes it hard"
	shifted lower mnt
	is "$(stat -c %d mnt/*/f | sort -u | wc -l)" 1 "devices"
	is "$(stat -c %i mnt/*/f mnt/dir/g | sort -u | wc -l)" 3 "numbers"
	is "$(stat -c %i mnt/one/f)" "$(stat -c %i mnt/one/g)"
	is "$(stat -c %i mnt/dir/g mnt/same/g | uniq)" "$(stat -c %i lower/dir/g)" "the image's own"
	is "$(find mnt/one/f -printf %i)" "$(python3 -c 'import os; print([d.inode() for d in os.scandir("mnt/one") if d.name == "f"][0])')" \
		"in a list"
	rm mnt/one/g
	is "$(stat -c %h mnt/one/f)" 1
	unmount mnt lower/one lower/two lower/same
}

test_names() {
	local long latin
	long=$(printf 'n%.0s' $(seq 255))
	latin=$(printf 'caf\xe9 \n \x01 *')
	mkdir lower
	chmod 777 lower
	shifted lower mnt
	as 101000 touch "mnt/$long" "mnt/$latin" "mnt/ " mnt/...
	as 101000 ln -s "$latin" mnt/link
	has "$(LC_ALL=C as 101000 touch "mnt/$long"n 2>&1)" 'File name too long'
	is "$(cd lower && find . -print0 | cksum)" "$(cd mnt && find . -print0 | cksum)"
	[ -f "lower/$latin" ] || fail "the name was changed"
	is "$(readlink mnt/link)" "$latin"
	as 101000 mv "mnt/$latin" "mnt/$long"
	unmount mnt
	[ -f "lower/$long" ] || fail "not renamed"
	[ ! -e "lower/$latin" ] || fail "still there"
}

# 6,000 names are listed once each, also while a third of them goes.
test_big_directory() {
	mkdir -p lower/d
	(cd lower/d && seq -f 'file-%.0f' 6000 | xargs touch)
	chown -R 1000:1000 lower
	shifted lower mnt
	is "$(find mnt/d -type f | sort -u | wc -l)" 6000
	is "$(find mnt/d -type f -uid 101000 | wc -l)" 6000
	(cd mnt/d && seq -f 'file-%.0f' 1 3 6000 | xargs rm) &
	find mnt/d -type f >listed
	wait $!
	is "$(sort listed | uniq -d)" "" "listed twice"
	is "$(seq -f 'mnt/d/file-%.0f' 6000 | awk 'NR % 3 != 1' | sort | comm -23 - <(sort listed) | wc -l)" 0 "lost"
	is "$(find mnt/d -type f | wc -l)" 4000
	as 101000 rm -rf mnt/d
	[ ! -e lower/d ] || fail "not removed"
	unmount mnt
}

# The server follows no link of the image, whatever it is asked to do with one.
test_links_of_the_image_lead_nowhere() {
	mkdir lower host
	chmod 777 lower
	echo host >host/file
	chmod 600 host/file
	ln -s "$T/host/file" lower/absolute
	ln -s ../host/file lower/relative
	ln -s "$T/host" lower/dir
	ln -s /proc/self/fd lower/fds
	stat -c '%a %u %Y %Z' host host/file >before
	shifted lower mnt
	for link in absolute relative dir fds; do
		is "$(readlink "mnt/$link")" "$(readlink "lower/$link")"
		chown -h 100007:100008 "mnt/$link"
		touch -h -d 2001-01-01 "mnt/$link"
		as 100007 mv "mnt/$link" mnt/moved
		as 100007 ln -P mnt/moved "mnt/$link"
		getfattr -h -d -m - "mnt/$link"
		is "$(stat -c %u:%h "lower/$link")" 7:2
		rm mnt/moved "mnt/$link"
	done
	unmount mnt
	stat -c '%a %u %Y %Z' host host/file >after
	no_difference before after
	is "$(ls host lower)" $'host:\nfile\n\nlower:'
}

# Nobody opens a FIFO or a device of the image for the container, so one thread is enough for all.
test_special_files_do_not_block() {
	mkdir lower
	mkfifo -m 666 lower/fifo
	mknod -m 666 lower/tty c 5 0
	shifted lower mnt threads=1
	has "$(ls -l mnt/fifo)" '^prw-rw-rw-'
	as 101000 sh -c 'read line <mnt/fifo; echo "got $line" >got' &
	sleep 0.3
	is "$(timeout 5 ls mnt)" $'fifo\ntty' "while a reader waits"
	chmod 777 .
	timeout 5 sh -c 'echo hello >mnt/fifo'
	wait $!
	is "$(cat got)" "got hello"
	has "$(LC_ALL=C cat mnt/tty 2>&1)" 'Permission denied' # nodev
	is "$(as 101000 timeout 5 stat -c %F mnt/tty)" 'character special file'
	unmount mnt
}

test_the_server_ends_with_its_mount() {
	local pid
	mkdir lower
	echo text >lower/f
	shifted lower mnt
	pid=$(server_pid)
	exec 9<mnt/f
	umount -l mnt
	kill -0 "$pid" || fail "the server ended under an open file"
	is "$(cat <&9)" text
	exec 9<&-
	wait_for server_gone "$pid"
}

# What the server is while it serves: able to do little, and nothing else in reach.
# plain: sanitizers have more in reach (sanitizers.h)
test_the_server_keeps_nothing() {
	local pid
	mkdir lower
	touch lower/f
	exec 8</etc/passwd 9> >(cat)
	shifted lower mnt
	exec 8<&- 9>&-
	wait $! # ends when nobody has the pipe
	pid=$(server_pid)
	status=$(cat "/proc/$pid/status")
	has "$status" '^NoNewPrivs:[[:space:]]1$'
	has "$status" '^Seccomp:[[:space:]]2$'
	has "$status" '^CapInh:[[:space:]]0+$'
	has "$status" '^CapAmb:[[:space:]]0+$'
	# chown, dac_override, dac_read_search, fowner, setgid, setuid, sys_admin, mknod, setfcap
	has "$status" '^CapEff:[[:space:]]00000000882000cf$'
	has "$status" '^CapPrm:[[:space:]]00000000882000df$' # and fsetid, raised for a moment
	has "$status" '^CapBnd:[[:space:]]00000000882000df$'
	has "$status" '^Groups:[[:space:]]*$'
	is "$(awk '{print $5}' "/proc/$pid/mountinfo" | sort)" $'/\n/lower'
	has "$(awk '$5 == "/lower" {print $6}' "/proc/$pid/mountinfo")" '^rw,nosuid,nodev,noexec,.*nosymfollow'
	has "$(awk '$5 == "/" {print $6}' "/proc/$pid/mountinfo")" 'nosuid,nodev,noexec'
	is "$(stat -L -c %t:%T "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u)" 1:3 # /dev/null
	is "$(find "/proc/$pid/fd" -lname '*passwd*' -o -lname 'pipe:*')" ""
	is "$(awk '{print $6}' "/proc/$pid/stat")" "$pid" "session"
	unmount mnt
}

# A root of its own user namespace can do it too: without handles, for its own ids.
test_in_a_user_namespace() {
	mkdir lower mnt
	echo text >lower/f
	chown 100000:100000 lower mnt lower/f
	setfattr -n user.a -v b lower/f
	mknod -m 666 fuse c 10 229
	cat >script <<-'END'
		timeout 10 "$SHIFTER" lower mnt -o uidmapping=0:1000:100,gidmapping=0:1000:100
		stat -c %u:%g mnt/f
		chmod 777 lower
		setpriv --reuid 1005 --regid 1006 --clear-groups sh -ec \
			"cd mnt; echo new >new; mv new newer; mkdir d; cd d; rmdir ../d; stat -c %h ."
		chown 1007 mnt/f
		exec 9<mnt/f
		rm mnt/f
		cat <&9
		exec 9<&-
		stat -c %u:%g lower/newer
		umount mnt
	END
	# shellcheck disable=SC2016 # for the inner shell
	out=$(unshare -m sh -ec 'mount --bind fuse /dev/fuse; exec "$@"' - "$(tool userns)" run "$MAP" \
		unshare -m sh -e script)
	is "$out" $'1000:1000\n0\ntext\n5:6'
	is "$(stat -c %u:%g lower/newer)" 100005:100006
}

# options ARGUMENTS...: what the server says of them, if it does not like them
options() {
	timeout 10 "$SHIFTER" "$@" 2>&1 && fail "accepted: $*"
	return 0
}

test_bad_options_are_refused() {
	local both=uidmapping=$MAP,gidmapping=$MAP
	mkdir lower mnt
	is "$(options)" "oci-shifter: error: expected SOURCE MOUNTPOINT, or -o lowerdir=SOURCE MOUNTPOINT"
	is "$(options lower mnt)" "oci-shifter: error: uidmapping= is missing"
	is "$(options lower mnt -o "uidmapping=$MAP")" "oci-shifter: error: gidmapping= is missing"
	is "$(options lower mnt more -o "$both")" \
		"oci-shifter: error: expected SOURCE MOUNTPOINT, or -o lowerdir=SOURCE MOUNTPOINT"
	is "$(options lower mnt -o "$both,threads=0")" "oci-shifter: error: threads=0: there must be one"
	is "$(options lower mnt -o "$both,threads=1025")" \
		"oci-shifter: error: threads=1025: expected a number from 0 to 1024"
	is "$(options lower mnt -o "$both,timeout=nan")" \
		"oci-shifter: error: timeout=nan: expected seconds from 0 to 1e9"
	is "$(options lower mnt -o "$both,timeout=-1")" \
		"oci-shifter: error: timeout=-1: expected seconds from 0 to 1e9"
	is "$(options lower mnt -o "$both,cache=some")" \
		"oci-shifter: error: cache=some: expected auto, always or never"
	is "$(options lower mnt -o "$both,upperdir=u")" \
		"oci-shifter: error: upperdir=u: lowerdir= is missing"
	is "$(options mnt -o "$both,lowerdir=lower,upperdir=u")" \
		"oci-shifter: error: upperdir=u: workdir= is missing"
	is "$(options mnt -o "$both,lowerdir=:")" "oci-shifter: error: lowerdir: there is no layer"
	is "$(options lower mnt -o "$both,remount,ro" | cut -d: -f1-3)" "oci-shifter: error: remount"
	is "$(options lower mnt -o)" "oci-shifter: error: option -o: its value is missing"
	is "$(LC_ALL=C options absent mnt -o "$both")" \
		"oci-shifter: error: open absent: No such file or directory"
	is "$(LC_ALL=C options /etc/passwd mnt -o "$both")" \
		"oci-shifter: error: open /etc/passwd: Not a directory"
	is "$(LC_ALL=C options lower absent -o "$both")" \
		"oci-shifter: error: mount on absent: No such file or directory"
	has "$(options lower mnt -o "uidmapping=0:1:0,gidmapping=$MAP")" '^oci-shifter: error: uidmapping'
	has "$(options lower mnt -o "uidmapping=0:1,gidmapping=$MAP")" '^oci-shifter: error: uidmapping'
	has "$(options lower mnt -o "uidmapping=0:1:4294967295,gidmapping=$MAP")" '^oci-shifter: error: uidmapping'
	has "$(options lower mnt -o "uidmapping=0:1:5:4:9:1,gidmapping=$MAP")" '^oci-shifter: error: uidmapping'
	has "$(options lower mnt -o "uidmapping=0:1:5:7:5:1,gidmapping=$MAP")" '^oci-shifter: error: uidmapping'
	is "$(grep -c "$T/mnt" /proc/self/mountinfo)" 0
}

test_unknown_options_are_warned_of() {
	mkdir lower mnt
	out=$(timeout 10 "$SHIFTER" lower mnt -o \
		"rw,relatime,default_permissions,nonsense,some=thing,uidmapping=$MAP,gidmapping=$MAP,noatime,noexec,nosuid" 2>&1)
	is "$out" 'oci-shifter: warning: unknown option nonsense ignored
oci-shifter: warning: unknown option some=thing ignored'
	has "$(findmnt -v -no OPTIONS mnt)" 'rw,nosuid,nodev,noexec,noatime'
	is "$(findmnt -v -no FSTYPE,SOURCE mnt | tr -s ' ')" 'fuse.oci-shifter lower'
	unmount mnt
}

# As mount(8) and fstab(5) do it. Its helper is looked for in one place, so that is made to have it.
test_mount_helper() {
	mkdir -p lower mnt upper work
	touch lower/f
	timeout 30 unshare -m sh -ec '
		mount -t overlay none -o "lowerdir=/usr/sbin,upperdir=$T/upper,workdir=$T/work" /usr/sbin
		ln -s "$SHIFTER" /usr/sbin/mount.fuse.oci-shifter
		mount -t fuse.oci-shifter lower mnt -o "ro,nosuid,uidmapping=$1,gidmapping=$1"
		stat -c %u:%g mnt/f
		umount mnt
		mount -v -t fuse.oci-shifter -o "uidmapping=$1,gidmapping=$1" lower mnt
		umount mnt' - "$MAP" >out
	is "$(head -n 1 out)" 100000:100000
}
