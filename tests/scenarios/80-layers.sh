# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lowerdir=, upperdir=, workdir=: what the kernel's overlayfs merges, shifted; and what is on disk.
# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

MAPS=uidmapping=$MAP,gidmapping=$MAP

# merged MNT LOWERS [OPTIONS]: with the upper u and the work directory w, where they are there
merged() {
	mkdir -p "$1"
	[ ! -d u ] || set -- "$1" "$2,upperdir=u,workdir=w${3:+,$3}"
	timeout 20 "$SHIFTER" -o "$MAPS,side_layers=$T/side,lowerdir=$2${3:+,$3}" "$1"
}

# Three layers over each other, owners of all kinds, and an image on which nothing may change.
three_layers() {
	mkdir -p l1/dir l2/dir l3/dir/deep u w
	echo 1 | tee l1/one l1/dir/same >l1/dir/first
	echo 2 | tee l2/two l2/dir/same >l2/dir/second
	echo 3 | tee l3/three l3/dir/same l3/dir/deep/third >l3/gone
	ln l3/three l3/link
	chown 5:6 l3/three l2/dir
	chown 65535 l1/dir/first
	chown 70000 l2/two
	chmod 6755 l3/gone
	find l1 l2 l3 -printf '%p %y %m %U:%G %n %s %T@ %C@\n' >before
}

untouched() {
	find l1 l2 l3 -printf '%p %y %m %U:%G %n %s %T@ %C@\n' | diff before - || fail "a layer has changed"
}

# What is in a tree: owners 100000 less where the tree is shifted
seen() {
	(cd "$1" && find . -printf '%p %y %m %U %G %n %i %l\n' | sort) |
		awk -v by="$2" '{$4 = $4 == 65534 ? $4 : $4 - by; $5 = $5 == 65534 ? $5 : $5 - by; print}'
}

# Without one that is shown as somebody else's, and without the links of directories, which are fuse-overlayfs'
# (81-mount-program.sh).
comparable() {
	grep -v '^./two' | awk '$2 == "d" { $6 = "-" } { print }'
}

test_layers_are_merged_like_overlayfs() {
	three_layers
	rmdir u w
	mkdir native
	mount -t overlay none -o lowerdir=l1:l2:l3 native
	chown 65534 l2/two && find l1 l2 l3 -printf '%p %y %m %U:%G %n %s %T@ %C@\n' >before
	merged mnt l1:l2:l3
	no_difference <(seen native 0 | comparable) <(seen mnt 100000 | comparable)
	is "$(stat -f -c %t mnt)" 65735546
	is "$(cat mnt/dir/same mnt/dir/deep/third)" $'1\n3'
	has "$(inside sh -c 'touch mnt/new 2>&1 || :')" 'Read-only file system'
	unmount mnt native
	untouched
}

test_one_layer_is_the_directory() {
	three_layers
	rmdir u w
	merged mnt l3
	is "$(stat -c '%u:%g %i' mnt/three)" "100005:100006 $(stat -c %i l3/three)"
	unmount mnt
	# Characters that mean something in a list of layers.
	mkdir 'a:b' 'c,d' 'e\f'
	touch 'a:b/1' 'c,d/2' 'e\f/3'
	merged mnt 'a\:b:c\,d:e\\f'
	is "$(ls mnt)" $'1\n2\n3'
	unmount mnt
}

test_writes_go_to_the_upper_with_disk_ids() {
	local ino
	three_layers
	merged mnt l1:l2:l3
	ino=$(stat -c %i mnt/three mnt/dir)
	inside sh -ec 'cd mnt; echo new >new; chown 7:8 new; mkdir made; rm gone; echo more >>three
		chown 1:2 dir; rm -r dir/deep; mkdir dir/deep; ln -s x sym; setfattr -n user.a -v b one'
	is "$(cat mnt/link)" $'3\nmore'
	is "$(stat -c %i mnt/three mnt/dir)" "$ino"
	is "$(stat -c '%n %u:%g %h' mnt/three mnt/link)" $'mnt/three 100005:100006 2\nmnt/link 100005:100006 2'
	is "$(cd u && find . -mindepth 1 -printf '%P %y %U:%G\n' | sort)" "dir d 1:2
dir/deep d 0:0
gone c 0:0
made d 0:0
new f 7:8
one f 0:0
sym l 0:0
three f 5:6"
	[ ! -e mnt/dir/deep/third ] || fail "an opaque directory shows what was deleted"
	unmount mnt
	untouched
	# The same upper again, under another mapping.
	merged mnt l1:l2:l3 uidmapping=0:500000:65536,gidmapping=0:600000:65536
	is "$(stat -c '%n %u:%g' mnt/new mnt/three mnt/dir)" \
		$'mnt/new 500007:600008\nmnt/three 500005:600006\nmnt/dir 500001:600002'
	is "$(cat mnt/link)" $'3\nmore'
	unmount mnt
}

# What was opened before the file was copied up, and what is opened after.
test_a_file_is_copied_up_while_it_is_open() {
	mkdir lower u w
	head -c 100000 /dev/zero >lower/file
	cp lower/file before
	merged mnt lower
	inside python3 - mnt/file <<-'END'
		import mmap, os, sys
		path = sys.argv[1]
		def check(fd, what):
		    assert os.pread(fd, 5, 50000) == b"HELLO", what
		    assert os.fstat(fd).st_size == 100001, what
		early = os.open(path, os.O_RDONLY)
		assert os.pread(early, 5, 50000) == b"\0" * 5
		ino = os.fstat(early).st_ino
		writer = os.open(path, os.O_RDWR)
		os.pwrite(writer, b"HELLO", 50000)
		os.pwrite(writer, b"!", 100000)
		check(early, "opened before")
		late = os.open(path, os.O_RDONLY)
		check(late, "opened after")
		shared = mmap.mmap(late, 100001, prot=mmap.PROT_READ)
		assert shared[50000:50005] == b"HELLO", "mapped after"
		mine = mmap.mmap(writer, 100001)
		mine[50000:50005] = b"WORLD"
		assert os.pread(early, 5, 50000) == b"WORLD", "written by a mapping"
		assert shared[50000:50005] == b"WORLD"
		assert os.fstat(early).st_ino == os.stat(path).st_ino == ino
		os.unlink(path)
		assert os.pread(late, 5, 50000) == b"WORLD", "unlinked"
	END
	cmp lower/file before
	unmount mnt
}

