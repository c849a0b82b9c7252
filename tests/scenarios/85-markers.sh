# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# AUFS markers in layers: what is shown, and the side layers that say the same to overlayfs.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

fuse_overlayfs() {
	local program
	program=$("$REPO/bench/programs" 2>/dev/null) || skip "there is no fuse-overlayfs"
	mkdir -p "$2"
	timeout 10 "$program" -o "$1,uidmapping=$MAP,gidmapping=$MAP" "$2" 2>/dev/null
}

# Layers and their side layers merged, as a mount: merge DIR UPPER WORK LAYER..., - for none
merge() {
	local flags=()
	# shellcheck disable=SC2054 # one word
	[ "$SANITIZE" != asan ] || flags=(-fsanitize=address,undefined -fno-sanitize-recover=all)
	once merge_layers cc -std=gnu11 -D_GNU_SOURCE -I"$REPO" "${flags[@]}" -o "$WORK/merge_layers" \
		"$REPO/tests/tools/merge_layers.c" "$REPO"/shifter/{markers,markers_scan,side_{layer,cache}}.c \
		"$REPO"/base/{overlay,overlay_upper,fscontext,io,err,log}.c
	mkdir -p "$1"
	timeout 20 "$WORK/merge_layers" "${KEPT:-$T/kept}" "$@"
}

# shown UPPER WORK LAYER...: what the shifter shows of them at "mnt"
shown() {
	local layers upper=
	layers=$(printf :%s "${@:3}")
	[ "$1" = - ] || upper=,upperdir=$1,workdir=$2
	mkdir -p mnt
	# The end of a shifter lets its upper go a little later than umount(8) returns.
	wait_for timeout 10 "$SHIFTER" mnt -o "lowerdir=${layers#:}$upper,side_layers=${KEPT:-$T/kept}" \
		-o "uidmapping=$MAP,gidmapping=$MAP,timeout=0"
}

gone() {
	unmount mnt
}

# Everything there is in a tree.
look() {
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %l\n' | sort &&
		find . -type f | sort | xargs -r -d '\n' cat)
}

# What is in a directory, with a space after each name.
names() {
	find "$1" -mindepth 1 -maxdepth 1 -printf '%P\n' | sort | tr '\n' ' '
}

# same_as_fuse_overlayfs UPPER WORK LAYER...
same_as_fuse_overlayfs() {
	local layers
	layers=$(printf :%s "${@:3}")
	fuse_overlayfs "lowerdir=${layers#:}" fo
	look fo >wanted
	unmount fo
	shown "$@"
	look mnt >got
	gone
	diff wanted got
}

# A layer "low" with files, and "high" with markers.
two_layers() {
	mkdir -p low/{dir,opaque/old,gone/sub,replaced/old} high/{dir,opaque/new,replaced/new}
	for f in file kept-file dir/file dir/kept-file opaque/file gone/sub/file replaced/file; do
		echo "low $f" >"low/$f"
	done
	echo "high opaque" >high/opaque/file2
	touch high/.wh.file high/.wh.gone high/dir/.wh.file high/opaque/.wh..wh..opq
	touch high/replaced/.wh.old high/.wh..wh.plnk high/.wh..wh.aufs high/.wh.never-there
	chown 7:8 high/dir high/opaque
	chmod 751 high/opaque
}

test_a_marker_hides_what_is_below() {
	two_layers
	same_as_fuse_overlayfs - - high low
	has "$(cat got)" '^opaque d 751 100007:100008 $'
	has "$(cat got)" '^dir/kept-file f'
	has_not "$(cat got)" '^(file|gone|dir/file|opaque/(old|file)|replaced/old) '
}

test_a_marker_of_a_dot_file() {
	mkdir low high
	touch low/.a high/.wh..a
	same_as_fuse_overlayfs - - high low
	is "$(cat got)" ""
}

test_a_layer_above_brings_a_name_back() {
	two_layers
	mkdir -p top/gone top/opaque
	echo top >top/gone/new
	echo top >top/file
	echo top >top/opaque/top
	same_as_fuse_overlayfs - - top high low
	has "$(cat got)" '^gone/new f'
	has_not "$(cat got)" '^gone/sub'
}

test_markers_of_a_layer_say_nothing_of_its_own_files() {
	# As in the image specification. fuse-overlayfs hides these too.
	mkdir -p low/d high/d
	echo low >low/f
	echo low >low/d/low
	echo high >high/f
	echo high >high/d/high
	touch high/.wh.f high/.wh.d
	shown - - high low
	is "$(cat mnt/f)" high
	is "$(ls mnt/d)" high
	gone
}

test_an_opaque_root_hides_all_below() {
	two_layers
	touch high/.wh..wh..opq
	same_as_fuse_overlayfs - - high low
	mkdir top
	touch top/.wh.dir
	same_as_fuse_overlayfs - - top high low
	has "$(cat got)" '^opaque/new d'
	has_not "$(cat got)" '^(dir/|kept-file )'
}

