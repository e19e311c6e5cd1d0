#include "api/catalog/artifacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/field.h"
#include "api/catalog/page.h"
#include "api/catalog/retention.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

static int
on_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

struct named {
	char *digest;
	int64_t size;
};

static int
on_named(const struct db_row *row, void *arg)
{
	struct named *n = arg;

	snprintf(n->digest, 65, "%s", row_text(row, 0));
	n->size = row_int(row, 1);
	return 0;
}

int
artifacts_name(struct db *db, const char *path, char digest[65], int64_t *size, struct err *e)
{
	struct named n = {.digest = digest};
	int r;

	digest[0] = '\0';
	r = DB_EXEC(db, e, on_named, &n, "SELECT digest, size FROM name WHERE path = ?1",
		    db_text(path));
	*size = n.size;
	return r;
}

static int
put_name(struct db *db, int64_t artifact, const struct artifact_name *n, struct err *e)
{
	char have[65];
	int64_t size;

	if (artifacts_name(db, n->path, have, &size, e) != 0)
		return e->code;
	if (have[0] == '\0')
		return DB_EXEC(db, e, NULL, NULL,
			       "INSERT INTO name (path, digest, size, artifact, layout)"
			       " VALUES (?1, ?2, ?3, ?4, ?5)",
			       db_text(n->path), db_text(n->digest), db_int(n->size),
			       db_int(artifact), db_text(n->layout));
	if (strcmp(have, n->digest) == 0)
		return 0;
	return err_set(e, ERR_CONFLICT, "%s has other bytes already (sha256:%s)", n->path, have);
}

int
artifacts_put(struct db *db, const struct artifact *a, const struct artifact_name *names,
	      size_t name_count, int64_t now, struct err *e)
{
	int64_t id = 0;
	int r = DB_EXEC(db, e, on_int, &id,
			"SELECT id FROM artifact WHERE package = ?1 AND version = ?2 AND abi = ?3"
			" AND target = ?4",
			db_text(a->package), db_text(a->version), db_text(a->abi),
			db_text(a->target));

	if (r == 0 && id == 0)
		r = DB_EXEC(db, e, on_int, &id,
			    "INSERT INTO artifact (digest, key, package, version, abi, target,"
			    " file, size, report, source, toolchain, created)"
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
			    " RETURNING id",
			    db_text(a->digest), db_text(a->key), db_text(a->package),
			    db_text(a->version), db_text(a->abi), db_text(a->target),
			    db_text(a->file), db_int(a->size), db_text(a->report),
			    db_text(a->source), db_text(a->toolchain), db_int(now));
	for (size_t i = 0; r == 0 && i < name_count; i++)
		r = put_name(db, id, &names[i], e);
	return r != 0 ? r : retention_asked(db, a->package, a->version, now, e);
}

#define COLUMNS                                                                                   \
	"id, digest, key, package, version, abi, target, file, size, source, toolchain, created," \
	" (SELECT path FROM name WHERE name.artifact = artifact.id"                               \
	" AND name.layout = 'prebuild-install'), " ARTIFACT_LOADED ","                            \
	" coalesce(" ARTIFACT_UPSTREAM ","                                                        \
	" (SELECT origin FROM source WHERE source.package = artifact.package"                     \
	" AND source.version = artifact.version AND source.digest = artifact.source))"

static struct json *
artifact_object(const struct db_row *row)
{
	struct json *o = json_object();

	json_set_str(o, "sha256", row_text(row, 1));
	json_set_str(o, "key", row_text(row, 2));
	json_set_str(o, "package", row_text(row, 3));
	json_set_str(o, "version", row_text(row, 4));
	json_set_str(o, "abi", row_text(row, 5));
	json_set_str(o, "target", row_text(row, 6));
	json_set_str(o, "file", row_text(row, 7));
	json_set_int(o, "size", row_int(row, 8));
	json_set_str(o, "source", row_text(row, 9));
	json_set_str(o, "toolchain", row_text(row, 10));
	field_time(o, "created", row_int(row, 11));
	json_set_str(o, "prebuild", row_text(row, 12));
	json_set_bool(o, "load_tested", row_int(row, 13) != 0);
	json_set_str(o, "origin", row_text(row, 14));
	return o;
}

static int
on_artifact(const struct db_row *row, void *arg)
{
	struct json **out = arg;

	json_free(*out);
	*out = artifact_object(row);
	return 0;
}

int
artifacts_json(struct db *db, const char *digest, struct json **out, struct err *e)
{
	int r;

	*out = NULL;
	r = DB_EXEC(db, e, on_artifact, out,
		    "SELECT " COLUMNS " FROM artifact WHERE digest = ?1 ORDER BY id LIMIT 1",
		    db_text(digest));
	if (r == 0 && *out == NULL)
		return err_set(e, ERR_NOT_FOUND, "there is no artifact sha256:%s", digest);
	return r;
}

