/*
 * publish.h - the one way into the store: an uploaded addon is audited again, rendered for each
 * client, signed, stored by digest; then its names are recorded and made visible.
 *
 *   publish_prepare (pool)  →  publish_record (catalog, with the job's end)  →  publish_show (pool)
 *
 * A crash after any step loses nothing: content without a name is only unreferenced, and a
 * recorded name that is not visible yet is shown at the next start.
 */
#ifndef API_PUBLISH_PUBLISH_H
#define API_PUBLISH_PUBLISH_H

#include <stdint.h>

#include "builder/base/digest.h"
#include "builder/base/err.h"
#include "builder/model/abi.h"
#include "builder/model/name.h"

struct db;
struct json;
struct signing_key;
struct store;

#define PUBLISH_ADDON_MAX (256u << 20)

/* A name has two documents beside it, at its path with these behind it. */
#define PUBLISH_SIGNATURE  ".minisig"
#define PUBLISH_PROVENANCE ".provenance.json"
#define PUBLISH_NAMES_MAX  (3 * NAME_LAYOUT_COUNT)

/* One client's name for the addon, or that of a document beside it, and the file that it stands for. */
struct publication_name {
	const char *layout; /* name_layout_text, or what kind of document it is */
	char *path;
	char digest[DIGEST_HEX_SIZE];
	int64_t size;
};

/* Strings are owned by the struct; free with publication_fini. */
struct publication {
	/* From the request. */
	char *staged; /* the uploaded addon, in the store's temp folder; removed if still there */
	char *package, *version, *source, *toolchain;
	char *key;  /* NULL of what was built elsewhere: publish_prepare makes one of its bytes */
	char *file; /* "node_sqlite3.node" */
	struct abi abi;
	const struct target *target;
	struct json *load;     /* the worker's load test, put into the report; may be NULL */
	struct json *upstream; /* {url, sha256} it was fetched from, put into the report; or NULL */

	/* For the provenance (sign/provenance.h). */
	const char *type;
	char *origin, *lock, *invocation, *started; /* or NULL */
	struct json *reported;                      /* by the worker; or NULL */

	/* Filled by publish_prepare. */
	char digest[DIGEST_HEX_SIZE];
	int64_t size;
	char *report; /* JSON text */
	struct publication_name names[PUBLISH_NAMES_MAX];
	size_t name_count;
};
void publication_fini(struct publication *p);

/* Is this a file name that an addon may have: one component, safe characters, ".node"? */
bool publish_file_valid(const char *file);

/* ERR_AUDIT with the first finding if the addon is refused. Blocks. */
int publish_prepare(struct publication *p, struct store *store, const struct signing_key *key,
		    struct err *e);

/* On the catalog's thread. What is published already keeps the documents that it has. */
int publish_record(struct publication *p, struct db *db, int64_t now, struct err *e);

/* A report's "load" of what was not loaded; the caller frees it. */
struct json *publish_not_loaded(const char *reason);

/* Makes the names visible. Blocks. */
int publish_show(const struct publication *p, struct store *store, struct err *e);

#endif
