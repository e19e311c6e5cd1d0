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

# target_list [RECIPE]: every target that has a description, or those with that recipe, one a line
target_list() {
	local file
	for file in "$HERE"/targets/*.conf; do
		[[ $# == 0 || $(target_recipe "$file") == "$1" ]] || continue
		file=${file##*/}
		printf '%s\n' "${file%.conf}"
	done
}

# target_recipe CONF: what its toolchain is assembled from: packages, macos-sdk, or none
target_recipe() {
	local recipe
	recipe=$(conf "$1" recipe)
	printf '%s\n' "${recipe:-packages}"
}
