#!/bin/sh
# Compiles the Node-API host for the load test of a target into /toolchain/runtime/host. Runs in the
# sandbox; /node has Node's headers, /work/debs Debian's start files for a glibc target.
# usage: host.sh TRIPLE PACKAGE-PREFIX [FLAG...]
set -eu

triple=$1 prefix=$2
shift 2
recipe=/work/recipe/sandbox
clang="clang-19 --target=$triple $* --sysroot=/toolchain/sysroot -resource-dir /toolchain/resource"
clang="$clang -Wno-unused-command-line-argument"
mkdir -p /work/build
cd /work/build
python3 $recipe/host.py /node/include/node >host_api.c
for source in $recipe/host.c host_api.c; do
	# shellcheck disable=SC2086 # a command and its words
	$clang -std=gnu11 -O2 -fPIC -Wall -Wno-unused-parameter -ffile-prefix-map=$recipe=host -I$recipe -I/node/include/node \
		-c $source -o "$(basename $source .c).o"
done
start=
[ ! -d "/work/debs/usr/$prefix/lib" ] || start="-B/work/debs/usr/$prefix/lib"
# shellcheck disable=SC2086
$clang $start -fuse-ld=lld -rtlib=compiler-rt -unwindlib=none -rdynamic -pie -Wl,--build-id=none \
	host.o host_api.o -ldl -o /toolchain/runtime/host
llvm-strip-19 /toolchain/runtime/host
