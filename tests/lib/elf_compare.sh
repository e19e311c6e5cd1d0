#!/bin/sh
# Compares what two readers say of ELF files: a line for each file, "ok - FILE" or "not ok - FILE"
# with the first differences.
#
# Usage: elf_compare.sh ELF_FACTS OTHER FILE…
# OTHER is readelf, or a program that prints facts as tests/lib/elf_facts.c does.
set -eu
facts=$1
other=$2
shift 2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/elf-compare-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C

# Each fact with the number of its file before it. A reader that fails has said less.
numbered() {
	"$@" | awk '/^file / { number++; next } { print number, $0 }'
}
case $other in
*readelf)
	"$other" -W -A -V -S -d -h -l -n -r --dyn-syms "$@" 2>/dev/null |
		awk -f "$(dirname "$0")/readelf_facts.awk" | sort >"$scratch/theirs"
	numbered "$facts" "$@" | sort >"$scratch/ours"
	;;
*)
	numbered "$other" "$@" | sort >"$scratch/theirs"
	# libelf does not read the attributes of ARM.
	numbered "$facts" "$@" | grep -v '^[0-9]* arm-arch ' | sort >"$scratch/ours"
	;;
esac
printf '%s\n' "$@" >"$scratch/files"
diff "$scratch/ours" "$scratch/theirs" >"$scratch/differences" || true
# A file of which we said nothing was not compared.
awk '
	FILENAME ~ /ours$/ { if ($2 == "class") said[$1] = 1; next }
	FILENAME ~ /differences$/ {
		if (/^[<>]/ && ++count[$2] <= 10)
			text[$2] = text[$2] "# " $0 "\n"
		next
	}
	FNR in said && !(FNR in count) { print "ok - " $0; next }
	{ printf "not ok - %s\n%s", $0, FNR in said ? text[FNR] : "# nothing was read of it\n" }
' "$scratch/ours" "$scratch/differences" "$scratch/files" >"$scratch/results"
# In one write: others may append to the same file.
cat "$scratch/results"