test_whiteouts_of_overlayfs_are_hidden_too() {
	mkdir -p low/merged low/only high/merged high/only-high
	touch low/merged/{a,b,c}
	mknod high/merged/a c 0 0
	touch high/merged/.wh.b
	# Where overlayfs merges nothing it lists a whiteout as it is.
	mknod high/only-high/never-there c 0 0
	mknod low/only/never-there c 0 0
	same_as_fuse_overlayfs - - high low
	has_not "$(cat got)" never-there
	has "$(cat got)" '^merged/c f'
	same_as_fuse_overlayfs - - low
	has_not "$(cat got)" never-there
	timeout 10 "$SHIFTER" -o "lowerdir=low,uidmapping=$MAP,gidmapping=$MAP,nodev" mnt
	is "$(ls mnt/only)" ""
	[ ! -e mnt/only/never-there ] || fail "a whiteout is found by its name"
	unmount mnt
}

test_random_layers() {
	local seed first=${SEED:-$((RANDOM * 32768 + RANDOM))} n
	for ((seed = first; seed < first + 25; seed++)); do
		rm -rf layers
		n=$(python3 "$REPO/tests/scenarios/layers.py" $seed layers)
		# shellcheck disable=SC2046 # words
		same_as_fuse_overlayfs - - $(seq -f 'layers/%g' 0 $((n - 1))) ||
			fail "SEED=$seed"
	done
}

test_names_that_nobody_can_trick() {
	local name
	name=$(printf 'n%.0s' {1..251})
	mkdir -p low/d high/d/.wh.dir-marker/x outside
	touch low/d/{dir-marker,link-marker,device-marker,"$name",kept}
	ln -s "$T/outside" high/d/.wh.link-marker
	mknod high/d/.wh.device-marker b 7 250
	# No names: nothing, this directory, the one above.
	touch high/d/{.wh.,.wh..,.wh...} "high/d/.wh.$name"
	# What is behind a symlink or mounted is not the layer's.
	touch outside/.wh.kept
	ln -s "$T/outside" high/link
	mkdir high/mounted low/mounted
	touch low/mounted/kept
	mount --bind outside high/mounted
	shown - - high low
	is "$(names mnt/d)$(names mnt/mounted)" "kept kept "
	gone
	umount high/mounted
	is "$(ls -A outside)" ".wh.kept"
}

# deep DIR LEVELS: and a marker at the end
deep() {
	python3 - "$@" <<-'PYTHON'
		import os, sys
		os.chdir(sys.argv[1])
		for i in range(int(sys.argv[2])):
		    os.mkdir("directory")
		    os.chdir("directory")
		open(".wh.file", "w").close()
	PYTHON
}

test_a_layer_as_deep_as_it_likes() {
	mkdir low high
	deep high 3000
	(ulimit -s 256 && merge merged - - high low)
	unmount merged
	is "$(find kept -name file -type c | wc -l)" 1
}

test_very_many_markers() {
	local i
	mkdir -p low/d high/d
	for ((i = 0; i < 2500; i++)); do echo "high/d/.wh.$i"; done | xargs touch
	touch low/d/{1,1200,2499,a} high/d/z
	shown - - high low
	# Whatever of it fits into one look at the directory.
	is "$(names mnt/d)" "a z "
	gone
}

test_side_layers_are_kept() {
	local before
	two_layers
	merge merged - - high low
	unmount merged
	before=$(find kept -printf '%p %i %C@\n' | sort)
	has "$before" '/file '
	has_not "$before" '\.new'
	merge merged - - high low
	unmount merged
	is "$(find kept -printf '%p %i %C@\n' | sort)" "$before"
	# Another layer at the same path, and the same one changed, are others.
	chmod 700 high
	merge merged - - high low
	unmount merged
	is "$(find kept -mindepth 1 -maxdepth 1 | wc -l)" 2
}

test_a_removed_side_layer_is_made_again() {
	two_layers
	same_as_fuse_overlayfs - - high low
	rm -r kept
	same_as_fuse_overlayfs - - high low
	# One whose making was broken off, too.
	name=$(ls kept)
	mv "kept/$name" "kept/$name.new"
	rm -r "kept/$name.new/opaque" "kept/$name.new/file"
	same_as_fuse_overlayfs - - high low
	is "$(ls kept)" "$name"
}

test_a_layer_without_markers_is_remembered() {
	two_layers
	mkdir -p top/d
	merge merged - - top high low
	is "$(awk -v m="$T/merged" '$5 == m' /proc/self/mountinfo | grep -o lowerdir+= | wc -l)" 4
	unmount merged
	is "$(find kept -mindepth 1 -maxdepth 1 -empty | wc -l)" 1
	# The lowest is not even looked at.
	is "$(find kept -mindepth 1 -maxdepth 1 | wc -l)" 2
}