test_directories_of_a_layer_are_renamed_where_that_is_asked_for() {
	three_layers
	merged mnt l1:l2:l3
	has "$(inside python3 -c 'import os; os.rename("mnt/dir", "mnt/other")' 2>&1 || :)" 'cross-device'
	inside mv mnt/dir mnt/other
	is "$(cat mnt/other/same mnt/other/deep/third)" $'1\n3'
	unmount mnt
	rm -rf u w && mkdir u w
	merged mnt l1:l2:l3 redirect_dir=on
	inside python3 -c 'import os; os.rename("mnt/dir", "mnt/other")'
	is "$(cat mnt/other/same mnt/other/deep/third)" $'1\n3'
	unmount mnt
	merged mnt l1:l2:l3
	is "$(ls mnt/other/deep)" third
	unmount mnt
	untouched
}

test_five_hundred_layers() {
	local n list=''
	for n in $(seq 500); do
		mkdir "$n" && echo "$n" | tee "$n/all" >"$n/of-$n"
		list+=${list:+:}$n
	done
	mkdir u w
	merged mnt "$list"
	is "$(find mnt -type f | wc -l) $(cat mnt/all mnt/of-500)" $'501 1\n500'
	inside sh -c 'echo x >>mnt/of-500'
	is "$(cat u/of-500) $(cat 500/of-500)" $'500\nx 500'
	unmount mnt
	mkdir 501
	has "$(merged mnt "$list:501" 2>&1 || :)" 'more than 500 layers'
}

test_an_upper_over_another_lower_is_refused() {
	local before
	three_layers
	cp -a l1 other
	merged mnt l1:l2:l3
	unmount mnt
	before=$(getfattr -d -m - u w; find u w)
	has "$(merged mnt other:l2:l3 2>&1 || :)" \
		"the upper u was written over another lower: over $T/l1, not over $T/other"
	is "$(getfattr -d -m - u w; find u w)" "$before"
	! mountpoint -q mnt || fail "mounted"
	# Moved, it is the same.
	mv l1 moved
	merged mnt moved:l2:l3
	unmount mnt
}

test_an_upper_that_was_written_shifted_is_refused() {
	local before
	three_layers
	echo by something else >u/file
	chown -R 100000:100000 u
	before=$(getfattr -d -m - u w; find u w -printf '%p %U %T@\n')
	has "$(merged mnt l1:l2:l3 2>&1 || :)" 'the upper u was written shifted .it is owned by uid 100000.*/l1'
	is "$(getfattr -d -m - u w; find u w -printf '%p %U %T@\n')" "$before"
	chown -R 0:0 u
	setfattr -n trusted.oci-shift.upper -v $'oci-shift upper 1\nwritten=shifted for 0:1:2\nlower=/l\nid=0\n' u
	has "$(merged mnt l1:l2:l3 2>&1 || :)" 'was written shifted for 0:1:2 over /l'
	setfattr -x trusted.oci-shift.upper u
	merged mnt l1:l2:l3
	is "$(stat -c %u mnt/file)" 100000
	unmount mnt
}

test_an_upper_has_one_mount() {
	three_layers
	merged mnt l1:l2:l3
	has "$(merged other l1:l2:l3 2>&1 || :)" 'the upper u is in use by another mount'
	is "$(ls mnt)" "$(printf '%s\n' dir gone link one three two)"
	unmount mnt
	wait_for merged other l1:l2:l3
	unmount other
}

# The mark of the upper, and what overlayfs keeps in attributes, are not to be seen or made.
test_marks_do_not_show() {
	local name
	three_layers
	merged mnt l1:l2:l3
	has "$(getfattr -d -m - u)" trusted.oci-shift.upper
	inside rm -r mnt/dir && inside mkdir mnt/dir
	has "$(getfattr -d -m - u/dir)" trusted.overlay.opaque
	for name in trusted.oci-shift.upper user.oci-shift.upper; do
		has "$(setfattr -n $name -v x mnt/one 2>&1 || :)" 'not supported'
		has "$(setfattr -x $name mnt 2>&1 || :)" 'not supported'
		has "$(getfattr -n $name mnt 2>&1 || :)" 'not supported'
	done
	has_not "$(getfattr -d -m - mnt mnt/dir 2>&1)" 'trusted|oci-shift|overlay'
	unmount mnt
}

test_layers_may_be_read_only_and_of_other_file_systems() {
	mkdir l1 l2 disk u w
	truncate -s 20M image && mkfs.ext4 -q image && mount -o loop image disk
	echo disk >disk/file && ln disk/file disk/link && mount -o remount,ro disk
	mount -t tmpfs none l1 && echo memory >l1/memory
	merged mnt l1:disk
	inside sh -c 'echo more >>mnt/file; echo more >>mnt/memory'
	is "$(cat mnt/link mnt/memory)" $'disk\nmore\nmemory\nmore'
	is "$(ls u)" $'file\nmemory'
	unmount mnt
	umount disk l1
}
