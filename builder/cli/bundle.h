/*
 * bundle.h - what `export` writes and `import` reads: a tar.gz with addons of a service, to be carried into a
 * network that does not reach it.
 *
 *   bundle.json                         {"format":1,"key":…,"artifacts":[{package, version, abi, target, file,
 *                                       sha256, size}]}; key: the public key of the signatures
 *   prebuilds/sqlite3/v6.0.1/NAME.node  the addon, under its raw name, and beside it
 *   … NAME.node.minisig                 its signature
 *   … NAME.node.provenance.json         and its provenance
 *
 * The same artifacts give the same bytes.
 */
#ifndef BUILDER_CLI_BUNDLE_H
#define BUILDER_CLI_BUNDLE_H

#include "builder/base/digest.h"
#include "builder/base/err.h"
#include "builder/model/name.h"

struct json;

#define BUNDLE_LIST   "bundle.json"
#define BUNDLE_FORMAT 1

struct bundle_item {
	struct name name; /* the raw one */
	struct digest digest;
	char *file; /* what the package calls the addon: "node_sqlite3.node" */
	char *path; /* in the bundle; with a '/' before it, on the service */
};

/* An artifact as a service or a bundle describes it. ERR_MALFORMED; bundle_item_fini also after that. */
int bundle_item_read(const struct json *artifact, struct bundle_item *out, struct err *e);
void bundle_item_fini(struct bundle_item *item);

/* "sqlite3@6.0.1 napi-v6 x86_64-linux-gnu"; the caller frees it. */
char *bundle_item_text(const struct bundle_item *item);

#endif
