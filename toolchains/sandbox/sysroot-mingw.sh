#!/bin/sh
# Makes /toolchain/sysroot of a Windows target, in two steps: what the compiler's builtins need, and
# what is compiled with them. Runs in the sandbox.
# usage: sysroot-mingw.sh headers|node TRIPLE PACKAGE-PREFIX [FLAG...]
# /work/debs holds the unpacked packages, their files are below usr/PACKAGE-PREFIX; /work/node-headers
# are Node's.
set -eu

what=$1 triple=$2 packages=/work/debs/usr/$3
shift 3
sysroot=/toolchain/sysroot
lib=$sysroot/lib
clang="clang-19 --target=$triple --sysroot=$sysroot -resource-dir /toolchain/resource $*"

case $what in
headers)
	mkdir -p $sysroot
	# Links of one package lead into the other.
	cp -RL "$packages/include" "$packages/lib" $sysroot/
	# libc++ uses the threads of Windows; nothing may depend on a library of POSIX threads by chance.
	rm -f $lib/libpthread.* $lib/libwinpthread.* $lib/libwinpthread-1.dll $sysroot/include/pthread.h
	;;
node)
	# What an addon may take from node.exe is what Node's headers declare. The import library says
	# nothing about code: it only names the file and the functions.
	mkdir /tmp/node
	printf '#include <uv.h>\n#define NAPI_EXPERIMENTAL\n#include <node_api.h>\n' >/tmp/node/all.c
	# shellcheck disable=SC2086 # a command and its words
	$clang -I/work/node-headers -DNAPI_EXTERN=FROM_NODE -DUV_EXTERN=FROM_NODE -E -P /tmp/node/all.c | tr -s ' \n' ' ' |
		sed 's/FROM_NODE/\n/g' |
		awk 'NR > 1 && match($0, /(napi|node_api|uv)_[a-z0-9_]+ ?\(/) {
			print substr($0, RSTART, RLENGTH)
		}' | tr -d '( ' | LC_ALL=C sort -u >/tmp/node/names
	[ "$(wc -l </tmp/node/names)" -gt 300 ]
	{
		printf 'LIBRARY node.exe\nEXPORTS\n'
		cat /tmp/node/names
	} >/tmp/node/node.def
	# The archiver is this tool too, by the name it is called.
	ln -s /usr/bin/llvm-ar-19 /tmp/node/llvm-dlltool
	/tmp/node/llvm-dlltool -m i386:x86-64 -d /tmp/node/node.def -l $lib/libnode.a
	# shellcheck disable=SC2086
	$clang -std=c11 -Wall -Wextra -Werror -O2 -c /work/recipe/windows/delay_load.c -o $lib/node_delay_load.o
	;;
esac
