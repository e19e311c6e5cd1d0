#!/bin/bash
# Proves layers.txt: every #include of ours goes where its folder may look, and every library's
# header stays in its folders. Prints how many includes it looked at, and fails on none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

find builder api workers -name '*.[ch]' | LC_ALL=C sort | xargs grep -nE '^#include [<"]' |
	awk '
	function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
	FILENAME == "layers.txt" {
		sub(/#.*/, "")
		if (/^library /) { split($0, p, ": *"); sub(/^library /, "", p[1]); library[p[1]] = " " p[2] " " }
		else if (/^file /) { split($0, p, ": *"); sub(/^file /, "", p[1]); extra[p[1]] = " " p[2] " " }
		else if (/^private /) { private[$2] = 1 }
		else if (/:/) { split($0, p, ": *"); layer[p[1]] = " " p[2] " " }
		next
	}
	{
		split($0, part, ":")
		file = part[1]; dir = folder(file); seen++
		header = $0; sub(/.*#include [<"]/, "", header); sub(/[>"].*/, "", header)
		if (!(dir in layer)) { print file ": folder " dir " is not in layers.txt"; bad++ }
		else if (header ~ /^(builder|api|workers)\//) {
			to = folder(header)
			if (to != dir && header in private) { print file ":" part[2] ": " header " is private"; bad++ }
			if (to != dir && index(layer[dir], " " to " ") == 0 && index(extra[file], " " header " ") == 0) {
				print file ":" part[2] ": " dir " may not include " header; bad++
			}
		} else if (header in library && index(library[header], " " dir " ") == 0) {
			print file ":" part[2] ": " header " belongs to" library[header] "only"; bad++
		}
		if (header == "uv.h" && file ~ /\.h$/ && !(file in private)) {
			print file ":" part[2] ": uv.h does not belong in a header"; bad++
		}
	}
	END {
		printf "check-layers: %d includes, %d wrong\n", seen, bad
		exit bad > 0 || seen == 0
	}' layers.txt -
