# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # $ in single quotes is of jq or of a container
# timeout: 240
# One image, and many containers that all write, each under a mapping of its own.

# shellcheck source=tests/scenarios/uppers.sh
. "$REPO/tests/scenarios/uppers.sh"

MANY=${SANITIZE:+5}
MANY=${MANY:-50}

# The image's names, attributes (times but for the access time) and bytes
checksum() {
	tree "$IMAGE"
	(cd "$IMAGE" && find . -type f -print0 | sort -z | xargs -0 sha1sum)
}

id_of() {
	echo "$(container_id)-$1"
}

start_many() { # RUNTIME
	local i
	for ((i = 1; i <= MANY; i++)); do
		upper_bundle "b$i" keep
		map "b$i" "0:$((i * 100000)):65536"
		sh_args "b$i" "echo $i >/etc/mine && echo $i >>/etc/services && rm /etc/issue &&
			mkdir -p /srv/$i/d && ln /etc/mine /srv/$i/d/mine && chown $i:$i /srv/$i &&
			cat /usr/bin/perl | wc -c && exec sleep 1000"
		start "$1" "b$i" "$(id_of $i)"
	done
}

has_written() {
	[ "$(cat "$1/log")" = "$(stat -Lc %s "$IMAGE/usr/bin/perl")" ]
}

# What is in an upper: the container's own, and what the runtime and its mounts made of a root.
written() {
	(cd "uppers/$1/upper" && find . -mindepth 1 ! -path './dev*' -printf '%p %y %U:%G\n' | sort)
}

each_many_containers_that_write() {
	local i root
	checksum >before
	used=$(du -s "$IMAGE" | cut -f1)
	start_many "$1"
	for ((i = 1; i <= MANY; i++)); do
		wait_for has_written "b$i"
		root=$(root_of "$(id_of $i)")
		is "$(cat "$root/etc/mine" "$root/srv/$i/d/mine")" "$i"$'\n'"$i"
		is "$(tail -n 1 "$root/etc/services")" $i
		is "$(cd "$root/srv" && echo *)" $i "what others wrote"
		is "$(stat -c %u:%g "$root/etc/mine" "$root/srv/$i" "$root/etc/services")" \
			"$(printf '%d:%d\n' $((i * 100000)){,} $((i * 100001)){,} $((i * 100000)){,})"
	done
	# Data of the image went by the server: it is in the cache of the image's file, once for all.
	for ((i = 1; i <= MANY; i += 7)); do
		shifter=$(jq .shifter.pid "$STATE/$(id_of $i)/record.json")
		read_by_server=$(sed -n 's/^rchar: //p' "/proc/$shifter/io")
		[ -n "${SANITIZE:-}" ] || [ "$read_by_server" -lt 1000000 ] || fail "copied: $read_by_server bytes"
	done
	for ((i = 1; i <= MANY; i++)); do
		stop "$1" "$(id_of $i)"
		is "$(written "$(id_of $i)")" "./etc d 0:0
./etc/issue c 0:0
./etc/mine f 0:0
./etc/services f 0:0
./srv d 0:0
./srv/$i d $i:$i
./srv/$i/d d 0:0
./srv/$i/d/mine f 0:0"
		is "$(stat -c %h "uppers/$(id_of $i)/upper/etc/mine")" 2 "links"
	done
	checksum >after
	cmp before after
	is "$(du -s "$IMAGE" | cut -f1)" "$used" "disk use of the image"
	[ "$(du -s uppers | cut -f1)" -lt $((MANY * 128)) ] || fail "uppers: $(du -s uppers)"
}
