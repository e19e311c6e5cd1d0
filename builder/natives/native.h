/*
 * native.h - what a published package version says of its native code: whether an install compiles an
 * addon, what it is compiled against, and what upstream has made already.
 *
 * Sources: npm's package.json(5) (os, cpu, libc, scripts), node-gyp-build's file names, and the install
 * scripts of the packages that use them. What a package says is taken as its claim, never run.
 */
#ifndef BUILDER_NATIVES_NATIVE_H
#define BUILDER_NATIVES_NATIVE_H

#include <stdbool.h>

#include "builder/base/strv.h"
#include "builder/model/abi.h"
#include "builder/model/target.h"

struct json;

#define NATIVE_PREBUILDS_MAX 500 /* addons in a package that are looked at */

/* A package for some platforms only, of which npm installs the one that fits. Empty lists fit all; a
 * "!" before a value excludes it. */
struct platform {
	char *package; /* "@parcel/watcher-linux-x64-glibc@2.5.1" */
	struct strv os, cpu, libc;
};

struct native {
	char *name, *version;
	struct platform itself; /* where it may be installed at all */
	struct abi abi;         /* by default; ABI_NODE with version 0 if it uses V8 */
	bool gyp;               /* has a binding.gyp */
	char *script;           /* its install script; NULL if there is none */
	const char *downloads;  /* the tool with which that fetches from upstream's host, or NULL */
	struct strv prebuilds;  /* addons that it brings: "prebuilds/linux-x64/node.napi.node" */
	struct platform *platforms; /* its packages for platforms */
	size_t platform_count;
};

/* manifest: the version's package.json as the registry has it. Does an install run something, so that
 * the package must be unpacked and looked into? */
bool native_runs_at_install(const struct json *manifest);

/* folder: the unpacked package; NULL if nothing runs at its install. Blocks. */
void native_read(const struct json *manifest, const char *folder, struct native *out);
void native_fini(struct native *n);

/* If that other package, one of the optional dependencies, is for some platforms only, adds it; unless
 * this one is such a package itself, which belongs to another. */
void native_add_platform(struct native *n, const struct json *manifest);

/* Is there anything native in what was read? */
bool native_is_one(const struct native *n);

/* Does npm install this package for the target? */
bool platform_fits(const struct platform *p, const struct target *t);

/* The packages for the target, "a@1.0.0, b@1.0.0"; NULL if there is none. The caller frees it. */
char *native_platforms_for(const struct native *n, const struct target *t);

/* The addon for the target that the package brings; NULL if there is none. What it was built for is
 * told from its name: without a C library in it, it is for glibc, without an ABI for every one. */
const char *native_prebuild_for(const struct native *n, const struct target *t, struct abi abi);

#endif
