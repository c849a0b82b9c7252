# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For scenarios of the hook's uppers.

# upper_config: uppers below the test's directory, and annotations allowed in allowed/
upper_config() {
	hook_config "$(jq -n --arg t "$T" '{upperDirectory: "\($t)/uppers",
		ephemeralDirectory: "\($t)/ephemeral", annotationPaths: ["\($t)/allowed"]}')"
}

# upper_bundle DIR MODE [JQ-FILTER [JQ-ARGS...]]: a writable bundle whose writes go to an upper
upper_bundle() {
	mkdir -p allowed
	grep -q ephemeralDirectory admin.json || upper_config
	bundle "$1" '.root.readonly = false | .annotations["io.oci-shift.upper"] = $mode
		| .annotations["run.oci.hooks.stderr"] = "/dev/stderr" | '"${3:-.}" --arg mode "$2" "${@:4}"
}

# fails RUNTIME DIR PATTERN: the container does not start, and the runtime says why
fails() {
	if out=$(run_in "$1" "$2" 2>&1); then
		fail "the container has run: $out"
	fi
	has "$out" "$3"
}

# tree DIR: everything that is in it, with its attributes but for atime
tree() {
	(cd "$1" && find . -printf '%p %y %U:%G %m %s %T@ %C@\n' | sort)
}
