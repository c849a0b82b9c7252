# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# In fuse-overlayfs' place: its options, how it starts and ends, and what may happen to an upper.
# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

MAPS=uidmapping=$MAP,gidmapping=$MAP

# program MNT OPTIONS: as an engine calls it
program() {
	mkdir -p "$1"
	timeout 20 "$SHIFTER" -o "$2" "$1"
}

plain_upper() {
	mkdir -p lower u w
	echo lower >lower/file
	OPT=$MAPS,lowerdir=lower,upperdir=u,workdir=w
}

test_words_of_fuse_overlayfs() {
	plain_upper
	mkdir lower/dir lower/dir/{a,b}
	# A colon in front of a mapping, and words that mean nothing here.
	program mnt "uidmapping=:0:100000:10,gidmapping=:0:100000:10,lowerdir=lower,upperdir=u,workdir=w,private,\
fast_ino_check=1,xino=on,default_permissions,allow_other,suid,dev,noatime,noexec,static_nlink,noacl,fsync=0,threaded=1" 2>err
	is "$(cat err)" ''
	is "$(stat -c '%h %u' mnt/dir mnt/file)" $'1 100000\n1 100000'
	has "$(setfacl -m u:100001:r mnt/file 2>&1 || :)" 'not supported'
	has "$(getfacl -cn mnt/file)" '^user::rw-'
	inside sync -d mnt/file
	has "$(findmnt -no OPTIONS mnt)" 'noexec.*noatime|noatime.*noexec'
	is "$(findmnt -no FSTYPE mnt) $(stat -f -c %t mnt)" 'fuse.oci-shifter 65735546'
	unmount mnt
	program mnt "$OPT,what=ever,thing" 2>err
	is "$(cat err)" $'oci-shifter: warning: unknown option what=ever ignored\noci-shifter: warning: unknown option thing ignored'
	unmount mnt
	# Without mappings nothing is shifted.
	program mnt lowerdir=lower,upperdir=u,workdir=w
	is "$(stat -c %u mnt/file)" 0
	chown 5 mnt/file
	is "$(stat -c %u u/file)" 5
	unmount mnt
	# Plugins are for layers that ask for one, and such a layer is refused.
	program mnt "$OPT,plugins=/usr/lib/p.so" 2>err
	is "$(cat err)" 'oci-shifter: warning: plugins=/usr/lib/p.so: plugins are not loaded'
	unmount mnt
	has "$(program mnt "$MAPS,lowerdir=//p/data/$T/lower,upperdir=u,workdir=w" 2>&1 || :)" \
		'error: lowerdir: //p/data/.*/lower is for a plugin of fuse-overlayfs'
}

links() {
	stat -c %h "$@" | xargs
}

# overlayfs says 1 of a directory that it merges; so does static_nlink of all.
test_links_of_merged_directories() {
	local n

	plain_upper
	mkdir -p lower/dir/{a,b} lower/other u/dir/c
	touch lower/dir/file
	program mnt "$OPT"
	is "$(links mnt mnt/dir mnt/dir/a mnt/other)" '4 5 2 2'
	inside mkdir mnt/dir/d mnt/other/e
	is "$(links mnt/dir mnt/other)" '6 3'
	inside rmdir mnt/dir/a mnt/dir/d
	inside rm mnt/dir/file
	is "$(links mnt/dir)" 4
	# Of one made again where one was, of one that moves, and of a file, which is none.
	inside mkdir mnt/dir/a
	inside mv mnt/other/e mnt/dir/moved
	is "$(links mnt/dir mnt/other)" '6 2'
	inside touch mnt/other/file
	inside mv mnt/other/file mnt/dir/file
	is "$(links mnt/dir mnt/other)" '6 2'
	inside mkdir mnt/other/f
	# Many at a time, some of which fail.
	for n in 1 2 3 4; do
		(cd mnt/dir && for i in $(seq 50); do inside mkdir "x$i" 2>/dev/null || :; stat . >/dev/null; done) &
	done
	wait
	is "$(links mnt/dir)" 56
	unmount mnt
	program mnt "$OPT"
	is "$(links mnt/dir mnt/other)" '56 3'
	unmount mnt
	program mnt "$OPT,static_nlink"
	is "$(links mnt mnt/dir mnt/dir/a)" '1 1 1'
	unmount mnt
}

