# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The kernel looks who may by what it was told last, and of a file that is open it does not ask again. Where a file changes by
# another of its names, by another mount or on the host, the server has to look itself.
# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

MAPS=uidmapping=$MAP,gidmapping=$MAP,timeout=0.2

# layered MNT [OPTION]: over an upper whose names of one file are nodes of their own, since it has an AUFS marker
layered() {
	mkdir -p lower u w "$1"
	touch u/.wh.gone
	case ${2-} in
	xattr_permissions=1) setfattr -n security.fuseoverlayfs.override_stat -v 0:0:755 u ;;
	xattr_permissions=2) setfattr -n user.containers.override_stat -v 0:0:755 u ;;
	esac
	timeout 20 "$SHIFTER" -o "$MAPS,lowerdir=lower,upperdir=u,workdir=w${2:+,$2}" "$1"
}

held() {
	timeout 60 python3 "$REPO/tests/scenarios/held.py" "$@"
}

as_user() {
	setpriv --reuid 101000 --regid 101000 --clear-groups "$@"
}

# A file of the user's with two names, f and g.
two_names() {
	inside sh -c 'rm -rf "$1/d" && mkdir "$1/d" && echo old >"$1/d/f" && ln "$1/d/f" "$1/d/g" && chown -R 1000:1000 "$1/d"' - "$1"
}

is_roots() {
	is "$1: $(stat -c '%u:%g %a %Y' "$2" | awk '{print $1, $2, ($3 > 5)}') $(getfacl -cn --skip-base "$2")" \
		"$1: 100000:100000 644 1 "
}

# What a user who has lost his file does to it as its owner, and what others may do is left.
owner_of_old() {
	local action
	for action in chmod chgrp acl times; do
		two_names "$1"
		is "$action: $(held $action "$2/d/g" "$3/d/f")" "$action: EPERM"
		is_roots "$action" "$2/d/f"
	done
	two_names "$1"
	is "$(held now "$2/d/g" "$3/d/f")" 'done'
}

test_owner_of_old_by_another_name() {
	layered mnt
	owner_of_old mnt mnt mnt
	unmount mnt
}

test_owner_of_old_by_another_name_in_attributes() {
	local action
	layered mnt xattr_permissions=2
	for action in chmod chgrp times; do
		two_names mnt
		is "$action: $(held $action mnt/d/g mnt/d/f)" "$action: EPERM"
		is_roots "$action" mnt/d/f
	done
	unmount mnt
}

test_owner_of_old_by_another_mount() {
	mkdir tree a b
	timeout 20 "$SHIFTER" tree a -o "$MAPS"
	timeout 20 "$SHIFTER" tree b -o "$MAPS"
	owner_of_old a a b
	unmount a b
}

# The owner, one who has CAP_FOWNER, and the container's root go on as ever.
test_owners_of_now() {
	local options
	mkdir tree mnt
	for options in '' xattr_permissions=2; do
		timeout 20 "$SHIFTER" tree mnt -o "$MAPS${options:+,$options}"
		inside sh -c 'rm -f mnt/f && echo 1 >mnt/f && chown 1000:1000 mnt/f'
		as_user sh -c 'chmod 4751 mnt/f && touch -d @7 mnt/f'
		is "$(stat -c '%a %Y' mnt/f)" '4751 7'
		setpriv --reuid 102000 --regid 102000 --clear-groups sh -c '! chmod 777 mnt/f' 2>/dev/null
		setpriv --reuid 102000 --regid 102000 --clear-groups --inh-caps +fowner --ambient-caps +fowner \
			sh -c 'chmod 775 mnt/f && touch -d @8 mnt/f'
		is "$(stat -c '%a %Y' mnt/f)" '775 8'
		inside sh -c 'chown 5 mnt/f && chmod 600 mnt/f && touch -d @9 mnt/f'
		is "$(stat -c '%u %a %Y' mnt/f)" '100005 600 9'
		as_user sh -c '! echo >mnt/f' 2>/dev/null
		unmount mnt
	done
}

# What a user writes to a file that has become a program with root's rights is no such program.
test_content_by_another_name() {
	local action option
	for option in '' xattr_permissions=2 xattr_permissions=1; do
		layered mnt "$option"
		for action in write truncate allocate; do
			two_names mnt
			is "$(held $action mnt/d/g mnt/d/f 04755)" 'done'
			is "$option $action: $(stat -c '%u %a' mnt/d/f)" "$option $action: 100000 755"
			two_names mnt
			is "$(held $action mnt/d/g mnt/d/f cap)" 'done'
			is "$option $action: $(getcap mnt/d/f)" "$option $action: "
		done
		unmount mnt
		rm -rf u
	done
}

