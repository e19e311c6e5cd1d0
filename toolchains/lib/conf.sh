# shellcheck shell=bash
# Description files: `key = value` lines, `#` comments. A key may be repeated; its values add up.

# conf FILE KEY: the value (several lines when the key is repeated), nothing when it is absent.
conf() {
	sed -n "s/^$2[[:blank:]]*=[[:blank:]]*//p" "$1" | sed 's/[[:blank:]]*$//'
}

# conf_need FILE KEY: the value; ends with an error when it is absent or empty.
conf_need() {
	local value
	value=$(conf "$1" "$2")
	[[ -n $value ]] || die "${1#"$HERE/"} has no '$2 = …' line; add it (README.md explains every key)"
	printf '%s\n' "$value"
}

target_conf() {
	printf '%s/targets/%s.conf\n' "$HERE" "$1"
}

# every target that has a description, one a line
target_list() {
	local file
	for file in "$HERE"/targets/*.conf; do
		file=${file##*/}
		printf '%s\n' "${file%.conf}"
	done
}
