#!/usr/bin/env python3
"""Makes link-time stand-ins for an older glibc out of a newer one's libraries.

usage: stub.py LIBRARIES FLOOR NAMES OUT COMPILER [FLAG...]

What is linked against the stand-ins can only refer to symbol versions up to FLOOR, so it runs with
every glibc from FLOOR on. They carry names and versions and no code.

LIBRARIES  folder of the newer glibc: libc.so.6, libm.so.6, ... and the dynamic loader
FLOOR      the oldest glibc to support, like 2.17
NAMES      folder of lists <soname>.txt: which library had a name in the floor's time. From 2.34 on
           libc.so.6 holds what libpthread, libdl, librt and libutil had before.
OUT        folder for the stand-ins
COMPILER   assembles and links them, with FLAGs for the target
"""

import os
import re
import subprocess
import sys
from collections import defaultdict, namedtuple

Symbol = namedtuple("Symbol", "name version kind size")

SONAMES = ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1",
           "libutil.so.1", "libresolv.so.2"]
LOADER = re.compile(r"^ld(64)?[.-].*so\.\d+$|^ld64\.so\.\d+$|^ld\.so\.\d+$")
# Younger than every list of names, but kept in the library where an older program would look.
THREADS = re.compile(r"^(pthread_|sem_|mtx_|thrd_|cnd_|tss_|call_once)")
RESOLVER = re.compile(r"^(_*res_|_*ns_|_*dn_|__(b64|loc|p|putlong|putshort|fp|sym|hostalias)_?)")


def number(version):
    return tuple(int(part) for part in version.split("."))


def symbols(path):
    """Yield what a library defines under a public version name."""
    table = subprocess.run(["llvm-readelf-19", "-W", "--dyn-syms", path],
                           capture_output=True, text=True, check=True).stdout
    for line in table.splitlines():
        # Num: Value Size Type Bind Vis [other] Ndx Name@@VERSION
        column = line.split()
        if len(column) < 8 or not column[0].rstrip(":").isdigit() or "UND" in column[6:8]:
            continue
        match = re.match(r"(.+?)@@?GLIBC_(2[0-9.]*)$", column[-1])
        # Thread-local variables of glibc are private; no program may refer to them.
        if match and column[3] != "TLS":
            yield Symbol(match.group(1), match.group(2), column[3], int(column[2], 0))


def names_of(folder, soname):
    with open(os.path.join(folder, soname + ".txt"), encoding="ascii") as file:
        return {line.strip() for line in file if not line.startswith("#")}


def home(name, lists):
    """The library where NAME, found in the newer libc.so.6, was in the floor's time."""
    if name in lists["libc.so.6"]:
        return "libc.so.6"
    for soname, names in lists.items():
        if name in names:
            return soname
    if THREADS.match(name):
        return "libpthread.so.0"
    if RESOLVER.match(name):
        return "libresolv.so.2"
    return "libc.so.6"


def read_libraries(folder, floor, names):
    """Map every soname to its symbols, each where the floor's glibc has it."""
    loader = sorted(name for name in os.listdir(folder) if LOADER.match(name))[0]
    lists = {soname: names_of(names, soname) for soname in SONAMES
             if os.path.exists(os.path.join(names, soname + ".txt"))}
    libraries = defaultdict(list)
    for soname in SONAMES + [loader]:
        libraries[soname]  # an empty stand-in is needed too, for -lpthread and the like
        for symbol in symbols(os.path.join(folder, soname)):
            if number(symbol.version) > floor:
                continue
            moved = soname == "libc.so.6" and floor < (2, 34)
            libraries[home(symbol.name, lists) if moved else soname].append(symbol)
    return loader, libraries


def assembly(library):
    """One labelled definition for every (name, version); the newest version is the default."""
    versions = defaultdict(dict)
    for symbol in library:
        versions[symbol.name][symbol.version] = symbol
    label = 0
    for name in sorted(versions):
        ordered = sorted(versions[name], key=number)
        for version in ordered:
            symbol = versions[name][version]
            label += 1
            if symbol.kind == "OBJECT":
                section, kind, size = ".data", "object", max(symbol.size, 1)
            else:
                section, kind, size = ".text", "function", 4
            at = "@@" if version == ordered[-1] else "@"
            yield f"{section}\n.balign 16\n.globl stub{label}\n.type stub{label},%{kind}\n"
            yield f".size stub{label},{size}\nstub{label}: .zero {size}\n"
            yield f".symver stub{label},{name}{at}GLIBC_{version},remove\n"
    yield '.section .note.GNU-stack,"",%progbits\n'


def version_script(library):
    """The version nodes, each on top of the older one.

    No `local: *`: it would swallow the symbols of the first node.
    """
    older = ""
    for version in sorted({symbol.version for symbol in library}, key=number):
        yield f"GLIBC_{version} {{ }}{older};\n"
        older = f" GLIBC_{version}"
    if not older:
        yield "STUB { };\n"


def link(compiler, soname, library, out):
    source, script, result = (os.path.join(out, soname + end) for end in (".s", ".map", ""))
    with open(source, "w", encoding="ascii") as file:
        file.writelines(assembly(library))
    with open(script, "w", encoding="ascii") as file:
        file.writelines(version_script(library))
    subprocess.run([*compiler, "-shared", "-nostdlib", "-fuse-ld=lld", "-Wl,--build-id=none",
                    f"-Wl,-soname,{soname}", f"-Wl,--version-script={script}",
                    "-o", result, source], check=True)
    os.remove(source)
    os.remove(script)


def main():
    folder, floor, names, out, *compiler = sys.argv[1:]
    loader, libraries = read_libraries(folder, number(floor), names)
    for soname, library in libraries.items():
        link(compiler, soname, library, out)
        if soname not in ("libc.so.6", loader):
            os.symlink(soname, os.path.join(out, soname.split(".so")[0] + ".so"))
    # The linker reads this for -lc. Paths would be looked up outside of the sysroot: names only.
    with open(os.path.join(out, "libc.so"), "w", encoding="ascii") as file:
        file.write(f"GROUP ( libc.so.6 libglibc_compat.a AS_NEEDED ( {loader} ) )\n")
    print(f"{sum(map(len, libraries.values()))} symbol versions up to {floor}, loader {loader}")


main()