test_many_first_mounts_at_a_time() {
	local i pids=()
	two_layers
	merge merged - - high low # builds the program
	unmount merged
	rm -r kept
	for ((i = 0; i < 8; i++)); do
		merge "m$i" - - high low &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	for ((i = 0; i < 8; i++)); do
		is "$(names "m$i")" ".wh..wh.aufs .wh..wh.plnk .wh.file .wh.gone .wh.never-there dir kept-file opaque replaced "
		unmount "m$i"
	done
	is "$(find kept -mindepth 1 -maxdepth 1 | wc -l)" 1
}

test_where_nothing_can_be_kept() {
	two_layers
	KEPT=/proc/nowhere same_as_fuse_overlayfs - - high low
	mkdir -m 777 open
	KEPT=$T/open same_as_fuse_overlayfs - - high low
	is "$(ls -A open)" "" "a side layer where others may write"
}

test_layers_on_a_file_system_without_birth_times() {
	two_layers
	mkdir squash
	mksquashfs high high.squashfs -quiet -no-progress >/dev/null
	mount -o loop high.squashfs squash
	KEPT=$T/other shown - - high low
	look mnt >wanted
	gone
	shown - - squash low
	look mnt | diff wanted -
	gone
	unmount squash
	is "$(ls -A kept)" ""
}

# An upper that fuse-overlayfs wrote where it could make no device nodes.
test_markers_of_an_upper() {
	two_layers
	mkdir -p upper/dir upper/opaque work
	touch upper/.wh.kept-file upper/dir/.wh.kept-file upper/opaque/.wh..wh..opq
	for i in 1 2 3; do
		shown upper work high low
		is "$(names mnt/dir)$(names mnt/opaque)" ""
		[ ! -e mnt/kept-file ]
		inside touch "mnt/written-$i"
		gone
	done
	is "$(find upper -name 'written-*' | wc -l)" 3
	# It is never kept: what is in it changes.
	rm upper/.wh.kept-file
	shown upper work high low
	is "$(cat mnt/kept-file)" "low kept-file"
	gone
	touch upper/.wh..wh..opq
	shown upper work high low
	is "$(names mnt)" "dir opaque written-1 written-2 written-3 "
	gone
}

# rewritten DIR: by the container's root
rewritten() {
	# shellcheck disable=SC2016 # for that shell
	inside sh -euc '
		cd "$0"
		# Nothing is seen in these; the markers in them are no reason to stay.
		rmdir replaced/new
		rm replaced/file
		rmdir replaced
		[ ! -e replaced ]
		mkdir replaced empty
		[ -z "$(ls -A replaced)" ]
		rm -r opaque/*
		mv -T empty opaque
		echo again >file
		rm file
		echo again >gone
		rm -r dir
		mkdir dir
		touch dir/f
		! rmdir dir 2>/dev/null' "$1"
}

test_deleted_and_made_again() {
	two_layers
	mkdir upper work upper2 work2
	shown upper work high low
	rewritten mnt
	look mnt >written
	gone
	shown upper work high low
	look mnt | diff written -
	gone
	fuse_overlayfs "lowerdir=high:low,upperdir=upper2,workdir=work2" fo
	rewritten fo
	look fo | diff written -
	unmount fo
	# What it left has markers of its own.
	has "$(find upper2 -name '.wh.*')" /.wh..wh..opq
	shown upper2 work2 high low
	look mnt | diff written -
	gone
}

# shellcheck disable=SC2086 # words
test_names_of_markers_are_no_names() {
	local way
	mkdir source mnt
	echo secret >source/.wh.file
	touch source/f
	mkdir u w
	timeout 10 "$SHIFTER" -o "lowerdir=source,upperdir=u,workdir=w,uidmapping=$MAP,gidmapping=$MAP" mnt
	is "$(ls -A mnt)" f
	is "$(cat mnt/.wh.file 2>&1)" "cat: mnt/.wh.file: No such file or directory"
	for way in 'touch mnt/.wh.f' 'mkdir mnt/.wh.f' 'ln mnt/f mnt/.wh.f' 'ln -s f mnt/.wh.f' \
		'mv mnt/f mnt/.wh.f' 'mknod mnt/.wh.f p'; do
		# "mv" has words of its own for EINVAL.
		has "$(inside $way 2>&1)" '(Invalid argument|to a subdirectory of itself.*)$'
	done
	is "$(names source)$(names u)" ".wh.file f "
	unmount mnt
	# A directory that is nobody's layer may have what names it likes.
	shifted source mnt
	is "$(cat mnt/.wh.file)" secret
	inside mkdir mnt/.wh.dir
	is "$(names mnt)" ".wh.dir .wh.file f "
	unmount mnt
}