# By one of its names the user has changed a program, by the other it is as the kernel knows it.
test_mode_by_another_name() {
	layered mnt
	two_names mnt
	cp "$(command -v id)" mnt/d/f
	chown 100000 mnt/d/f && chmod 4777 mnt/d/f
	is "$(as_user sh -c 'mnt/d/f -u; printf x >>mnt/d/g; mnt/d/f -u')" $'100000\n101000'
	unmount mnt
}

# chown(2) and a truncating open(2) are not one after the other to the kernel.
test_no_change_is_lost() {
	mkdir tree mnt
	timeout 20 "$SHIFTER" tree mnt -o "$MAPS,xattr_permissions=2,cache=never"
	inside sh -c 'touch mnt/f && chown 1000 mnt/f'
	timeout 60 python3 - <<-'END'
		import os, sys, time
		end = time.time() + 4
		child = os.fork()
		if child == 0:
		    os.setresuid(101000, 101000, 101000)
		    while time.time() < end:
		        try:
		            os.chmod("mnt/f", 0o6777)
		        except PermissionError:
		            pass
		        os.close(os.open("mnt/f", os.O_WRONLY | os.O_TRUNC))
		    os._exit(0)
		lost = 0
		while time.time() < end:
		    os.chown("mnt/f", 100000, -1)
		    lost += os.stat("mnt/f").st_uid != 100000
		    os.chmod("mnt/f", 0o666)
		    os.chown("mnt/f", 101000, -1)
		os.waitpid(child, 0)
		sys.exit(f"{lost} times lost" if lost else 0)
	END
	unmount mnt
}

# over_other_attributes MNT: a program in a layer, that its attribute makes one, below an upper with attributes by another name
over_other_attributes() {
	mkdir -p lower u w "$1"
	echo old >lower/f
	setfattr -n user.containers.override_stat -v 0:0:755 lower
	setfattr -n user.containers.override_stat -v 0:0:4777 lower/f
	timeout 20 "$SHIFTER" -o "$MAPS,lowerdir=lower,upperdir=u,workdir=w,xattr_permissions=1" "$1"
}

# Where the bits of a program cannot be taken (no room for a longer attribute), its content stays too.
test_content_stays_where_bits_do() {
	over_other_attributes mnt
	as_user python3 - <<-'END'
		import os
		for size in (1000, 100, 10, 1):
		    for n in range(1000):
		        try:
		            os.setxattr("mnt/f", f"user.{size}.{n}", b"x" * size)
		        except OSError:
		            break
	END
	has "$(as_user sh -c 'echo new >mnt/f' 2>&1 || :)" 'No space left'
	has "$(as_user sh -c 'echo new >>mnt/f' 2>&1 || :)" 'No space left|I/O error'
	is "$(stat -c %a mnt/f) $(cat mnt/f)" '4777 old'
	unmount mnt
}

# An attribute by another name, which a layer has, would say what held before where that name is asked for.
test_what_was_said_before_is_gone() {
	over_other_attributes mnt
	inside sh -c 'chown 5 mnt/f; chmod 600 mnt/f'
	unmount mnt
	is "$(getfattr --absolute-names -dm override u/f | grep -v '^#' | xargs)" 'security.fuseoverlayfs.override_stat=5:0:600'
}

# Of what can have no attribute, in directories whose inodes say something else than their attributes.
test_special_files_by_what_is_shown() {
	mkdir -p lower/{d,e,acl} u w mnt
	chown 0:50 lower/{d,e} && chmod 2777 lower/{d,e} && chmod 777 lower/acl
	setfacl -dm u::rwx,u:77:rwx,g::rwx,o::rwx lower/acl
	timeout 20 "$SHIFTER" -o "$MAPS,lowerdir=lower,upperdir=u,workdir=w,xattr_permissions=2" mnt
	inside sh -c 'chown :60 mnt/d; chmod 2777 mnt/d; chmod g-s mnt/e'
	as_user sh -c 'umask 027; cd mnt; for d in d e acl; do mkfifo $d/p; ln -s x $d/l; done'
	is "$(stat -c '%u:%g %a' mnt/d/p mnt/e/p mnt/acl/p)" $'101000:100060 640\n101000:101000 640\n101000:101000 640'
	is "$(stat -c '%u:%g' mnt/d/l mnt/e/l mnt/acl/l)" $'101000:100060\n101000:101000\n101000:101000'
	unmount mnt
}
