#!/bin/bash
# Prints builder/audit/musl_table.c or musl_missing.c, from the toolchains that are assembled:
#
#	builder/audit/musl_table.sh table >table.new && mv table.new builder/audit/musl_table.c
#	builder/audit/musl_table.sh missing >missing.new && mv missing.new builder/audit/musl_missing.c
#
# What each musl toolchain's libc.so exports becomes that architecture's bit; the bits of those that
# are not assembled stay as they are in the table, and a line on standard error says which those are.
# To renew all: prebuildctl toolchain assemble, with the seven targets *-linux-musl*.
#
# What no musl 1.1 had is in musl's own list of news (WHATSNEW, in its source): the words of its "new
# features" from 1.2.0 on that are names in the table. 1.2.0's first, "time_t is now 64-bit on all
# archs", is the functions called __…time64 of 32-bit machines.
#
# What glibc exports is read from the hermetic root, which is Debian's for amd64.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/prebuildd
toolchains=$cache/toolchains
committed=$here/musl_table.c
source_lock=$here/../../toolchains/lock/musl.lock

architectures() { # "BIT NAME" of each
	sed -n 's/.*X(\(0x[0-9a-f]*\), EM_[A-Z0-9_]*, "\(.*\)").*/\1 \2/p' "$here/musl.h"
}

# The table as it is: "NAME BITS".
entries() {
	grep -o '{"[^}]*}' "$committed" | sed 's/{"\(.*\)", \(.*\)}/\1 \2/'
}

exported() { # LIBRARY…: names, without versions, their names, and what is private to glibc
	nm -D --defined-only "$@" | awk 'NF == 3 && $2 != "A" && $3 !~ /@GLIBC_PRIVATE$/ { sub(/@.*/, "", $3); print $3 }'
}

news() { # the words of the new features of 1.2.0 and later
	local file
	file=$cache/downloads/src/$(awk '$1 == "src" { print $4 }' "$source_lock")
	[[ -e $file ]] || {
		echo "musl_table.sh: $file is missing: assemble any toolchain for musl" >&2
		exit 1
	}
	tar --extract --to-stdout --wildcards --file "$file" '*/WHATSNEW' | awk '
		/^[0-9.]+ release notes/ { new = !/^(0\.|1\.[01]\.)/ }
		/^[a-z].*:$/ { features = /^new features:/ }
		new && features && /^-/' | grep -oE '[A-Za-z_][A-Za-z0-9_]*'
}

# A name a line → the lines of a C array, FORMAT around each.
array() { # FORMAT
	awk -v format="$1" '
		{ item = sprintf(format, $1, $2) }
		length(line) + length(item) > 90 { print "\t" line; line = "" }
		{ line = line (line == "" ? "" : " ") item }
		END { print "\t" line }'
}

file() { # COMMENT DECLARATION NAME, with the lines of the array on standard input
	printf '/*\n%s\n */\n#include "builder/audit/musl.h"\n\n/* clang-format off */\n%s = {\n' "$1" "$2"
	cat
	printf '};\n/* clang-format on */\n\nconst size_t %s_count = sizeof %s / sizeof %s[0];\n' "$3" "$3" "$3"
}

table() {
	local bit name conf library version lines
	version=$(awk '$1 == "src" { print $3 }' "$source_lock")
	lines=$(
		architectures | while read -r bit name; do
			conf=$(echo "$here/../../toolchains/targets/$name"-linux-musl*.conf)
			library=$toolchains/$(basename "$conf" .conf)/sysroot/usr/lib/libc.so
			if [[ -e $library ]]; then
				echo "musl_table.sh: $name: from its toolchain" >&2
				exported "$library" | sed "s/$/ $bit/"
			else
				echo "musl_table.sh: $name: as it is in the table" >&2
				entries | while read -r symbol bits; do
					[[ $((bits & bit)) -eq 0 ]] || echo "$symbol $bit"
				done
			fi
		done
		news | sed 's/$/ 0x80/'
	)
	# Words that nobody exports are no names.
	awk '
		function number(hex) { return index("0123456789abcdef", substr(hex, 3, 1)) * 16 - 16 + \
			index("0123456789abcdef", substr(hex, 4, 1)) - 1 }
		$2 == "0x80" { new[$1] = 128; next }
		!(($1, $2) in seen) { seen[$1, $2] = 1; bits[$1] += number($2) }
		/^__.*time64/ { new[$1] = 128 }
		END { for (name in bits) printf "%s 0x%02x\n", name, bits[name] + new[name] }' <<<"$lines" |
		sort | array '{"%s", %s},' |
		file " * Made by musl_table.sh: what libc.so of musl ${version%-*} exports and on which architectures
 * (musl.h has the bits), sorted by name, several a line." 'const struct musl_name musl_table[]' musl_table
}

missing() {
	local root libraries version
	root=$(sed -n 's/.*"root":"\([^"]*\)".*/\1/p' "$toolchains/x86_64-linux-musl/toolchain.json" | head -n 1)
	libraries=("$toolchains/components/$root"/usr/lib/x86_64-linux-gnu/{libc.so.6,libm.so.6,libresolv.so.2})
	version=$(nm -D --defined-only "${libraries[0]}" | sed -n 's/.*@GLIBC_\([0-9.]*\)$/\1/p' | sort -V | tail -n 1)
	exported "${libraries[@]}" |
		sort -u | comm -23 - <(entries | cut -d ' ' -f 1) | array '"%s",' |
		file " * Made by musl_table.sh: what glibc $version exports on x86-64 and musl on no architecture, sorted by
 * name, several a line." 'const char *const musl_missing[]' musl_missing
}

case ${1-} in
table | missing) "$1" ;;
*)
	echo "usage: $0 table|missing" >&2
	exit 2
	;;
esac
