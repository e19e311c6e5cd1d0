#include "api/publish/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/catalog/artifacts.h"
#include "api/publish/documents.h"
#include "api/store/store.h"
#include "builder/audit/audit.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/pack/pack.h"

#define FILE_NAME_MAX 128

void
publication_fini(struct publication *p)
{
	if (p->staged != NULL)
		unlink(p->staged);
	free(p->staged);
	free(p->package);
	free(p->version);
	free(p->key);
	free(p->source);
	free(p->toolchain);
	free(p->file);
	free(p->origin);
	free(p->lock);
	free(p->invocation);
	free(p->started);
	json_free(p->load);
	json_free(p->reported);
	json_free(p->upstream);
	free(p->report);
	for (size_t i = 0; i < p->name_count; i++)
		free(p->names[i].path);
	*p = (struct publication){0};
}

bool
publish_file_valid(const char *file)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+";
	size_t n = strlen(file);

	return n > 5 && n <= FILE_NAME_MAX && file[0] != '.' && strspn(file, safe) == n &&
	       strcmp(file + n - 5, ".node") == 0;
}

static int
audit_staged(struct publication *p, const struct buf *bytes, struct err *e)
{
	struct audit_request req = {.target = p->target, .abi = p->abi, .file = p->file};
	struct audit_report *report = audit_bytes(bytes->data, bytes->len, &req);
	struct json *json = audit_json(report);
	int r = 0;

	if (p->load != NULL)
		json_set(json, "load", json_copy(p->load));
	if (p->upstream != NULL)
		json_set(json, "upstream", json_copy(p->upstream));
	p->report = json_text(json);
	if (!audit_passed(report))
		r = err_set(e, ERR_AUDIT, "%s", audit_summary(report));
	json_free(json);
	audit_free(report);
	return r;
}

/* The tarball of one layout, put into the store. */
static int
pack_name(const struct publication *p, const struct name *name, const struct buf *bytes,
	  struct store *store, struct publication_name *to, struct err *e)
{
	char *temp = xasprintf("%s/render-XXXXXX", store_temp_dir(store));
	struct buf entry_name = {0};
	struct stat st;
	struct pack_entry entry;
	struct digest d;
	int r;

	name_addon_path(name, p->file, &entry_name);
	entry = (struct pack_entry){.name = entry_name.data,
				    .data = bytes->data,
				    .len = bytes->len,
				    .executable = true};
	close(mkstemp(temp));
	unlink(temp);
	r = pack_files(&entry, 1, temp, e);
	if (r == 0 && stat(temp, &st) != 0)
		r = err_sys(e, -errno, "stat %s", temp);
	if (r == 0) {
		to->size = st.st_size;
		r = store_put(store, temp, &d, e);
	}
	if (r == 0)
		digest_hex(&d, to->digest);
	unlink(temp);
	free(temp);
	buf_fini(&entry_name);
	return r;
}

/* Adds the name of a layout; an addon that the layout cannot name is left out of it. */
static int
render(struct publication *p, enum name_layout layout, const struct buf *bytes, struct store *store,
       struct err *e)
{
	struct publication_name *to = &p->names[p->name_count];
	struct buf path = {0};
	struct name name;
	int r;

	if (!name_of(layout, p->package, p->version, p->abi, p->target, &name))
		return 0;
	if (name_is_raw(layout)) {
		memcpy(to->digest, p->digest, sizeof to->digest);
		to->size = p->size;
	} else {
		r = pack_name(p, &name, bytes, store, to, e);
		if (r != 0)
			return r;
	}
	name_path(&name, &path);
	to->layout = name_layout_text(layout);
	to->path = buf_take(&path);
	p->name_count++;
	return 0;
}

/* How it was built is not known here: the key is made of its bytes and of what they are published as. */
static void
make_key(struct publication *p)
{
	char abi[ABI_TEXT_SIZE];
	struct buf text = {0};
	struct digest d;

	abi_text(p->abi, abi);
	buf_addf(&text, "published %s\n%s %s %s %s\n", p->digest, p->package, p->version, abi,
		 p->target->triple);
	digest_bytes(text.data, text.len, &d);
	p->key = xmalloc(DIGEST_HEX_SIZE);
	digest_hex(&d, p->key);
	buf_fini(&text);
}

struct json *
publish_not_loaded(const char *reason)
{
	struct json *load = json_object();

	json_set_bool(load, "ran", false);
	json_set_str(load, "reason", reason);
	return load;
}

int
publish_prepare(struct publication *p, struct store *store, const struct signing_key *key,
		struct err *e)
{
	struct buf bytes = {0};
	struct digest d;
	int r = file_read(p->staged, PUBLISH_ADDON_MAX, &bytes, e);

	if (r == 0)
		r = audit_staged(p, &bytes, e);
	if (r == 0)
		r = store_put(store, p->staged, &d, e);
	if (r == 0) {
		digest_hex(&d, p->digest);
		p->size = (int64_t)bytes.len;
		if (p->key == NULL)
			make_key(p);
	}
	for (int layout = 0; r == 0 && layout < NAME_LAYOUT_COUNT; layout++)
		r = render(p, (enum name_layout)layout, &bytes, store, e);
	if (r == 0)
		r = documents_add(p, store, key, e);
	buf_fini(&bytes);
	return r;
}

int
publish_record(struct publication *p, struct db *db, int64_t now, struct err *e)
{
	struct artifact_name names[PUBLISH_NAMES_MAX];
	char abi[ABI_TEXT_SIZE];
	struct artifact a = {
		.digest = p->digest,
		.key = p->key,
		.package = p->package,
		.version = p->version,
		.abi = abi,
		.target = p->target->triple,
		.file = p->file,
		.report = p->report,
		.source = p->source,
		.toolchain = p->toolchain,
		.size = p->size,
	};

	abi_text(p->abi, abi);
	for (size_t i = 0; i < p->name_count; i++)
		names[i] = (struct artifact_name){
			.path = p->names[i].path,
			.digest = p->names[i].digest,
			.layout = p->names[i].layout,
			.size = p->names[i].size,
		};
	if (documents_keep(p, db, e) != 0)
		return e->code;
	return artifacts_put(db, &a, names, p->name_count, now, e);
}

int
publish_show(const struct publication *p, struct store *store, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->name_count; i++)
		r = store_link(store, p->names[i].path, p->names[i].digest, e);
	return r;
}