# Names by which those who write layers keep something for themselves.
test_attributes_of_layers_are_hidden() {
	plain_upper
	setfattr -n user.fuseoverlayfs.origin -v x lower/file
	setfattr -n user.overlay.opaque -v y lower/file
	setfattr -n user.mine -v z lower/file
	program mnt "$OPT"
	is "$(inside getfattr -d mnt/file 2>/dev/null | grep -v '^#' | xargs)" user.mine=z
	has "$(inside getfattr -n user.overlay.opaque mnt/file 2>&1 || :)" 'not supported'
	has "$(inside setfattr -n user.fuseoverlayfs.opaque -v y mnt/file 2>&1 || :)" 'not supported'
	has "$(inside setfattr -x user.overlay.opaque mnt/file 2>&1 || :)" 'not supported'
	unmount mnt
	program mnt "$OPT,noxattrs=1"
	has "$(inside getfattr -d mnt/file 2>&1 || :)" 'not supported'
	has "$(inside setfattr -n user.mine -v y mnt/file 2>&1 || :)" 'not supported'
	has "$(setfacl -m u:100001:r mnt/file 2>&1 || :)" 'not supported'
	unmount mnt
	program mnt "$OPT"
	is "$(inside getfattr --only-values -n user.mine mnt/file)" z
	is "$(getfattr -d -m user.overlay lower/file | grep -c opaque)" 1
	unmount mnt
}

# For programs with a 32-bit ino_t. overlayfs has the layer in upper bits where it has several.
test_short_inode_numbers() {
	plain_upper
	mkdir one && mount -t tmpfs none one && touch one/of-tmpfs
	program mnt "$OPT,lowerdir=lower:one,ino32_t"
	is "$(stat -c %i mnt/file mnt/of-tmpfs mnt | awk '$1 <= 0 || $1 > 4294967295' | wc -l)" 0
	# stat(2) and readdir(3) agree.
	is "$(cd mnt && stat -c '%i %n' ./* | sort)" "$(find mnt -mindepth 1 -printf '%i ./%P\n' | sort)"
	unmount mnt
	umount one
}

# Engines wait for the end of file on the pipes of what they start, and for its exit status.
test_it_leaves_no_pipe_open() {
	plain_upper
	mkdir mnt
	is "$(timeout 10 "$SHIFTER" -o "$OPT" mnt 2>&1 </dev/null; echo "$?")" 0
	fusermount3 -u mnt
	wait_for server_is_gone
	is "$(program mnt "$MAPS,lowerdir=absent,upperdir=u,workdir=w" 2>&1 || echo "$?")" \
		$'oci-shifter: error: open absent: No such file or directory\n1'
	is "$(program mnt "$MAPS,lowerdir=lower,upperdir=u,workdir=absent" 2>&1 || echo "$?")" \
		$'oci-shifter: error: open absent: No such file or directory\n1'
	has "$(program mnt "$MAPS,lowerdir=lower,upperdir=u,workdir=u" 2>&1 || :)" 'error: .*upper'
	is "$(ls u)" ''
}

server_is_gone() {
	[ -z "$(processes_left)" ]
}

test_full_disk() {
	plain_upper
	mkdir disk
	truncate -s 20M image && mkfs.ext4 -q image && mount -o loop image disk
	mkdir disk/u disk/w
	program mnt "$MAPS,lowerdir=lower,upperdir=disk/u,workdir=disk/w"
	has "$(inside dd if=/dev/zero of=mnt/big bs=1M 2>&1 || :)" 'No space left'
	is "$(cat mnt/file)" lower
	# More than there is: ext4 may have kept a little back that it has by now.
	has "$(inside sh -c 'head -c 30000000 /dev/zero >mnt/more' 2>&1 || :)" 'No space left|write error'
	wait_for inside sh -c 'rm -f mnt/big mnt/more; echo again >mnt/file'
	is "$(cat mnt/file disk/u/file lower/file)" $'again\nagain\nlower'
	unmount mnt
	wait_for umount disk
}

test_read_only_upper() {
	plain_upper
	program mnt "$OPT"
	inside sh -c 'echo kept >mnt/file'
	unmount mnt
	mount --bind u u && mount -o remount,bind,ro u
	has "$(program mnt "$OPT" 2>&1 || :)" 'error: .*u'
	umount u
	program mnt "$OPT,ro"
	is "$(cat mnt/file)" kept
	has "$(inside touch mnt/file 2>&1 || :)" 'Read-only'
	unmount mnt
}

# The server is killed while somebody writes: what was synced is there, and the upper goes on.
test_killed_server() {
	plain_upper
	program mnt "$OPT"
	inside sh -c 'echo synced >mnt/synced; sync mnt/synced'
	inside dd if=/dev/zero of=mnt/big bs=4k count=100000 2>err &
	wait_for test -s u/big
	kill -9 "$(server_pid)"
	wait "$!" || :
	has "$(ls mnt 2>&1 || :)" 'not connected|abort'
	unmount mnt
	program mnt "$OPT"
	is "$(cat mnt/synced mnt/file)" $'synced\nlower'
	inside sh -c 'rm mnt/big; echo more >>mnt/file'
	is "$(cat u/file)" $'lower\nmore'
	unmount mnt
}

