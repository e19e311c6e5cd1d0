/*
 * yarn2.c - the yarn.lock of yarn 2 and later, which is YAML.
 *
 * "resolution" says what a package is, whatever the ranges and aliases of its key are:
 * "sqlite3@npm:6.0.1", "inner@workspace:packages/inner", "x@patch:x@npm%3A1.0.0#…", "x@file:…".
 */
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/lockfile/formats.h"

static bool
starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The package that a patch is for stands in the file, too. */
static bool
is_of_project(const char *protocol)
{
	return starts(protocol, "workspace:") || starts(protocol, "link:") ||
	       starts(protocol, "portal:") || starts(protocol, "patch:");
}

static int
add_package(struct lockfile *l, const struct json *p, struct err *e)
{
	char *name = xstrdup(json_str(p, "resolution", ""));
	char *protocol = (char *)lockfile_at(name);
	bool npm;
	int r = 0;

	if (protocol == NULL) {
		r = err_set(e, ERR_MALFORMED, "\"%.100s\" has no resolution", json_name(p));
	} else if (*protocol++ = '\0', !is_of_project(protocol)) {
		npm = starts(protocol, "npm:");
		/* "npm:1.0.0::__archiveUrl=…" names the URL of a registry that has its own. */
		if (npm && strstr(protocol, "::") != NULL)
			*strstr(protocol, "::") = '\0';
		r = lockfile_add(l, name, npm ? protocol + 4 : NULL, npm ? NULL : protocol, NULL,
				 false, e);
	}
	free(name);
	return r;
}

int
lockfile_yarn2(const struct json *doc, struct lockfile *l, struct err *e)
{
	int r = 0;

	l->format = LOCKFILE_YARN_2;
	json_foreach (p, doc) {
		if (strcmp(json_name(p), "__metadata") == 0)
			continue;
		r = add_package(l, p, e);
		if (r != 0)
			break;
	}
	return r;
}
