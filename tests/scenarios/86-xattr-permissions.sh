# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Owners and modes in an extended attribute of each file (xattr_permissions), as fuse-overlayfs and
# containers/storage (force_mask) keep them.
# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

MAPS=uidmapping=$MAP,gidmapping=$MAP
SECURITY=security.fuseoverlayfs.override_stat
CONTAINERS=user.containers.override_stat
USER_OLD=user.fuseoverlayfs.override_stat

# program MNT OPTIONS: as an engine calls it
program() {
	mkdir -p "$1"
	timeout 20 "$SHIFTER" -o "$MAPS,$2" "$1"
}

overlay_of() {
	mkdir -p lower u w
	OPT=lowerdir=lower,upperdir=u,workdir=w
}

# attribute NAME FILE...: each file's, without a name
attribute() {
	getfattr -h --absolute-names --only-values -n "$@"
}

# The calls of "ops", against an idmapped mount of the same tree on a file system without ACLs: the
# attributes are instead of the inodes, and to the caller there is no difference. Afterwards a mount
# that shifts nothing shows what the other tree has in its inodes, file capabilities included.
# Of an ACL that cannot be, the kernel itself answers for a FUSE mount.
as_kernel() {
	local options=$4
	truncate -s 300M image && mkfs.btrfs -q image >/dev/null 2>&1
	mkdir fs view
	mount -o loop,noacl image fs
	ON=$T/fs
	SAME="$SAME;"'/posix_acl/d; /"f", DEFAULT/d'
	same_as_kernel "$@"
	"$SHIFTER" fs/lower view -o "uidmapping=0:0:100000,gidmapping=0:0:100000,ro,${options%%,*}"
	on_disk view >shifter.disk
	no_difference kernel.disk shifter.disk
	unmount view fs
}

# fs.sh's makes the trees alike: none has an ACL.
setfacl() {
	:
}

same_result() {
	has "$(cat kernel.out)" 'ended with 0'
	no_difference kernel.out shifter.out
	# In the inodes of what was made there is nothing of it.
	is "$(find "$ON/lower" -mindepth 2 -maxdepth 2 -type f -name f ! -uid 0)" ''
}

test_as_the_kernel_does_for_container_root() {
	as_kernel 0 0 "$MAP" xattr_permissions=2 inside
}

test_as_the_kernel_does_in_security_attributes() {
	as_kernel 0 0 "$MAP" xattr_permissions=1,cache=never inside
}

test_as_the_kernel_does_for_a_user() {
	as_kernel 1000 100000 "$MAP" xattr_permissions=2 as 101000
}

test_as_the_kernel_does_for_mapped_root_without_capabilities() {
	as_kernel 0 100000 "$MAP" xattr_permissions=2,cache=always as 100000
}

test_as_the_kernel_does_for_an_unmapped_user() {
	SAME='s/EOVERFLOW\|EACCES\|EPERM/refused/; /empty_chown("pre/d'
	as_kernel 0 100000 "$MAP" xattr_permissions=2 as 99999
}

# What lies on disk is the server's, with one mode for all, and means the same under another mapping.
in_attributes() {
	local option=$1 name=$2
	overlay_of
	echo lower >lower/file && chown 3:4 lower/file && chmod 640 lower/file
	program mnt "$OPT,xattr_permissions=$option"
	inside sh -ec 'cd "$1"; umask 027; mkdir dir; echo 1 >dir/new; chmod 4711 dir/new; chown 7:8 dir/new
		chmod 2770 dir; chown :5 dir; mkdir dir/sub; echo 2 >dir/sub/new
		echo more >>file; chown 9 file; ln dir/new hard; mkfifo pipe; chown 6:6 pipe' - mnt
	unmount mnt
	is "$(cd u && stat -c '%n %u:%g %a' dir dir/new dir/sub dir/sub/new)" \
		$'dir 0:0 755\ndir/new 0:0 755\ndir/sub 0:0 755\ndir/sub/new 0:0 755'
	for f in dir=0:5:2770 dir/new=7:8:711 dir/sub=0:5:2750 dir/sub/new=0:5:640 file=9:4:640 hard=7:8:711; do
		is "$f $(attribute "$name" "u/${f%=*}")" "$f ${f#*=}"
	done
	is "$(attribute "$name" u)" 0:0:755
	timeout 20 "$SHIFTER" -o "$OPT,xattr_permissions=$option,uidmapping=0:110000:10,gidmapping=0:110000:10" mnt
	is "$(cd mnt && stat -c '%n %u:%g %a' dir/new dir/sub/new file hard pipe)" $'dir/new 110007:110008 711
dir/sub/new 110000:110005 640\nfile 110009:110004 640\nhard 110007:110008 711\npipe 110006:110006 640'
	# The way in which it was begun is gone on with.
	unmount mnt
	program mnt "$OPT"
	is "$(stat -c '%u:%g %a' mnt/dir/new)" '100007:100008 711'
	unmount mnt
}

