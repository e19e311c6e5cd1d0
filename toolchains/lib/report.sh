# shellcheck shell=bash
# What a person or a program sees while toolchains are assembled.
# Plain lines go to standard error; with --json every line is one JSON object on descriptor 3,
# which is standard output.

JSON=no
STEPS=0
STEP=0

# json_string TEXT: TEXT as a JSON string. Control characters do not occur in what we print.
json_string() {
	local text=${1//\\/\\\\}
	printf '"%s"' "${text//\"/\\\"}"
}

# json_array [ITEM...]
json_array() {
	local item comma=
	printf '['
	for item in "$@"; do
		printf '%s' "$comma"
		json_string "$item"
		comma=,
	done
	printf ']'
}

report_line() {	# KIND WHO TEXT
	if [[ $JSON == yes ]]; then
		printf '{"event":"%s","name":%s,"text":%s}\n' "$1" "$(json_string "$2")" "$(json_string "$3")" >&3
	else
		printf '%s%s: %s\n' "${4-}" "$2" "$3" >&2
	fi
}

# step WHO TEXT: the next of the STEPS pieces of work begins.
step() {
	STEP=$((STEP + 1))
	if [[ $JSON == yes ]]; then
		printf '{"event":"step","step":%d,"steps":%d,"name":%s,"text":%s}\n' \
			"$STEP" "$STEPS" "$(json_string "$1")" "$(json_string "$2")" >&3
	else
		printf '[%d/%d] %s: %s\n' "$STEP" "$STEPS" "$1" "$2" >&2
	fi
}

note() { report_line note "$1" "$2"; }
warn() { report_line warning "$1" "$2" 'warning: '; }

# die TEXT: TEXT says what went wrong and what to do next.
die() {
	report_line error toolchains "$1" 'error: '
	# A subshell cannot set a variable of ours.
	[[ -z ${TMP-} ]] || : >"$TMP/died"
	exit 1
}
