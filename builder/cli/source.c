#include "builder/cli/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/pack/pack.h"
#include "builder/remote/remote.h"

static bool
is_left_out(const char *name)
{
	static const char *const top[] = {"node_modules", "build"};
	static const char *const anywhere[] = {".git", ".npmrc"};
	const char *base = strrchr(name, '/');

	base = base != NULL ? base + 1 : name;
	for (size_t i = 0; i < ARRAY_SIZE(top); i++)
		if (strcmp(name, top[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(anywhere); i++)
		if (strcmp(base, anywhere[i]) == 0)
			return true;
	return false;
}

static int
upload(const struct remote *r, const char *file, char **source, struct err *e)
{
	struct json *answer = NULL;

	if (remote_send_file(r, "/v1/sources", file, &answer, e) == 0) {
		*source = xstrdup(json_str(answer, "source", ""));
		if ((*source)[0] == '\0')
			err_set(e, ERR_INTERNAL, "the service does not say what it got");
	}
	json_free(answer);
	return e->code;
}

static int
upload_folder(const struct remote *r, const char *dir, char **source, struct err *e)
{
	char *scratch = ctl_scratch(e), *file;

	if (scratch == NULL)
		return e->code;
	file = xasprintf("%s/source.tar.gz", scratch);
	if (pack_tree_without(dir, "package", is_left_out, file, e) == 0)
		upload(r, file, source, e);
	file_remove_tree(scratch, NULL);
	free(file);
	free(scratch);
	return e->code;
}

int
source_upload(const struct remote *r, const char *path, char **source, struct err *e)
{
	struct stat st;

	*source = NULL;
	if (stat(path, &st) != 0)
		return err_sys(e, -errno, "--source %s", path);
	return S_ISDIR(st.st_mode) ? upload_folder(r, path, source, e) : upload(r, path, source, e);
}
