/*
 * tarball.h - the tarballs of the registry's packages, made from a source bundle and from addons. The
 * same input gives the same bytes.
 */
#ifndef API_REGISTRY_TARBALL_H
#define API_REGISTRY_TARBALL_H

#include "builder/base/buf.h"
#include "builder/base/err.h"
#include "builder/model/abi.h"
#include "builder/model/target.h"

#define TARBALL_SOURCE_MAX   (1u << 30)  /* unpacked bytes of a bundle that are read at most */
#define TARBALL_KEPT_MAX     (64u << 20) /* … and that go into a package */
#define TARBALL_MANIFEST_MAX (1u << 20)  /* bytes of a package.json */

struct json;

/* One binary of a target's package. */
struct tarball_addon {
	char abi[ABI_TEXT_SIZE];
	const void *data;
	size_t len;
	const char *provenance; /* text of its envelope, or NULL */
};

/* What a package is made of. */
struct tarball_spec {
	const char *package, *version;
	int bundle;                  /* descriptor of the source bundle */
	const char *addon_file;      /* main: what the JavaScript asks for, "node_sqlite3.node" */
	struct abi abi;              /* main: the package's own, for node-pre-gyp's folders */
	const struct target *target; /* NULL: the main package */
	unsigned revision;
	const struct tarball_addon *addons;
	size_t addon_count;
};

/* Writes the tarball to a new file at `to`; *manifest, which the caller frees, is its package.json.
 * ERR_LIMIT, ERR_MALFORMED and ERR_UNSUPPORTED say what is wrong with the source. Blocks. */
int tarball_make(const struct tarball_spec *spec, const char *to, struct json **manifest,
		 struct err *e);

#endif