test_kept_in_security_attributes() {
	in_attributes 1 $SECURITY
}

test_kept_in_user_attributes() {
	in_attributes 2 $CONTAINERS
}

# What containers/storage and older versions of fuse-overlayfs wrote is read without being asked for.
test_layers_that_have_attributes() {
	mkdir -p new old plain/dir mnt
	for f in a b c d e f g; do
		echo $f >new/$f && chmod 755 new/$f
	done
	setfattr -n $CONTAINERS -v 0:0:0755:dir new
	setfattr -n $CONTAINERS -v 5:6:04711:file new/a
	setfattr -n $CONTAINERS -v 0:0:0660:char-1-3 new/b
	setfattr -n $CONTAINERS -v 0:0:0600:block-8-1 new/c
	setfattr -n $CONTAINERS -v 0:0:0622:pipe new/d
	setfattr -n $CONTAINERS -v 1:1:100644 new/e
	setfattr -n $CONTAINERS -v 70000:-1:644 new/f
	mkdir old/dir && echo x | tee old/x >plain/dir/y
	setfattr -n $USER_OLD -v 0:0:555 old
	setfattr -n $USER_OLD -v 1:2:600 old/x
	chown 3:3 plain/dir/y
	program mnt lowerdir=new:old:plain
	is "$(cd mnt && stat -c '%n %u:%g %a %F %t,%T' a b c d e f g x dir/y)" $'a 100005:100006 4711 regular file 0,0
b 100000:100000 660 character special file 1,3
c 100000:100000 600 block special file 8,1
d 100000:100000 622 fifo 0,0
e 100001:100001 644 regular file 0,0
f 65534:65534 644 regular file 0,0
g 100000:100000 755 regular file 0,0
x 100001:100002 600 regular file 0,0
dir/y 100003:100003 644 regular file 0,0'
	is "$(find mnt -type c -o -type b -o -type p | sort)" $'mnt/b\nmnt/c\nmnt/d'
	has "$(inside head -c 1 mnt/b 2>&1 || :)" 'Permission denied'
	unmount mnt
}

# A directory of somebody's own, as an engine may put below a container (podman's :O).
test_layers_of_somebody_else() {
	local v

	mkdir home
	touch home/f
	setfattr -n $CONTAINERS -v 0:0:755 home
	setfattr -n $CONTAINERS -v 0:0:4755 home/f
	chown -R 1000:1000 home
	program mnt lowerdir=home
	is "$(stat -c '%u %a' mnt/f)" '101000 644'
	unmount mnt
	# A root of ours says how the server's files are to be read, and nothing of anybody else's.
	chown 0 home
	program mnt lowerdir=home
	is "$(stat -c '%u %a' mnt/f)" '101000 644'
	unmount mnt
	mkdir base u w
	touch base/g
	setfattr -n $CONTAINERS -v 0:0:755 base
	setfattr -n $CONTAINERS -v 5:5:600 base/g
	chown 1000 home
	for v in lowerdir=home:base lowerdir=home:base,upperdir=u,workdir=w \
		lowerdir=home,upperdir=u,workdir=w,xattr_permissions=2 lowerdir=base,upperdir=home,workdir=w; do
		rm -rf u w && mkdir u w
		program mnt "$v"
		is "$v: $(stat -c '%u %a' mnt/f)" "$v: 101000 644"
		[ ! -e mnt/g ] || is "$(stat -c '%u %a' mnt/g)" '100005 600'
		unmount mnt
	done
	# Nor does what lies below a directory.
	mkdir -p tree/sub
	mount --bind home tree/sub
	timeout 20 "$SHIFTER" tree mnt -o "$MAPS,xattr_permissions=2"
	is "$(stat -c '%u %a' mnt/sub/f)" '101000 644'
	unmount mnt tree/sub
	# Where the administrator asks for it over somebody's directory, that user is believed, as over an export that takes
	# root for nobody; and it is said.
	program mnt lowerdir=home,xattr_permissions=2 2>err
	is "$(stat -c '%u %a' mnt/f)" '100000 4755'
	has "$(cat err)" 'warning: xattr_permissions=2 over a directory of uid 1000'
	unmount mnt
}

