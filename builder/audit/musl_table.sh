#!/bin/sh
# Prints builder/audit/musl_table.c: the names that musl exports, over all architectures. To renew
# it, fetch Debian's package of each (apt-get download musl:amd64 musl:arm64 …), unpack each with
# dpkg-deb -x, and run
#
#	builder/audit/musl_table.sh VERSION */lib/*/libc.so > builder/audit/musl_table.c
set -eu
version=$1
shift
cat <<EOF
/*
 * Made by musl_table.sh: what libc.so of musl $version exports on any of $# architectures,
 * sorted by name, several a line.
 */
#include "builder/audit/musl.h"

/* clang-format off */
const char *const musl_table[] = {
EOF
for library; do
	nm -D --defined-only "$library"
done | awk '{ print $3 }' | LC_ALL=C sort -u | awk '
	{ item = "\"" $0 "\"," }
	length(line) + length(item) > 90 { print "\t" line; line = "" }
	{ line = line (line == "" ? "" : " ") item }
	END { print "\t" line }'
cat <<EOF
};
/* clang-format on */

const size_t musl_table_count = sizeof musl_table / sizeof musl_table[0];
EOF
