#include "builder/source/default_abi.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

#define EVERY_NODE   8          /* the Node-API version that every supported Node has */
#define SOURCE_MAX   (1u << 20) /* bytes of a source that are looked at */
#define SOURCES_MAX  2000       /* … and how many of them */
#define DEPTH_MAX    8
#define GYP_MAX      (1u << 20)
#define VERSION_NAME "NAPI_VERSION="

static unsigned
named_version(const struct json *manifest)
{
	unsigned highest = 0;

	json_foreach (v, json_get(json_get(manifest, "binary"), "napi_versions")) {
		int64_t n = json_number(v, 0);

		if (n > highest && n <= ABI_NAPI_MAX)
			highest = (unsigned)n;
	}
	return highest;
}

static unsigned
defined_version(const char *source)
{
	char *path = xasprintf("%s/binding.gyp", source);
	struct buf text = {0};
	const char *at = NULL;
	unsigned long n = 0;

	if (file_read(path, GYP_MAX, &text, NULL) == 0 && text.data != NULL)
		at = strstr(text.data, VERSION_NAME);
	if (at != NULL)
		n = strtoul(at + strlen(VERSION_NAME), NULL, 10);
	buf_fini(&text);
	free(path);
	return n <= ABI_NAPI_MAX ? (unsigned)n : 0;
}

static bool
is_source(const char *name)
{
	static const char *const ends[] = {".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < ARRAY_SIZE(ends); i++)
		if (strcmp(dot, ends[i]) == 0)
			return true;
	return false;
}

static bool
includes_node_api(const char *path)
{
	struct buf text = {0};
	bool found =
		file_read(path, SOURCE_MAX, &text, NULL) == 0 && text.data != NULL &&
		(strstr(text.data, "node_api.h") != NULL || strstr(text.data, "napi.h") != NULL);

	buf_fini(&text);
	return found;
}

/* Links are not followed; what the package depends on is not its own source. */
static bool
any_includes_node_api(const char *folder, int depth, int *left)
{
	DIR *dir = depth < DEPTH_MAX ? opendir(folder) : NULL;
	const struct dirent *entry;
	bool found = false;

	if (dir == NULL)
		return false;
	while (!found && *left > 0 && (entry = readdir(dir)) != NULL) {
		char *path = xasprintf("%s/%s", folder, entry->d_name);
		struct stat st;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0 ||
		    lstat(path, &st) != 0) {
			free(path);
			continue;
		}
		if (S_ISDIR(st.st_mode))
			found = any_includes_node_api(path, depth + 1, left);
		else if (S_ISREG(st.st_mode) && is_source(entry->d_name) && (*left)-- > 0)
			found = includes_node_api(path);
		free(path);
	}
	closedir(dir);
	return found;
}

struct abi
default_abi(const char *source, const struct json *manifest, unsigned node_abi)
{
	struct abi abi = {.kind = ABI_NAPI, .version = named_version(manifest)};
	int left = SOURCES_MAX;

	if (abi.version == 0)
		abi.version = defined_version(source);
	if (abi.version == 0 &&
	    (json_get(json_get(manifest, "dependencies"), "node-addon-api") != NULL ||
	     any_includes_node_api(source, 0, &left)))
		abi.version = EVERY_NODE;
	if (abi.version == 0)
		abi = (struct abi){.kind = ABI_NODE, .version = node_abi};
	return abi;
}
