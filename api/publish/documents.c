#include "api/publish/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/catalog/artifacts.h"
#include "api/sign/key.h"
#include "api/sign/provenance.h"
#include "api/store/store.h"
#include "builder/base/buf.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

static const char *
file_of(const struct publication_name *n)
{
	return strrchr(n->path, '/') + 1;
}

static void
add_name(struct publication *p, const struct publication_name *of, const char *suffix,
	 const char *layout, const char *digest, int64_t size)
{
	struct publication_name *to = &p->names[p->name_count++];

	to->layout = layout;
	to->path = xasprintf("%s%s", of->path, suffix);
	snprintf(to->digest, sizeof to->digest, "%s", digest);
	to->size = size;
}

static int
put_text(struct store *store, const char *text, size_t len, char hex[DIGEST_HEX_SIZE],
	 struct err *e)
{
	char *temp = xasprintf("%s/document-XXXXXX", store_temp_dir(store));
	struct digest d;
	int r;

	close(mkstemp(temp));
	r = file_write(temp, text, len, 0644, e);
	if (r == 0)
		r = store_put(store, temp, &d, e);
	if (r == 0)
		digest_hex(&d, hex);
	unlink(temp);
	free(temp);
	return r;
}

static int
sign_name(struct publication *p, const struct publication_name *n, struct store *store,
	  const struct signing_key *key, struct err *e)
{
	char hex[DIGEST_HEX_SIZE];
	struct store_file f;
	struct buf comment = {0}, text = {0};
	int r = store_open_blob(store, n->digest, &f, e);

	name_comment(file_of(n), p->package, p->version, n->digest, &comment);
	if (r == 0) {
		r = sign_file(key, f.fd, comment.data, &text, e);
		close(f.fd);
	}
	if (r == 0)
		r = put_text(store, text.data, text.len, hex, e);
	if (r == 0)
		add_name(p, n, PUBLISH_SIGNATURE, DOCUMENT_SIGNATURE, hex, (int64_t)text.len);
	buf_fini(&text);
	buf_fini(&comment);
	return r;
}

static struct json *
subjects(const struct publication *p, size_t count)
{
	struct json *list = json_array();

	provenance_subject(list, p->file, p->digest);
	for (size_t i = 0; i < count; i++)
		provenance_subject(list, file_of(&p->names[i]), p->names[i].digest);
	return list;
}

/* One for the first `count` names, which are all renderings of one addon. */
static int
add_provenance(struct publication *p, size_t count, struct store *store,
	       const struct signing_key *key, struct err *e)
{
	char abi[ABI_TEXT_SIZE], hex[DIGEST_HEX_SIZE];
	struct provenance what = {
		.type = p->type,
		.package = p->package,
		.version = p->version,
		.target = p->target->triple,
		.abi = abi,
		.key = p->key,
		.source = p->source,
		.lock = p->lock,
		.origin = p->origin,
		.toolchain = p->toolchain,
		.reported = p->reported,
		.invocation = p->invocation,
		.started = p->started,
		.finished = clock_wall_ms(),
		.by = signing_key_public(key),
	};
	struct json *statement, *envelope;
	char *text;
	int r;

	abi_text(p->abi, abi);
	statement = provenance_statement(&what, subjects(p, count));
	envelope = sign_statement(key, statement);
	text = json_text(envelope);
	r = put_text(store, text, strlen(text), hex, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		add_name(p, &p->names[i], PUBLISH_PROVENANCE, DOCUMENT_PROVENANCE, hex,
			 (int64_t)strlen(text));
	free(text);
	json_free(envelope);
	json_free(statement);
	return r;
}

int
documents_add(struct publication *p, struct store *store, const struct signing_key *key,
	      struct err *e)
{
	size_t count = p->name_count;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = sign_name(p, &p->names[i], store, key, e);
	return r == 0 ? add_provenance(p, count, store, key, e) : r;
}

static bool
is_document(const struct publication_name *n)
{
	return strcmp(n->layout, DOCUMENT_SIGNATURE) == 0 ||
	       strcmp(n->layout, DOCUMENT_PROVENANCE) == 0;
}

int
documents_keep(struct publication *p, struct db *db, struct err *e)
{
	for (size_t i = 0; i < p->name_count; i++) {
		struct publication_name *n = &p->names[i];
		char have[DIGEST_HEX_SIZE];
		int64_t size;

		if (!is_document(n))
			continue;
		if (artifacts_name(db, n->path, have, &size, e) != 0)
			return e->code;
		if (have[0] != '\0') {
			memcpy(n->digest, have, sizeof have);
			n->size = size;
		}
	}
	return 0;
}
