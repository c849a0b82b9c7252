# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What operators of fuse-overlayfs do with it that engines do not: by hand, with a service manager, and to an upper that is not
# mounted.
# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

MAPS=uidmapping=$MAP,gidmapping=$MAP

program() {
	timeout 20 "$SHIFTER" "$@"
}

tree() {
	mkdir -p lower/d u w mnt
	echo orig >lower/a
	echo orig >lower/d/e
	OPT=$MAPS,lowerdir=lower,upperdir=u,workdir=w
}

# Without an upper nothing is written, to one layer as little as to several.
test_layers_alone_are_read_only() {
	local layers
	tree
	mkdir -p d
	for layers in lower lower:d; do
		program -o "$MAPS,lowerdir=$layers" mnt
		has "$(inside sh -c 'touch mnt/new; rm mnt/a' 2>&1 || :)" 'Read-only'
		unmount mnt
	done
	is "$(ls lower)" $'a\nd'
}

# again TITLE CHANGE OFFLINE LOOK SEEN: what is changed in the mount, then in the upper while it is not mounted, and what is seen
# in the next mount
again() {
	rm -rf lower u w
	tree
	if [ "${6-}" ]; then ln lower/a "lower/$6"; fi
	program -o "$OPT" mnt
	inside sh -ec "cd mnt; $2"
	unmount mnt
	sh -ec "$3"
	program -o "$OPT" mnt
	is "$1: $(inside sh -c "cd mnt; $4" 2>&1 | xargs)" "$1: $5"
	unmount mnt
}

test_upper_that_is_changed_while_it_is_not_mounted() {
	again 'a copy goes' 'echo up >>a' 'rm u/a' 'cat a; rm a; ls' 'orig d'
	again 'a whiteout goes' 'rm a' 'rm u/a' 'cat a; echo new >a; cat a' 'orig new'
	again 'a directory goes' 'echo up >>d/e' 'rm -r u/d' 'cat d/e; rm -r d; ls' 'orig a'
	again 'a changed directory goes' 'chmod 700 d' 'rm -r u/d' 'stat -c %a d; cat d/e' '755 orig'
	again 'the whiteout of a directory goes' 'rm -r d' 'rm u/d' 'cat d/e' orig
	again 'all goes' 'touch d/n; echo up >>d/e' 'rm -rf u/*' 'cat d/e; ls d' 'orig e'
	# A file that was copied up is one with what it was copied from, whatever it is called now.
	again 'a directory moves' 'echo up >>d/e' 'mv u/d u/d2' 'cat d/e d2/e' 'orig up orig up'
	again 'the upper is new' 'echo up >>a' 'rm -r u; mkdir u' 'cat a' orig
	again 'the upper is put back' 'echo up >>a' 'cp -a u copy; rm -r u; mv copy u' 'cat a' 'orig up'
	# What the work directory keeps for names of one file stays.
	again 'two names' 'echo up >>a' : 'cat a b; stat -c %h a' 'orig up orig up 2' b
	again 'one name of two' 'echo up >>a; rm a' : 'cat b; ls' 'orig up b d' b
}

# A server ends some time after its mount, and has its upper open until then.
test_upper_that_is_new_while_the_old_one_is_open() {
	tree
	program -o "$OPT" mnt
	inside sh -c 'echo up >>mnt/a'
	unmount mnt
	exec 8<u
	rm -r u
	mkdir u
	program -o "$OPT" mnt
	is "$(cat mnt/a)" orig
	exec 8<&-
	unmount mnt
}

# Nothing is lost as long as the machine runs; after that it may be, and somebody has to say that it does not matter.
test_volatile_again() {
	tree
	program -o "$OPT,volatile" mnt
	inside sh -c 'echo 1 >>mnt/a'
	unmount mnt
	program -o "$OPT,volatile" mnt
	inside sh -c 'echo 2 >>mnt/a'
	unmount mnt
	program -o "$OPT" mnt
	is "$(xargs <mnt/a)" 'orig 1 2'
	unmount mnt
	program -o "$OPT,volatile" mnt
	unmount mnt
	setfattr -n trusted.oci-shift.volatile -v 01234567-89ab-cdef-0123-456789abcdef w
	has "$(program -o "$OPT" mnt 2>&1 || :)" 'was mounted volatile, and the machine has been started anew since: .*remove .*/w/work/incompat'
	rm -r w/work/incompat
	program -o "$OPT" mnt
	unmount mnt
}

no_mount() {
	! grep -q " $T/mnt " /proc/self/mountinfo
}