test_volatile_upper_after_a_crash() {
	plain_upper
	program mnt "$OPT,volatile"
	inside sh -c 'echo text >mnt/file; sync mnt/file'
	[ -d w/work/incompat/volatile ]
	unmount mnt
	wait_for server_is_gone
	# As a machine leaves it that stops.
	setfattr -n trusted.oci-shift.volatile -v 01234567-89ab-cdef-0123-456789abcdef w
	has "$(program mnt "$OPT" 2>&1 || :)" \
		'the upper .*/u was mounted volatile, and the machine has been started anew since: .*remove .*/w/work/incompat'
	rm -rf w/work/incompat
	program mnt "$OPT"
	is "$(cat mnt/file)" text
	unmount mnt
}

# The forms of mount(8), fstab and containerd.
test_mount_helpers() {
	plain_upper
	mkdir -p mnt sbin
	ln -s "$SHIFTER" sbin/mount.fuse.oci-shifter
	ln -s "$SHIFTER" sbin/oci-shifter
	# mount(8) looks for helpers in /sbin alone: what it would call is called.
	timeout 10 sbin/mount.fuse.oci-shifter lower mnt -n -v -o "rw,nodev,$MAPS,x-systemd.automount,_netdev" -t fuse.oci-shifter
	is "$(stat -c %u mnt/file)" 100000
	mount -o remount,bind,ro mnt
	has "$(touch mnt/file 2>&1 || :)" 'Read-only'
	unmount mnt
	has "$(timeout 10 sbin/mount.fuse.oci-shifter lower mnt -o "remount,ro,$MAPS" 2>&1 || :)" 'remount: not by this program'
	# mount.fuse3, which containerd runs for the type "fuse3.oci-shifter", finds the program in PATH.
	PATH=$T/sbin:$PATH timeout 10 mount.fuse3 lower mnt -o "ro,$MAPS" -t oci-shifter
	is "$(stat -c %u mnt/file)" 100000
	unmount mnt
	PATH=$T/sbin:$PATH timeout 10 mount.fuse3 oci-shifter#lower mnt -o "$MAPS"
	is "$(stat -c %u mnt/file)" 100000
	unmount mnt
}

# An fstab line, in a mount namespace where /sbin has the helper.
test_fstab() {
	plain_upper
	mkdir -p mnt
	cat >fstab <<-END
		$T/lower $T/mnt fuse.oci-shifter ro,noauto,nofail,x-systemd.automount,$MAPS 0 0
	END
	script() {
		unshare --mount --propagation private sh -ec '
			mkdir "$1/up" "$1/work"
			mount -t overlay none -o "lowerdir=$(realpath /sbin),upperdir=$1/up,workdir=$1/work" "$(realpath /sbin)"
			cp "$2" /sbin/mount.fuse.oci-shifter
			mount -T "$1/fstab" "$1/mnt"
			stat -c %u "$1/mnt/file"
			umount "$1/mnt"
			mount -t fuse.oci-shifter "$1/lower" "$1/mnt" -o "$3"
			stat -c %u "$1/mnt/file"
			umount "$1/mnt"' - "$T" "$SHIFTER" "$MAPS"
	}
	is "$(script)" $'100000\n100000'
}

# containers/storage makes the upper of a container that is to be shifted as the container's root.
test_new_upper_of_an_engine() {
	plain_upper
	chown 100000:100000 u
	has "$(program mnt "$MAPS,lowerdir=lower,upperdir=u,workdir=u" 2>&1 || :)" 'error: '
	is "$(stat -c %u:%g u)" 100000:100000
	program mnt "$OPT"
	is "$(stat -c %u:%g mnt) $(stat -c %u:%g u)" '100000:100000 0:0'
	unmount mnt
}

# What an engine makes as the host's root is the container's root's; of anybody else whom the mapping
# lacks nothing is stored. Without layers the host's root is like anybody else.
test_the_hosts_root_at_work_for_an_engine() {
	plain_upper
	chmod 777 lower u
	program mnt "$OPT"
	touch mnt/made && mkdir mnt/dir && ln -s x mnt/link && chown 100003:100004 mnt/made
	is "$(stat -c '%n %u:%g' mnt/made mnt/dir mnt/link)" \
		$'mnt/made 100003:100004\nmnt/dir 100000:100000\nmnt/link 100000:100000'
	is "$(stat -c %u:%g u/made u/dir u/link | sort)" $'0:0\n0:0\n3:4'
	has "$(as 5000 touch mnt/other 2>&1 || :)" 'too large for defined data type'
	has "$(chown 5000 mnt/made 2>&1 || :)" 'too large for defined data type'
	is "$(ls u)" $'dir\nlink\nmade'
	unmount mnt
	shifted lower mnt
	has "$(touch mnt/made 2>&1 || :)" 'too large for defined data type'
	unmount mnt
}

