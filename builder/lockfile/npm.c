/*
 * npm.c - package-lock.json and npm-shrinkwrap.json.
 *
 * Version 1 is a tree of "dependencies", version 3 a flat list of "packages" by their place in
 * node_modules, and version 2 has both, of which the second says more.
 */
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/lockfile/formats.h"

#define MODULES "node_modules/"

static bool
starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* A tarball of a registry is fetched with http(s). That such a URL may also be another's is seen when
 * the registry is asked: its integrity is compared. */
static bool
is_elsewhere(const char *resolved)
{
	return resolved != NULL && !starts(resolved, "https://") && !starts(resolved, "http://");
}

/* The version says where a package comes from unless it is one: "npm:sqlite3@6.0.1" of an alias,
 * "file:packages/inner" of a folder, "file:x.tgz" and "git+ssh://…" of what has a version elsewhere. */
static int
add_of_tree(struct lockfile *l, const struct json *p, struct err *e)
{
	const char *version = json_str(p, "version", ""), *name = json_name(p);
	const char *integrity = json_str(p, "integrity", NULL), *at;
	char *alias;
	int r;

	if (json_bool(p, "bundled", false) || (starts(version, "file:") && integrity == NULL))
		return 0;
	if (!starts(version, "npm:") || (at = lockfile_at(version + 4)) == NULL)
		return lockfile_add(l, name, version, NULL, integrity, false, e);
	alias = xstrndup(version + 4, (size_t)(at - version) - 4);
	r = lockfile_add(l, alias, at + 1, NULL, integrity, false, e);
	free(alias);
	return r;
}

/* json_parse bounds the depth. */
static int
walk_tree(struct lockfile *l, const struct json *dependencies, struct err *e)
{
	json_foreach (p, dependencies) {
		int r = add_of_tree(l, p, e);

		if (r == 0)
			r = walk_tree(l, json_get(p, "dependencies"), e);
		if (r != 0)
			return r;
	}
	return 0;
}

/* What is no link, lies outside node_modules and has no name in a registry is the project itself or
 * a workspace of it. */
static int
add_of_list(struct lockfile *l, const struct json *p, struct err *e)
{
	const char *place = json_name(p), *resolved = json_str(p, "resolved", NULL), *next;
	const char *name = NULL;

	for (next = place; (next = strstr(next, MODULES)) != NULL;) {
		next += strlen(MODULES);
		name = next;
	}
	if (name == NULL || json_bool(p, "inBundle", false) || json_bool(p, "link", false))
		return 0;
	return lockfile_add(
		l, json_str(p, "name", name), json_str(p, "version", NULL),
		is_elsewhere(resolved) ? resolved : NULL, json_str(p, "integrity", NULL),
		!json_bool(p, "hasInstallScript", false) && json_get(p, "os") == NULL &&
			json_get(p, "cpu") == NULL && json_get(p, "optionalDependencies") == NULL,
		e);
}

int
lockfile_npm(const struct json *doc, struct lockfile *l, struct err *e)
{
	int64_t version = json_int(doc, "lockfileVersion", 0);
	int r = 0;

	if (!json_is_object(doc) || version == 0)
		return err_set(e, ERR_MALFORMED,
			       "not a lock file: no lockfileVersion (is it a package.json?)");
	if (version < 1 || version > 3)
		return err_set(e, ERR_UNSUPPORTED,
			       "npm's lockfileVersion %lld is not known; 1, 2 and 3 are",
			       (long long)version);
	l->format = version == 1 ? LOCKFILE_NPM_1 : version == 2 ? LOCKFILE_NPM_2 : LOCKFILE_NPM_3;
	if (version == 1)
		return walk_tree(l, json_get(doc, "dependencies"), e);
	json_foreach (p, json_get(doc, "packages")) {
		r = add_of_list(l, p, e);
		if (r != 0)
			break;
	}
	return r;
}
