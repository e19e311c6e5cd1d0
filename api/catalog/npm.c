#include "api/catalog/npm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/field.h"
#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

void
npm_wanted_fini(struct npm_wanted_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->at[i].base);
		free(l->at[i].source);
		free(l->at[i].file);
	}
	free(l->at);
	*l = (struct npm_wanted_list){0};
}

/* ---- what could be made ---- */

static int
on_wanted(const struct db_row *row, void *arg)
{
	struct npm_wanted_list *l = arg;
	struct npm_wanted *w;

	l->at = xrealloc(l->at, (l->count + 1) * sizeof *l->at);
	w = &l->at[l->count++];
	*w = (struct npm_wanted){.base = xstrdup(row_text(row, 0)),
				 .source = xstrdup(row_text(row, 1)),
				 .file = xstrdup(row_text(row, 3))};
	snprintf(w->abi, sizeof w->abi, "%s", row_text(row, 2));
	return 0;
}

/* Versions of which something is published and the source is known, which is what JavaScript and licence
 * are taken from. npm drops what is behind a '+'. */
static int
list_versions(struct db *db, const char *package, struct npm_wanted_list *out, struct err *e)
{
	return DB_EXEC(db, e, on_wanted, out,
		       "SELECT artifact.version, source.digest, source.abi, min(artifact.file)"
		       " FROM artifact JOIN source ON source.package = artifact.package"
		       " AND source.version = artifact.version"
		       " WHERE artifact.package = ?1 AND artifact.version NOT LIKE '%+%'"
		       " GROUP BY artifact.version, source.digest, source.abi"
		       " ORDER BY artifact.version",
		       db_text(package));
}

static int
on_binary(const struct db_row *row, void *arg)
{
	struct npm_wanted *w = arg;
	struct npm_binary *b;

	if (w->binary_count == NPM_BINARIES_MAX)
		return 0;
	b = &w->binaries[w->binary_count++];
	snprintf(b->abi, sizeof b->abi, "%s", row_text(row, 0));
	snprintf(b->digest, sizeof b->digest, "%s", row_text(row, 1));
	snprintf(b->provenance, sizeof b->provenance, "%s",
		 row_text(row, 2) != NULL ? row_text(row, 2) : "");
	return 0;
}

static int
find_binaries(struct db *db, const char *package, const char *target, struct npm_wanted *w,
	      struct err *e)
{
	return DB_EXEC(db, e, on_binary, w,
		       "SELECT abi, digest, (SELECT min(name.digest) FROM name"
		       " WHERE name.artifact = artifact.id AND name.layout = 'provenance')"
		       " FROM artifact WHERE package = ?1 AND version = ?2 AND target = ?3"
		       " ORDER BY abi",
		       db_text(package), db_text(w->base), db_text(target));
}

/* What a revision is made of: its binaries. */
static char *
content_of(const struct npm_wanted *w)
{
	struct buf text = {0};

	buf_adds(&text, "");
	for (size_t i = 0; i < w->binary_count; i++)
		buf_addf(&text, "%s:%s ", w->binaries[i].abi, w->binaries[i].digest);
	return buf_take(&text);
}

struct newest {
	int64_t revision;
	char *content;
};

static int
on_newest(const struct db_row *row, void *arg)
{
	struct newest *n = arg;

	free(n->content);
	*n = (struct newest){row_int(row, 0), xstrdup(row_text(row, 1))};
	return 0;
}

/* Sets the revision that is to be made, and whether it is. */
static int
judge(struct db *db, const char *name, const char *package, const char *target,
      struct npm_wanted *w, bool *lacks, struct err *e)
{
	struct newest newest = {.revision = -1};
	char *content;

	if ((target != NULL && find_binaries(db, package, target, w, e) != 0) ||
	    DB_EXEC(db, e, on_newest, &newest,
		    "SELECT revision, content FROM npm_version WHERE name = ?1 AND base = ?2"
		    " ORDER BY revision DESC LIMIT 1",
		    db_text(name), db_text(w->base)) != 0)
		return e->code;
	content = content_of(w);
	*lacks = newest.revision < 0 || strcmp(content, newest.content) != 0;
	w->revision = (unsigned)(newest.revision + 1);
	/* Revision 0 of a target is the one without binaries. */
	if (w->revision == 0 && w->binary_count > 0)
		w->revision = 1;
	free(content);
	free(newest.content);
	return 0;
}

int
npm_lacking(struct db *db, const char *name, const char *package, const char *target,
	    struct npm_wanted_list *out, struct err *e)
{
	struct npm_wanted_list all = {0};
	int r = list_versions(db, package, &all, e);

	*out = (struct npm_wanted_list){0};
	out->at = xcalloc(all.count + 1, sizeof *out->at);
	for (size_t i = 0; r == 0 && i < all.count; i++) {
		bool lacks = false;

		r = judge(db, name, package, target, &all.at[i], &lacks, e);
		if (r == 0 && lacks) {
			out->at[out->count++] = all.at[i];
			all.at[i].base = all.at[i].source = all.at[i].file = NULL;
		}
	}
	npm_wanted_fini(&all);
	return r;
}

/* ---- what there is ---- */

int
npm_put(struct db *db, const struct npm_version *v, int64_t now, struct err *e)
{
	char *content = content_of(v->of);
	int r = DB_EXEC(db, e, NULL, NULL,
			"INSERT INTO npm_version (name, version, base, revision, content, path,"
			" digest, manifest, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
			" ON CONFLICT (name, version) DO NOTHING",
			db_text(v->name), db_text(v->version), db_text(v->of->base),
			db_int((int64_t)v->of->revision), db_text(content),
			db_text(v->path != NULL ? v->path : ""), db_text(v->digest),
			db_text(v->manifest != NULL ? v->manifest : ""), db_int(now));

	free(content);
	return r;
}

struct versions {
	struct json *manifests, *times;
};

static int
on_version(const struct db_row *row, void *arg)
{
	struct versions *v = arg;
	const char *text = row_text(row, 1);

	json_set(v->manifests, row_text(row, 0), json_parse(text, strlen(text), NULL));
	field_time(v->times, row_text(row, 0), row_int(row, 2));
	return 0;
}

int
npm_versions(struct db *db, const char *name, struct json **out, struct err *e)
{
	struct versions v = {json_object(), json_object()};

	*out = json_object();
	json_set(*out, "versions", v.manifests);
	json_set(*out, "time", v.times);
	return DB_EXEC(db, e, on_version, &v,
		       "SELECT version, manifest, created FROM npm_version WHERE name = ?1"
		       " AND manifest <> '' ORDER BY created, version",
		       db_text(name));
}

static int
on_digest(const struct db_row *row, void *arg)
{
	snprintf(arg, 65, "%s", row_text(row, 0));
	return 0;
}

int
npm_tarball(struct db *db, const char *path, char digest[65], struct err *e)
{
	digest[0] = '\0';
	return DB_EXEC(db, e, on_digest, digest, "SELECT digest FROM npm_version WHERE path = ?1",
		       db_text(path));
}