test_layers_that_are_shifted_already() {
	plain_upper
	chown -R 100000:100000 lower
	has "$(program mnt "$OPT" 2>&1 || :)" 'the lowest layer of lower is shifted already: it is owned by uid 100000'
	is "$(getfattr -d -m - u)" ''
}

# Beside the real one: what both show, and what both leave on disk.
test_same_as_fuse_overlayfs() {
	local real name
	real=$(cd "$REPO" && bench/programs)
	for name in real ours; do
		mkdir -p $name/{l1,l2,u,w,mnt}
		mkdir $name/l2/dir
		echo 2 | tee $name/l2/{a,b,c} >$name/l2/dir/x
		echo 1 >$name/l1/b
		chown 3:4 $name/l2/c
	done
	(cd real && "$real" -o "$MAPS,lowerdir=l1:l2,upperdir=u,workdir=w" mnt)
	(cd ours && "$SHIFTER" -o "$MAPS,side_layers=$T/side,lowerdir=l1:l2,upperdir=u,workdir=w" mnt)
	for name in real ours; do
		inside sh -ec 'cd "$1"; rm a; echo 3 >>c; mkdir new; ln -s x new/link; rm -r dir; mkdir dir; touch dir/y
			chown 9:9 b; mv b moved' - $name/mnt
		(cd $name/mnt && find . -printf '%P %y %m %U:%G %s %l\n' | sort) >$name.seen
		unmount $name/mnt
		(cd $name/u && find . -name '.wh.*' -prune -o -printf '%P %y %m %U:%G %l\n' | sort) >$name.disk
	done
	no_difference real.seen ours.seen
	no_difference real.disk ours.disk
}

# The quota of a Btrfs subvolume: EDQUOT comes through, and what is removed can be written again.
test_quota() {
	mkdir disk lower
	truncate -s 300M image && mkfs.btrfs -q image && mount -o loop image disk
	btrfs subvolume create disk/sub >/dev/null && btrfs quota enable disk && btrfs qgroup limit 10M disk/sub
	mkdir disk/sub/u disk/sub/w
	program mnt "$MAPS,lowerdir=lower,upperdir=disk/sub/u,workdir=disk/sub/w"
	has "$(inside dd if=/dev/zero of=mnt/file bs=1M count=50 conv=fsync 2>&1 || :)" 'Disk quota exceeded'
	is "$(stat -c %u disk/sub/u/file)" 0
	inside rm mnt/file
	unmount mnt
	wait_for umount disk
}

# The layers go away under a mount that is in use: it has them for as long as it lives. After that
# the upper is not put over what is there by then.
test_layers_that_disappear() {
	plain_upper
	mkdir disk
	mount -t tmpfs none disk
	echo below >disk/below && mkdir disk/dir && echo deep >disk/dir/deep
	program mnt "$MAPS,lowerdir=disk,upperdir=u,workdir=w"
	is "$(cat mnt/below)" below
	umount -l disk
	is "$(cat mnt/dir/deep)" deep
	inside sh -c 'echo more >>mnt/below'
	unmount mnt
	wait_for server_is_gone
	mount -t tmpfs none disk
	has "$(program mnt "$MAPS,lowerdir=disk,upperdir=u,workdir=w" 2>&1 || :)" \
		'error: the upper .*/u was written over another lower than .*/disk is now'
	is "$(cat u/below)" $'below\nmore'
	umount disk
}

# What fsync(2) has promised is on the block device, whatever happens next: a copy of it, as it is at
# that moment, has the file and its name when the journal is played back.
test_power_cut() {
	mkdir disk lower after
	truncate -s 50M image && mkfs.ext4 -q image && mount -o loop image disk
	mkdir disk/u disk/w
	echo below >lower/file
	program mnt "$MAPS,lowerdir=lower,upperdir=disk/u,workdir=disk/w"
	inside python3 - mnt <<-'END'
		import os, sys
		os.chdir(sys.argv[1])
		def synced(name, flags, data):
		    fd = os.open(name, flags, 0o644)
		    os.write(fd, data)
		    os.fsync(fd)
		synced("new", os.O_WRONLY | os.O_CREAT, b"x" * 100000)
		synced("file", os.O_WRONLY | os.O_APPEND, b"copied up\n")
		synced("before", os.O_WRONLY | os.O_CREAT, b"renamed\n")
		os.rename("before", "renamed")
		os.fsync(os.open(".", os.O_RDONLY))
	END
	cp image crashed
	unmount mnt
	wait_for umount disk
	mount -o loop crashed after
	is "$(stat -c %s after/u/new) $(cat after/u/renamed after/u/file)" $'100000 renamed\nbelow\ncopied up'
	[ ! -e after/u/before ] || fail "the rename was lost"
	umount after
}