# Ctrl-C, or the end of a service.
test_signal_in_the_foreground() {
	local signal pid
	tree
	for signal in INT TERM HUP; do
		# As from a terminal: a background job of this shell would ignore SIGINT.
		env --default-signal=INT "$SHIFTER" -f -o "$OPT" mnt &
		pid=$!
		wait_for test -e mnt/a
		kill -$signal $pid
		wait $pid || :
		wait_for no_mount
		is "$signal: $(ls mnt)" "$signal: "
	done
	# The next one can have the upper at once. One that was unmounted leaves nobody waiting.
	"$SHIFTER" -f -o "$OPT" mnt &
	pid=$!
	wait_for test -e mnt/a
	umount mnt
	wait $pid
	wait_for no_servers
}

no_servers() {
	[ -z "$(processes_left)" ]
}

test_ways_to_say_it() {
	tree
	ln -s mnt link
	program -o "$OPT" link
	is "$(cat mnt/a)" orig
	umount mnt
	# Empty variables between the colons, and a layer twice.
	program -o "$MAPS,lowerdir=:lower::lower:" mnt
	is "$(cat mnt/a)" orig
	umount mnt
	program -x --what -o "$OPT" mnt 2>err
	is "$(cat err)" $'oci-shifter: warning: unknown option -x ignored\noci-shifter: warning: unknown option --what ignored'
	umount mnt
	has "$(program -o "$MAPS,lowerdir=lower/d:lower,upperdir=lower,workdir=w" mnt 2>&1 || :)" 'are one directory, or lie in each other'
	# mount(8) does all but the mount with -f.
	ln -s "$SHIFTER" mount.fuse.oci-shifter
	timeout 10 ./mount.fuse.oci-shifter lower mnt -f -o "$MAPS"
	is "$(ls mnt)" ''
}

# Neither is one that says EPERM and no more: who has no root needs a namespace.
test_plain_user() {
	local o
	tree
	chmod 755 .
	chown -R 1000:1000 lower u w mnt
	for o in lowerdir=lower lowerdir=lower:u lowerdir=lower,upperdir=u,workdir=w; do
		has "$(setpriv --reuid 1000 --regid 1000 --clear-groups "$SHIFTER" -o $o mnt 2>&1 || :)" 'it takes root, or a user namespace'
	done
}

# A merged root as a layer of another: one more server between them.
test_merged_roots_are_layers() {
	tree
	mkdir top one two all u2 w2
	echo top >top/t
	program -o lowerdir=top:lower one
	program -o "lowerdir=lower,upperdir=u,workdir=w" two
	echo changed >two/a
	program -o lowerdir=one:two all
	is "$(cat all/t all/a all/d/e | xargs)" 'top orig orig'
	umount all
	program -o "$MAPS,lowerdir=two,upperdir=u2,workdir=w2" all
	is "$(cat all/a) $(stat -c %u all/a)" 'changed 100000'
	inside sh -c 'echo more >>all/a; chown 5 all/a; rm -r all/d'
	is "$(cat two/a) $(xargs <u2/a) $(stat -c %u u2/a)" 'changed changed more 5'
	umount all
	program -o "$MAPS,lowerdir=two,upperdir=u2,workdir=w2" all
	is "$(xargs <all/a) $(ls all)" 'changed more a'
	umount all one two
	wait_for no_servers
}

# What was changed by one name is in the upper by that name, whatever else was looked at: a layer is made of names.
# (close(2) does not wait for the server to be told: until then the file is open by the other name.)
test_a_file_is_copied_up_by_the_name_that_was_used() {
	local name change
	for name in a m z; do
		for change in 'echo more >>$1' 'chmod 600 $1' 'chown 5 $1' 'touch -d @5 $1' 'setfattr -n user.x -v y $1' 'truncate -s 1 $1' \
			'ln $1 new' 'cat z >/dev/null; sleep 0.1; echo more >>$1'; do
			rm -rf lower u w
			tree
			rm -r lower/d && ln lower/a lower/m && ln lower/a lower/z
			program -o "$OPT" mnt
			inside sh -ec 'cd mnt; ls -l >/dev/null; cat a m z >/dev/null; sleep 0.1; set -- "$2" "$1"; eval "$2"' - "$change" $name
			# A new link is a new name too.
			is "$change $name: $(find u -type f ! -name new -printf '%f\n' | xargs)" "$change $name: $name"
			is "$(inside stat -c '%h %s %a %u' mnt/a mnt/m mnt/z | uniq | wc -l)" 1
			unmount mnt
		done
	done
	# Where somebody has it open by another name the kernel writes by that, and there are two.
	rm -rf lower u w
	tree
	ln lower/a lower/z
	program -o "$OPT" mnt
	inside sh -ec 'exec 3<mnt/a; echo more >>mnt/z'
	is "$(xargs <u/z) $(inside stat -c %h mnt/z)" 'orig more 2'
	unmount mnt
}
