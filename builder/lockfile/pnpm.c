/*
 * pnpm.c - pnpm-lock.yaml.
 *
 * The keys of "packages" say name and version: "/@s/n/1.0.0" in version 5, "/@s/n@1.0.0" in 6,
 * "@s/n@1.0.0" in 9; in 5 and 6 with the peers that were chosen after it, "_react@18.0.0" or
 * "(react@18.0.0)". Aliases stand with those who use them, not here.
 */
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/lockfile/formats.h"
#include "builder/model/package.h"

/* What a registry has is fetched as a tarball with an integrity; a folder or a repository has a type,
 * and a tarball from elsewhere a key that is its URL, or no integrity. */
static bool
is_of_registry(const struct json *resolution)
{
	return json_str(resolution, "integrity", NULL) != NULL &&
	       json_str(resolution, "type", NULL) == NULL;
}

/* Cuts the key behind its name, and the version behind itself; NULL if it has another form. */
static char *
split_key(char *key, enum lockfile_format format)
{
	char *at = (char *)lockfile_at(key);

	if (format == LOCKFILE_PNPM_5)
		at = strrchr(key, '/');
	if (at == NULL || at == key)
		return NULL;
	*at++ = '\0';
	at[strcspn(at, format == LOCKFILE_PNPM_5 ? "_(" : "(")] = '\0';
	return at;
}

static int
add_package(struct lockfile *l, const struct json *p, struct err *e)
{
	const struct json *resolution = json_get(p, "resolution");
	const char *whole = json_name(p);
	/* Those of another registry start with its host instead of the slash. */
	char *key = xstrdup(whole + (whole[0] == '/')), *version = split_key(key, l->format);
	bool registry = version != NULL && package_name_valid(key) && is_of_registry(resolution);
	bool plain = l->format != LOCKFILE_PNPM_9 && json_get(p, "requiresBuild") == NULL &&
		     json_get(p, "os") == NULL && json_get(p, "cpu") == NULL &&
		     json_get(p, "optionalDependencies") == NULL;
	int r;

	if (registry)
		r = lockfile_add(l, key, version, NULL, json_str(resolution, "integrity", NULL),
				 plain, e);
	else
		/* The key of what comes from elsewhere may be its URL; then its name is beside it. */
		r = lockfile_add(l, json_str(p, "name", package_name_valid(key) ? key : whole),
				 NULL, whole, NULL, plain, e);
	free(key);
	return r;
}

int
lockfile_pnpm(const struct json *doc, struct lockfile *l, struct err *e)
{
	const char *text = json_str(doc, "lockfileVersion", "");
	int major = atoi(text), r = 0;

	if (text[0] == '\0')
		return err_set(e, ERR_MALFORMED,
			       "not a lock file of npm, pnpm or yarn: no lockfileVersion");
	if (major != 5 && major != 6 && major != 9)
		return err_set(e, ERR_UNSUPPORTED,
			       "pnpm's lockfileVersion %.20s is not known; 5, 6 and 9 are", text);
	l->format = major == 5 ? LOCKFILE_PNPM_5 : major == 6 ? LOCKFILE_PNPM_6 : LOCKFILE_PNPM_9;
	json_foreach (p, json_get(doc, "packages")) {
		r = add_package(l, p, e);
		if (r != 0)
			break;
	}
	return r;
}
