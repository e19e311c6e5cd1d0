#!/bin/sh
# Prints builder/audit/glibc_table.c: the names that glibc has had only since a version above 2.17, and
# that version. To renew it, unpack Debian's package of x86-64, the architecture whose names are the
# oldest (apt-get download libc6, dpkg-deb -x), and run
#
#	builder/audit/glibc_table.sh VERSION lib/x86_64-linux-gnu/lib*.so.* > builder/audit/glibc_table.c
set -eu
version=$1
shift
cat <<EOF
/*
 * Made by glibc_table.sh: what the libraries of glibc $version export and those of 2.17 did not, with the
 * minor version that was the first; sorted by name, several a line.
 */
#include "builder/audit/glibc.h"

/* clang-format off */
const struct glibc_name glibc_table[] = {
EOF
for library; do
	nm -D --defined-only --with-symbol-versions "$library"
done | sed -n 's/^.* \([^ @]*\)@@*GLIBC_2\.\([0-9]*\).*/\1 \2/p' | awk '
	!($1 in since) || $2 < since[$1] { since[$1] = $2 }
	END { for (name in since) if (since[name] > 17) print name, since[name] }' | LC_ALL=C sort | awk '
	{ item = "{\"" $1 "\", " $2 "}," }
	length(line) + length(item) > 90 { print "\t" line; line = "" }
	{ line = line (line == "" ? "" : " ") item }
	END { print "\t" line }'
cat <<EOF
};
/* clang-format on */

const size_t glibc_table_count = sizeof glibc_table / sizeof glibc_table[0];
EOF
