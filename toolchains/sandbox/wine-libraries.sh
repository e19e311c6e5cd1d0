#!/bin/sh
# Writes to /work/debs/libraries which of Wine's libraries those in /work/debs/wanted and
# /work/node.exe need, all of them in turn. Runs in the sandbox.
set -eu

libraries=/work/debs/usr/lib/x86_64-linux-gnu/wine/x86_64-windows

imports() {
	llvm-readobj-19 --coff-imports "$1" | sed -n 's/^  Name: //p' | tr '[:upper:]' '[:lower:]'
}

: >/work/debs/libraries
{
	cat /work/debs/wanted
	imports /work/node.exe
} | sort -u >/tmp/next
while [ -s /tmp/next ]; do
	sort -u /tmp/next /work/debs/libraries >/tmp/all
	cp /tmp/all /work/debs/libraries
	while read -r library; do
		[ -e "$libraries/$library" ] || { echo "Wine has no $library" >&2; exit 1; }
		imports "$libraries/$library"
	done </tmp/next | sort -u >/tmp/imported
	comm -23 /tmp/imported /work/debs/libraries >/tmp/next
done