# An attribute that says nothing is not an owner: neither the inode's nor anybody's.
test_broken_attributes() {
	mkdir -p lower/dir mnt
	setfattr -n $CONTAINERS -v 0:0:755 lower
	local n=0 v
	for v in '' 0 0:0 0:0: 0:0:9 --1:0:755 0:-:755 0:-2147483649:755 0:0:1777777 4294967296:0:755 0:0:755:dir 0:0:755:door \
		0:0:755:char 0:0:755:char-1 0:0:755:char-1-x 0:0:755:filename 0:0:755x ' 0:0:755' \
		"0:0:755$(printf '%060d' 0)"; do
		n=$((n + 1))
		touch "lower/$n" && setfattr -n $CONTAINERS -v "$v" "lower/$n"
	done
	setfattr -n $CONTAINERS -v 0:0:755:file lower/dir
	program mnt lowerdir=lower
	for v in $(seq $n) dir; do
		has "$v $(stat "mnt/$v" 2>&1 || :)" 'Invalid argument'
	done
	is "$(find mnt -mindepth 1 -maxdepth 1 -printf "x\n" | wc -l)" $((n + 1))
	unmount mnt
}

# Who owns a file may set user.* of it, and would be somebody else by that.
test_attributes_are_not_the_containers() {
	overlay_of
	program mnt "$OPT,xattr_permissions=2"
	inside sh -ec 'cd "$1"; touch f; chown 1000:1000 f; mkdir d; chown 1000:1000 d' - mnt
	local name
	for name in $CONTAINERS $SECURITY $USER_OLD user.containers.override_security.capability; do
		has "$(as 101000 setfattr -n "$name" -v 0:0:4755 mnt/f 2>&1 || :)" 'not supported|not permitted'
		has "$(setfattr -n "$name" -v 0:0:4755 mnt/f 2>&1 || :)" 'not supported'
		has "$(setfattr -x "$name" mnt/f 2>&1 || :)" 'not supported'
		has "$(inside getfattr -n "$name" mnt/f 2>&1 || :)" 'not supported'
	done
	is "$(inside getfattr -d -m - mnt/f mnt/d)" ''
	is "$(stat -c '%u %a' mnt/f) $(attribute $CONTAINERS u/f)" '101000 644 1000:1000:644'
	as 101000 setfattr -n user.other -v x mnt/f
	is "$(attribute user.other u/f)" x
	unmount mnt
}

# The bits that are in the attribute go with what takes them from an inode.
test_set_id_bits_and_capabilities() {
	overlay_of
	local how
	program mnt "$OPT,xattr_permissions=2"
	for how in 'echo x >>f' 'truncate -s 3 f' ': >f' 'dd if=/dev/zero of=f bs=1 count=1 conv=notrunc' \
		'fallocate -l 10 f' 'dd if=lower/big of=f bs=64k conv=notrunc'; do
		inside sh -ec 'cd "$1"; rm -f f; echo 1 >f; chmod 6777 f; setcap cap_net_raw+ep f' - mnt
		is "$(stat -c %a mnt/f) $(inside getcap mnt/f)" '6777 mnt/f cap_net_raw=ep'
		head -c 100000 /dev/zero >big
		as 101000 sh -c "cd mnt && ${how/lower/..} 2>/dev/null"
		is "$how: $(stat -c %a mnt/f) $(inside getcap mnt/f) $(attribute $CONTAINERS u/f)" "$how: 777  0:0:777"
	done
	inside sh -ec 'cd "$1"; chmod 6755 f; chown 1:1 f' - mnt
	is "$(stat -c '%u %a' mnt/f)" '100001 755'
	unmount mnt
}

test_roots_own_write_leaves_set_id_bits() {
	overlay_of
	program mnt "$OPT,xattr_permissions=2"
	touch mnt/f && chmod 6755 mnt/f && echo x >>mnt/f
	is "$(stat -c %a mnt/f)" 6755
	chmod 6757 mnt/f
	as 101000 sh -c 'echo x >>mnt/f'
	is "$(stat -c %a mnt/f)" 757
	unmount mnt
}

# A program is run as the owner that the attribute says, and with its capabilities.
test_programs_with_rights() {
	overlay_of
	cp "$(command -v id)" "$(command -v getpcaps)" lower/
	program mnt "$OPT,xattr_permissions=2"
	inside sh -ec 'cd "$1"; chown 7:7 id; chmod 4755 id; setcap cap_net_raw+ep getpcaps' - mnt
	is "$(as 101000 mnt/id -u)" 100007
	is "$(inside getfattr -d -m - -e hex mnt/getpcaps | grep -c security.capability)" 1
	has "$(getfattr -d -m - u/getpcaps)" 'user.containers.override_security.capability'
	has "$(timeout 60 "$(tool userns)" run "$MAP" setpriv --reuid 1000 --clear-groups mnt/getpcaps 0 2>&1 || :)" .
	inside setfattr -x security.capability mnt/getpcaps
	is "$(getfattr -d -m capability u/getpcaps)" ''
	unmount mnt
}

