#include "builder/engine/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

#define MANIFEST_MAX     (4u << 20)
#define DEPENDENCIES_MAX 500

static char *
path_in(const char *src)
{
	return xasprintf("%s/package.json", src);
}

static int
write_json(const char *src, const struct json *manifest, struct err *e)
{
	char *path = path_in(src), *text = json_pretty(manifest);

	file_write(path, text, strlen(text), 0644, e);
	free(text);
	free(path);
	return e->code;
}

static void
set_identity(struct json *manifest, const char *package, const char *version)
{
	json_set_str(manifest, "name", package);
	json_set_str(manifest, "version", version);
}

int
manifest_read(const char *src, const char *package, const char *version, struct json **out,
	      struct err *e)
{
	char *path = path_in(src);
	struct buf text = {0};
	struct err why = {0};
	int r;

	*out = NULL;
	r = file_read_regular(path, MANIFEST_MAX, &text, &why);
	if (r == -ENOENT && package[0] != '\0' && version[0] != '\0') {
		*out = json_object();
		set_identity(*out, package, version);
		write_json(src, *out, e);
	} else if (r == -ENOENT) {
		err_set(e, ERR_INVALID,
			"the source has no package.json; say what it is: give PACKAGE@VERSION");
	} else if (r != 0) {
		err_set(e, ERR_MALFORMED, "package.json: it cannot be read");
	} else {
		*out = json_parse(text.data != NULL ? text.data : "", text.len, &why);
		if (*out == NULL || !json_is_object(*out))
			err_set(e, ERR_MALFORMED, "package.json: %s",
				*out == NULL ? why.msg : "it is no object");
	}
	buf_fini(&text);
	free(path);
	return e->code;
}

int
manifest_identify(const struct json *manifest, const char *package, const char *version,
		  char package_out[PACKAGE_NAME_MAX + 1], char version_out[PACKAGE_VERSION_MAX + 1],
		  struct err *e)
{
	const char *name = json_str(manifest, "name", package);
	const char *number = json_str(manifest, "version", version);

	if (!package_name_valid(name) || !package_version_valid(number))
		return err_set(
			e, ERR_INVALID,
			"the source's package.json names no package and version; say what it "
			"is: give PACKAGE@VERSION");
	if ((package[0] != '\0' && strcmp(package, name) != 0) ||
	    (version[0] != '\0' && strcmp(version, number) != 0))
		return err_set(
			e, ERR_INVALID,
			"the source is %s@%s by its package.json, not what was asked for: %s@%s",
			name, number, package, version);
	snprintf(package_out, PACKAGE_NAME_MAX + 1, "%s", name);
	snprintf(version_out, PACKAGE_VERSION_MAX + 1, "%s", number);
	return 0;
}

/* A version range and nothing that would make npm fetch from elsewhere. */
static bool
is_range(const char *spec)
{
	return strlen(spec) < 200 && strpbrk(spec, ":/\\") == NULL;
}

int
manifest_reduce(const char *src, const char *kept, const struct json *manifest, const char *package,
		const char *version, bool *dependencies, struct err *e)
{
	const struct json *wanted = json_get(manifest, "dependencies"), *bundled;
	struct json *reduced = json_object();
	char *path = path_in(src);

	json_foreach (d, wanted) {
		if (!is_range(json_string(d, "/")))
			err_set(e, ERR_UNSUPPORTED,
				"dependency %.80s@%.80s does not come from the registry",
				json_name(d), json_string(d, "?"));
	}
	*dependencies = json_count(wanted) > 0;
	if (json_count(wanted) > DEPENDENCIES_MAX)
		err_set(e, ERR_LIMIT, "more than %d dependencies", DEPENDENCIES_MAX);
	set_identity(reduced, package, version);
	if (*dependencies)
		json_set(reduced, "dependencies", json_copy(wanted));
	/* npm knows both names. Those are in the package's own tarball, and npm leaves them as they are. */
	bundled = json_get(manifest, "bundleDependencies");
	if (bundled == NULL)
		bundled = json_get(manifest, "bundledDependencies");
	if (*dependencies && json_is_array(bundled))
		json_set(reduced, "bundleDependencies", json_copy(bundled));
	if (e->code == 0 && rename(path, kept) != 0)
		err_set(e, ERR_BUILD, "the package has no package.json");
	if (e->code == 0)
		write_json(src, reduced, e);
	free(path);
	json_free(reduced);
	return e->code;
}

int
manifest_restore(const char *src, const char *kept, struct err *e)
{
	char *path = path_in(src);

	if (rename(kept, path) != 0)
		err_set(e, ERR_INTERNAL, "package.json is gone");
	free(path);
	return e->code;
}
