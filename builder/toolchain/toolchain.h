/*
 * toolchain.h - an assembled toolchain, read from its description (toolchains/README.md): an
 * immutable folder that is named by the digest of its contents.
 */
#ifndef BUILDER_TOOLCHAIN_TOOLCHAIN_H
#define BUILDER_TOOLCHAIN_TOOLCHAIN_H

#include <stdbool.h>

#include "builder/base/digest.h"
#include "builder/base/err.h"
#include "builder/base/strv.h"
#include "builder/model/target.h"

struct json;

/* Where the parts are mounted in the sandbox; the flags in a description refer to these. */
#define TOOLCHAIN_MOUNT "/toolchain"
#define NODE_MOUNT      "/node"

/* Plain data; all strings belong to it. */
struct toolchain {
	const struct target *target;
	char digest[DIGEST_HEX_SIZE]; /* SHA-256 of its manifest */
	char *dir;                    /* mounted at TOOLCHAIN_MOUNT */
	char *root;                   /* the hermetic file system, mounted at / */
	char *node;                   /* Node with headers and npm, mounted at NODE_MOUNT */
	struct strv cc, cxx, cflags, ldflags, ldlibs, ar, strip;
	struct strv cxx_v8, ldlibs_v8; /* for addons that use V8: Node's own C++ library */
	struct strv
		load_argv;  /* runs a script in the target's runtime, or loads an addon; or empty */
	bool load_script;   /* the former */
	char *load_runtime; /* "node 20.20.2"; NULL: nothing here runs the target's addons */
	char *load_emulator;      /* "qemu-aarch64 7.2", or NULL */
	unsigned node_abi;        /* of the Node that runs builds */
	struct json *description; /* the whole document, for provenance */
};

/* Opens the current toolchain of a target below dir. ERR_NOT_FOUND says how to assemble it;
 * ERR_MALFORMED if it is not what its name says. Blocks. */
int
toolchain_open(const char *dir, const struct target *target, struct toolchain *out, struct err *e);
void toolchain_fini(struct toolchain *t);

/* The release of Node with that ABI whose headers and program are at NODE_MOUNT "/abi/<abi>"; NULL if
 * there is none. Lives as long as the toolchain. */
const char *toolchain_node_version(const struct toolchain *t, unsigned abi);

/* The ABI of the lowest of these that has that version of Node-API; 0 if none has. */
unsigned toolchain_node_with_napi(const struct toolchain *t, unsigned napi);

#endif
