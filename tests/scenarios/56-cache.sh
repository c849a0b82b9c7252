# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# alone: it drops the caches, and minds the time
# What others change in the image behind a mount, and when it is seen there: cache=never at once,
# cache=auto after timeout= (1 s), cache=always not at all.

# shellcheck source=tests/scenarios/fs.sh
. "$REPO/tests/scenarios/fs.sh"

image() {
	mkdir lower
	(
		cd lower || exit
		echo old | tee removed data longer replaced >owned
		echo new >other
		chmod 644 ./*
		ln -s old link
		mkdir dir
		touch dir/old
	)
}

change() {
	(
		cd lower || exit
		echo new >added
		rm removed
		echo new | dd of=data conv=notrunc status=none
		echo longer >>longer
		mv other replaced
		chmod 600 owned
		chown 5:6 owned
		ln -sfn new link
		rm dir/old
		touch dir/new
	)
}

# All that the test changes, in words.
seen() {
	(
		cd "$1"
		export LC_ALL=C
		stat -c '%n %s %a %u:%g' added removed data longer replaced owned 2>&1
		cat data longer replaced
		readlink link
		ls dir
	) || true
}

before() {
	echo "stat: cannot statx 'added': No such file or directory
removed 4 644 100000:100000
data 4 644 100000:100000
longer 4 644 100000:100000
replaced 4 644 100000:100000
owned 4 644 100000:100000
old
old
old
old
old"
}

after() {
	echo "added 4 644 100000:100000
stat: cannot statx 'removed': No such file or directory
data 4 644 100000:100000
longer 11 644 100000:100000
replaced 4 644 100000:100000
owned 4 600 100005:100006
new
old
longer
new
new
new"
}

# reader DIR: has the file open and mapped from before; a line on stdin makes it say what it sees.
reader() {
	(cd "$1" && exec python3 -uc '
import mmap, os, sys
fd = os.open("data", os.O_RDONLY)
page = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
for line in sys.stdin:
    print(os.pread(fd, 3, 0).decode(), page[:3].decode())')
}

# How often somebody had the kernel drop its caches (/proc/sys/vm/drop_caches).
drops() {
	awk '/^drop_/ {n += $2} END {print n}' /proc/vmstat
}

test_changes_of_others() {
	local cache drops
	image
	drops=$(drops)
	for cache in never auto always; do
		shifted lower "$cache" "ro,cache=$cache,passthrough=off"
		mkfifo "$cache.ask" "$cache.say"
		reader "$cache" <"$cache.ask" >"$cache.say" &
	done
	exec 4>never.ask 5<never.say 6>auto.ask 7<auto.say 8>always.ask 9<always.say
	echo | tee /dev/fd/4 /dev/fd/6 >&8
	is "$(head -n 1 <&5; head -n 1 <&7; head -n 1 <&9)" $'old old\nold old\nold old'
	for cache in never auto always; do
		is "$(seen "$cache")" "$(before)" "$cache"
	done
	change
	is "$(seen never)" "$(after)" never
	echo >&4
	is "$(head -n 1 <&5)" "new new" "never, open and mapped"
	sleep 1.1
	is "$(seen auto)" "$(after)" auto
	echo >&6
	is "$(head -n 1 <&7)" "new new" "auto, open and mapped"
	# A file that is gone, as "replaced", cannot be opened again once nobody has it: its name is looked
	# up then.
	cache=$(seen always)
	[ "$(drops)" != "$drops" ] || is "$(sed '9s/old/new/' <<<"$cache")" \
		"$(before | sed '9s/old/new/')" always
	echo >&8
	is "$(head -n 1 <&9)" "old old" "always, open and mapped"
	exec 4>&- 5<&- 6>&- 7<&- 8>&- 9<&-
	wait
	unmount never auto always
}

# Data that the kernel takes from the lower itself is the lower's, however long names are kept.
test_data_of_others_by_passthrough() {
	image
	shifted lower always ro,cache=always
	is "$(cat always/data)" old
	exec 4<always/data
	change
	is "$(cat always/data; cat <&4)" $'new\nnew'
	exec 4<&-
	unmount always
}

# How long cache=auto keeps what it has seen is timeout=.
test_timeout() {
	image
	shifted lower short timeout=0.2
	shifted lower long timeout=1000
	seen short >/dev/null
	is "$(seen long)" "$(before)"
	exec 4<long/owned # the kernel may forget what nobody uses
	change
	sleep 0.3
	is "$(seen short)" "$(after)" short
	is "$(seen long | grep owned)" "owned 4 644 100000:100000" long
	exec 4<&-
	unmount short long
}

# Who may do what goes by the same rule: modes, owners and ACLs that others change, of files and of
# directories on the way to them.
test_rights_of_others() {
	local cache
	mkdir -p lower/d
	echo text | tee lower/d/f >lower/f
	chmod 600 lower/f lower/d/f
	chmod 700 lower/d
	chmod 755 lower
	for cache in never auto; do
		shifted lower "$cache" "cache=$cache,timeout=0.3"
	done
	may() { # CACHE: what 101000 can read
		for f in f d/f; do
			as 101000 cat "$1/$f" 2>/dev/null || echo no
		done | tr '\n' ' '
	}
	rights() { # WHAT COMMAND...
		is "$(may never; may auto)" "no no no no " "before $1"
		"${@:2}"
		is "$(may never)" "text text " "$1, never"
		sleep 0.4
		is "$(may auto)" "text text " "$1, auto"
	}
	taken() { # WHAT COMMAND...
		"${@:2}"
		is "$(may never)" "no no " "without $1, never"
		sleep 0.4
		is "$(may auto)" "no no " "without $1, auto"
	}
	rights "an ACL" setfacl -m u:1000:rx lower/f lower/d lower/d/f
	taken "an ACL" setfacl -b lower/f lower/d lower/d/f
	chmod 600 lower/f lower/d/f
	chmod 700 lower/d
	rights "a mode" chmod o+rx lower/f lower/d lower/d/f
	taken "a mode" chmod o-rx lower/f lower/d lower/d/f
	rights "an owner" chown 1000 lower/f lower/d lower/d/f
	taken "an owner" chown 0 lower/f lower/d lower/d/f
	unmount never auto
}
