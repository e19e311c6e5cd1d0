#include "api/publish/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/catalog/artifacts.h"
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
	json_free(p->load);
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
	p->report = json_text(json);
	if (!audit_passed(report))
		r = err_set(e, ERR_AUDIT, "%s", audit_summary(report));
	json_free(json);
	audit_free(report);
	return r;
}

static int
render(struct publication *p, enum name_layout layout, const struct buf *bytes, struct store *store,
       struct err *e)
{
	struct name name = {.layout = layout, .abi = p->abi, .target = p->target};
	struct buf entry_name = {0}, path = {0};
	char *temp = xasprintf("%s/render-XXXXXX", store_temp_dir(store));
	struct pack_entry entry;
	struct digest d;
	struct buf packed = {0};
	int r;

	snprintf(name.package, sizeof name.package, "%s", p->package);
	snprintf(name.version, sizeof name.version, "%s", p->version);
	snprintf(name.platform, sizeof name.platform, "%s", p->target->node_platform);
	snprintf(name.arch, sizeof name.arch, "%s", p->target->node_arch);
	name_path(&name, &path);
	name_addon_path(layout, p->file, &entry_name);
	entry = (struct pack_entry){.name = entry_name.data,
				    .data = bytes->data,
				    .len = bytes->len,
				    .executable = true};
	close(mkstemp(temp));
	unlink(temp);
	r = pack_files(&entry, 1, temp, e);
	if (r == 0)
		r = file_read(temp, PUBLISH_ADDON_MAX, &packed, e);
	if (r == 0)
		r = store_put(store, temp, &d, e);
	if (r == 0) {
		digest_hex(&d, p->names[p->name_count].digest);
		p->names[p->name_count].size = (int64_t)packed.len;
		p->names[p->name_count++].path = buf_take(&path);
	}
	unlink(temp);
	free(temp);
	buf_fini(&packed);
	buf_fini(&path);
	buf_fini(&entry_name);
	return r;
}

int
publish_prepare(struct publication *p, struct store *store, struct err *e)
{
	struct buf bytes = {0};
	struct digest d;
	int r = file_read(p->staged, PUBLISH_ADDON_MAX, &bytes, e);

	if (r == 0)
		r = audit_staged(p, &bytes, e);
	for (int layout = 0; r == 0 && layout < NAME_LAYOUT_COUNT; layout++)
		r = render(p, (enum name_layout)layout, &bytes, store, e);
	if (r == 0)
		r = store_put(store, p->staged, &d, e);
	if (r == 0) {
		digest_hex(&d, p->digest);
		p->size = (int64_t)bytes.len;
	}
	buf_fini(&bytes);
	return r;
}

int
publish_record(const struct publication *p, struct db *db, int64_t now, struct err *e)
{
	struct artifact_name names[NAME_LAYOUT_COUNT];
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
			p->names[i].path,
			p->names[i].digest,
			p->names[i].size,
		};
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