#define WANT           " WHERE package = ?1 AND version = ?2 AND abi = ?3 AND target = ?4"
#define WANT_VALUES(w) db_text(w->package), db_text(w->version), db_text(w->abi), db_text(w->target)

static int
unpublished(const struct artifact_want *w, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "nothing is published of %s@%s %s for %s", w->package,
		       w->version, w->abi, w->target);
}

int
artifacts_want_json(struct db *db, const struct artifact_want *want, struct json **out,
		    struct err *e)
{
	int r;

	*out = NULL;
	r = DB_EXEC(db, e, on_artifact, out, "SELECT " COLUMNS " FROM artifact" WANT,
		    WANT_VALUES(want));
	return r == 0 && *out == NULL ? unpublished(want, e) : r;
}

static int
on_report(const struct db_row *row, void *arg)
{
	const char *text = row_text(row, 0);

	*(struct json **)arg = json_parse(text, strlen(text), NULL);
	return 0;
}

int
artifacts_report(struct db *db, const char *digest, struct json **out, struct err *e)
{
	int r;

	*out = NULL;
	r = DB_EXEC(db, e, on_report, out, "SELECT report FROM artifact WHERE digest = ?1 LIMIT 1",
		    db_text(digest));
	if (r == 0 && *out == NULL)
		return err_set(e, ERR_NOT_FOUND, "there is no artifact sha256:%s", digest);
	return r;
}

int
artifacts_document(struct db *db, const char *digest, const char *layout, char out[65],
		   struct err *e)
{
	struct named n = {.digest = out};
	int r;

	out[0] = '\0';
	r = DB_EXEC(
		db, e, on_named, &n,
		"SELECT name.digest, name.size FROM artifact JOIN name ON name.artifact = artifact.id"
		" WHERE artifact.digest = ?1 AND name.layout = ?2 ORDER BY name.path LIMIT 1",
		db_text(digest), db_text(layout));
	if (r == 0 && out[0] == '\0')
		return err_set(e, ERR_NOT_FOUND, "there is no %s of an artifact sha256:%s", layout,
			       digest);
	return r;
}

int
artifacts_want_report(struct db *db, const struct artifact_want *want, struct json **out,
		      struct err *e)
{
	int r;

	*out = NULL;
	r = DB_EXEC(db, e, on_report, out, "SELECT report FROM artifact" WANT, WANT_VALUES(want));
	return r == 0 && *out == NULL ? unpublished(want, e) : r;
}

struct page {
	struct json *list;
	int64_t last;
	int count;
};

static int
on_listed(const struct db_row *row, void *arg)
{
	struct page *p = arg;

	json_add(p->list, artifact_object(row));
	p->last = row_int(row, 0);
	p->count++;
	return 0;
}

#define OTHER_FILTERS                                                       \
	" AND (?3 IS NULL OR version = ?3) AND (?4 IS NULL OR target = ?4)" \
	" AND (?5 IS NULL OR abi = ?5) ORDER BY id LIMIT ?6"

int
artifacts_list(struct db *db, const struct artifact_filter *f, struct json **out, struct err *e)
{
	int limit = f->limit > 0 && f->limit < PAGE_MAX ? f->limit : PAGE_MAX;
	struct page p = {.list = json_array()};
	/* One package's are found by its name, not among those of all others. */
	int r = db_exec(db,
			f->package != NULL ? "SELECT " COLUMNS " FROM artifact WHERE package = ?2"
					     " AND +id > ?1" OTHER_FILTERS
					   : "SELECT " COLUMNS " FROM artifact WHERE id > ?1"
					     " AND ?2 IS NULL" OTHER_FILTERS,
			(const struct db_value[]){db_int(f->cursor), db_text(f->package),
						  db_text(f->version), db_text(f->target),
						  db_text(f->abi), db_int(limit)},
			6, on_listed, &p, e);

	*out = json_object();
	json_set(*out, "artifacts", p.list);
	page_end(*out, p.count, limit, p.last);
	return r;
}

struct walk {
	void (*on_name)(const char *path, const char *digest, void *arg);
	void *arg;
};

static int
on_walk(const struct db_row *row, void *arg)
{
	const struct walk *w = arg;

	w->on_name(row_text(row, 0), row_text(row, 1), w->arg);
	return 0;
}

int
artifacts_each_name(struct db *db, void (*on_name)(const char *path, const char *digest, void *arg),
		    void *arg, struct err *e)
{
	struct walk w = {on_name, arg};

	return db_exec(db, "SELECT path, digest FROM name", NULL, 0, on_walk, &w, e);
}
