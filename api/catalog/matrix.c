#include "api/catalog/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/field.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/model/job.h"

static int
on_version(const struct db_row *row, void *arg)
{
	strv_add(arg, row_text(row, 0));
	return 0;
}

/* abi NULL: any. */
static const struct json *
find(const struct json *cells, const char *target, const char *abi)
{
	json_foreach (cell, cells)
		if (strcmp(json_str(cell, "target", ""), target) == 0 &&
		    (abi == NULL || strcmp(json_str(cell, "abi", ""), abi) == 0))
			return cell;
	return NULL;
}

static struct json *
cell_new(const char *target, const char *abi, const char *state)
{
	struct json *cell = json_object();

	json_set_str(cell, "target", target);
	json_set_str(cell, "abi", abi[0] != '\0' ? abi : NULL);
	json_set_str(cell, "state", state);
	return cell;
}

/* What the report says of the load test, and no more: where nothing ran, "ran" is false. */
static struct json *
load_of(const char *report)
{
	struct json *v = json_parse(report, strlen(report), NULL), *load;

	if (json_is_object(json_get(v, "load"))) {
		load = json_copy(json_get(v, "load"));
	} else {
		load = json_object();
		json_set_bool(load, "ran", false);
	}
	json_free(v);
	return load;
}

static int
on_artifact(const struct db_row *row, void *arg)
{
	struct json *cell = cell_new(row_text(row, 0), row_text(row, 1), "succeeded");
	struct json *artifact = json_object(), *load = load_of(row_text(row, 4));

	json_set_str(artifact, "sha256", row_text(row, 2));
	json_set_int(artifact, "size", row_int(row, 3));
	json_set_str(artifact, "prebuild", row_text(row, 5));
	json_set_bool(artifact, "load_tested", json_bool(load, "ran", false));
	json_set_str(cell, "reason", NULL);
	json_set(cell, "artifact", artifact);
	json_set(cell, "load", load);
	json_set_str(cell, "job", NULL);
	json_add(arg, cell);
	return 0;
}

/* The newest job of a target and ABI, for what is not published. One that never learned its ABI
 * counts only as long as nothing else is known of the target. */
static int
on_job(const struct db_row *row, void *arg)
{
	const char *target = row_text(row, 1), *abi = row_text(row, 2);
	enum job_state state = job_state_parse(row_text(row, 3));
	struct json *cell, *reason;

	if (find(arg, target, abi[0] != '\0' ? abi : NULL) != NULL)
		return 0;
	cell = cell_new(target, abi, state < JOB_STATE_COUNT ? job_state_shown(state) : "unknown");
	json_set_str(cell, "reason", NULL);
	if (row_text(row, 4) != NULL) {
		reason = json_object();
		json_set_str(reason, "code", row_text(row, 4));
		json_set_str(reason, "message", row_text(row, 5));
		json_set(cell, "reason", reason);
	}
	json_set_str(cell, "artifact", NULL);
	json_set_str(cell, "load", NULL);
	field_id(cell, "job", 'j', row_int(row, 0));
	json_add(arg, cell);
	return 0;
}

static int
add_version(struct db *db, const char *package, const char *version, struct json *list,
	    struct err *e)
{
	struct json *o = json_object(), *cells = json_array();
	int r = DB_EXEC(db, e, on_artifact, cells,
			"SELECT target, abi, digest, size, report, (SELECT path FROM name"
			" WHERE name.artifact = artifact.id AND name.layout = 'prebuild-install')"
			" FROM artifact WHERE package = ?1 AND version = ?2 ORDER BY target, abi",
			db_text(package), db_text(version));

	if (r == 0)
		r = DB_EXEC(db, e, on_job, cells,
			    "SELECT id, target, abi, state, code, error FROM job WHERE id IN ("
			    "SELECT max(id) FROM job WHERE package = ?1 AND version = ?2"
			    " AND kind <> 'resolve' GROUP BY target, abi)"
			    " ORDER BY CASE WHEN abi = '' THEN 1 ELSE 0 END, target, abi",
			    db_text(package), db_text(version));
	json_set_str(o, "version", version);
	json_set(o, "cells", cells);
	json_add(list, o);
	return r;
}

int
matrix_json(struct db *db, const struct matrix_filter *f, struct json **out, struct err *e)
{
	struct json *list = json_array();
	struct strv versions = {0};
	int r = DB_EXEC(db, e, on_version, &versions,
			"SELECT version FROM ("
			"SELECT version FROM job WHERE package = ?1 AND kind <> 'resolve'"
			" UNION SELECT version FROM artifact WHERE package = ?1) v"
			" WHERE (?2 IS NULL OR version = ?2) AND (?3 IS NULL OR version > ?3)"
			" ORDER BY version LIMIT ?4",
			db_text(f->package), db_text(f->version), db_text(f->after),
			db_int(f->limit));

	for (size_t i = 0; r == 0 && i < versions.n; i++)
		r = add_version(db, f->package, versions.at[i], list, e);
	*out = json_object();
	json_set_str(*out, "package", f->package);
	json_set(*out, "versions", list);
	json_set_str(*out, "cursor",
		     versions.n == (size_t)f->limit ? versions.at[versions.n - 1] : NULL);
	if (r == 0 && versions.n == 0 && f->after == NULL)
		r = err_set(e, ERR_NOT_FOUND,
			    "nothing of %s%s%s was asked for here yet; prebuildctl build does that",
			    f->package, f->version != NULL ? "@" : "",
			    f->version != NULL ? f->version : "");
	strv_fini(&versions);
	return r;
}