# An upper is gone on with as it was begun, or not at all, and is left as it is by a refusal.
test_uppers_begun_otherwise() {
	overlay_of
	program mnt "$OPT"
	inside touch mnt/f
	# The container's root has its own idea of it: the mark alone counts.
	inside setfattr -n $CONTAINERS -v 5:5:700 mnt
	inside setfattr -n $CONTAINERS -v 5:5:700 mnt/f
	unmount mnt
	refused_alike "$OPT,xattr_permissions=2" "the upper .*u has its owners and modes in its inodes, and they are asked for in $CONTAINERS"
	program mnt "$OPT"
	is "$(stat -c '%u %a' mnt mnt/f)" $'100000 755\n100000 644'
	unmount mnt
	rm -r u w && mkdir u w
	program mnt "$OPT,xattr_permissions=1"
	unmount mnt
	refused_alike "$OPT,xattr_permissions=2" "the upper .*u has its owners and modes in $SECURITY, and .* in $CONTAINERS"
	# Files that nobody has told how they were written.
	rm -r u w && mkdir u w && touch u/f
	refused_alike "$OPT,xattr_permissions=2" "the upper .*u has its owners and modes in its inodes"
	setfattr -n $USER_OLD -v 0:0:700 u
	program mnt "$OPT,xattr_permissions=2"
	is "$(stat -c %a mnt) $(inside touch mnt/g && attribute $USER_OLD u/g)" '700 0:0:644'
	unmount mnt
	has "$(program mnt "$OPT,xattr_permissions=3" 2>&1 || :)" 'xattr_permissions=3: expected 0, 1 or 2'
}

refused_alike() {
	local before
	before=$(on_disk u)
	has "$(program mnt "$1" 2>&1 || :)" "$2"
	is "$(on_disk u)" "$before"
}

# A hook's upper is in inodes, and the hook does not take one that is not.
test_a_root_without_layers() {
	mkdir tree mnt
	program_of_source() {
		timeout 20 "$SHIFTER" tree mnt -o "$MAPS,$1"
	}
	echo 1 >tree/f && chown 5:5 tree/f
	program_of_source xattr_permissions=2
	inside sh -c 'chown 6 mnt/f; chmod 600 mnt/f; echo 2 >mnt/g'
	is "$(stat -c '%u:%g %a' mnt/f)" '100006:100005 600'
	unmount mnt
	is "$(stat -c '%u:%g %a' tree/f tree/g)" $'0:5 644\n0:0 755'
	# Without the option there is no such thing, whatever a container has put there.
	program_of_source ro
	is "$(stat -c '%u:%g %a' mnt/f)" '100000:100005 644'
	unmount mnt
	program_of_source ro,xattr_permissions=2
	is "$(stat -c '%u:%g %a' mnt/f)" '100006:100005 600'
	unmount mnt
}

# Turn by turn over one upper, which the real one has begun: each shows what the other one wrote as
# that showed it. Before 1.14 the real one fails at files without the attribute, as copies that the
# kernel made have none, and is asked only for what it writes. An origin of the upper's root, which
# the kernel has for its index, it takes for the end of the layers (docs/engines.md).
test_same_as_fuse_overlayfs() {
	local real option reads_ours=
	real=$(cd "$REPO" && bench/programs)
	[[ $("$real" --version 2>&1) =~ version\ 1\.(1[4-9]|[2-9]) ]] && reads_ours=y
	for option in 1 2; do
		OPT=$MAPS,side_layers=$T/side,lowerdir=l1:l2,upperdir=u,workdir=w,xattr_permissions=$option
		mkdir -p l1 l2/dir u mnt
		echo 2 | tee l2/{a,b,c,d} >l2/dir/x
		chown 3:4 l2/c
		turn "$real" :
		turn "$SHIFTER" 'rm a; echo 3 >>c; mkdir new; touch new/f; chmod 640 new/f; chown 9:9 new/f b
			mkdir -m 700 private; chown 5:6 private; echo 4 >private/f; chmod 4711 b'
		cp seen written
		[ -z "$reads_ours" ] || turn "$real" :
		no_difference written seen
		[ "$reads_ours" ] || rm -rf u/{c,new,private,b,.wh.a,a}
		turn "$real" 'touch by; chmod 604 by; chown 8 by; mkdir more; chown 7:7 more; rm d; echo 5 >>dir/x'
		cp seen written
		turn "$SHIFTER" :
		no_difference written seen
		rm -r l1 l2 u w mnt
	done
}

# turn PROGRAM SCRIPT: runs it in a mount, and leaves in "seen" what is there then
turn() {
	rm -rf w && mkdir w
	setfattr -x trusted.overlay.origin u 2>/dev/null || :
	"$1" -o "$OPT" mnt 2>/dev/null
	inside sh -ec "cd \"\$1\"; $2" - mnt
	(cd mnt && find . ! -name . -printf '%P %y %m %U:%G %s %l\n' | sort) >seen
	unmount mnt
	wait_for server_is_gone
}

server_is_gone() {
	[ -z "$(processes_left)" ]
}
