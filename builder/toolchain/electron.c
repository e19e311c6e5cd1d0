#include "builder/toolchain/electron.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"

#define DEPTH_MAX 16

/* ---- the ABI ---- */

/* Electron's own build writes its number over Node's in this header. */
static int
read_abi(const char *include, unsigned *abi, struct err *e)
{
	static const char define[] = "#define NODE_MODULE_VERSION ";
	char *path = xasprintf("%s/node_version.h", include);
	struct buf text = {0};

	*abi = 0;
	if (file_read_regular(path, ELECTRON_FILE_MAX, &text, e) == 0 && text.data != NULL) {
		/* The other definition takes what the compiler is told, in builds of Node. */
		for (const char *at = text.data; *abi == 0 && (at = strstr(at, define)) != NULL;) {
			at += strlen(define);
			if (isdigit((unsigned char)*at))
				*abi = (unsigned)strtoul(at, NULL, 10);
		}
	}
	if (e->code == 0 && *abi == 0)
		err_set(e, ERR_INVALID, "%s has no number for NODE_MODULE_VERSION", path);
	buf_fini(&text);
	free(path);
	return e->code;
}

/* ---- versions ---- */

/* "33.0.0" or "v33.0.0", also with "-beta.1": its numbers; false if the name is no version. */
static bool
read_version(const char *name, unsigned long numbers[3])
{
	const char *at = name + (name[0] == 'v');
	char *end;

	if (strlen(name) >= ELECTRON_VERSION_MAX)
		return false;
	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)*at))
			return false;
		numbers[i] = strtoul(at, &end, 10);
		at = end + (i < 2 && *end == '.');
	}
	return *at == '\0' || *at == '-';
}

static bool
is_newer(const char *a, const char *b)
{
	unsigned long x[3] = {0}, y[3] = {0};

	read_version(a, x);
	read_version(b, y);
	for (int i = 0; i < 3; i++)
		if (x[i] != y[i])
			return x[i] > y[i];
	return strchr(b, '-') != NULL;
}

/* ---- the copy ---- */

struct copying {
	struct buf manifest;
	unsigned files;
	struct err *e;
};

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
copy_file(struct copying *c, const char *from, const char *to, const char *path)
{
	struct buf bytes = {0};
	struct digest d;
	char hex[DIGEST_HEX_SIZE];

	if (++c->files > ELECTRON_FILES_MAX)
		return err_set(c->e, ERR_LIMIT, "%s: more than %d files", from, ELECTRON_FILES_MAX);
	if (file_read_regular(from, ELECTRON_FILE_MAX, &bytes, c->e) == 0 &&
	    file_write(to, bytes.data, bytes.len, 0644, c->e) == 0) {
		digest_bytes(bytes.data, bytes.len, &d);
		digest_hex(&d, hex);
		buf_addf(&c->manifest, "%s %s\n", hex, path);
	}
	buf_fini(&bytes);
	return c->e->code;
}

/* path: where it is in the release, "" or with a slash at its end. */
static int
copy_folder(struct copying *c, const char *from, const char *to, const char *path, unsigned depth)
{
	struct dirent **list = NULL;
	int n;

	if (depth > DEPTH_MAX)
		return err_set(c->e, ERR_LIMIT, "%s: more than %d folders deep", from, DEPTH_MAX);
	if (file_mkdirs(to, 0755, c->e) != 0)
		return c->e->code;
	n = scandir(from, &list, NULL, by_name);
	if (n < 0)
		return err_sys(c->e, -errno, "read %s", from);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		char *source = xasprintf("%s/%s", from, name), *copy = xasprintf("%s/%s", to, name);
		char *inside = xasprintf("%s%s", path, name);
		struct stat st;

		if (c->e->code == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			if (lstat(source, &st) != 0)
				err_sys(c->e, -errno, "look at %s", source);
			else if (S_ISREG(st.st_mode))
				copy_file(c, source, copy, inside);
			else if (!S_ISDIR(st.st_mode))
				err_set(c->e, ERR_INVALID, "%s: neither a file nor a folder",
					source);
			else {
				char *below = xasprintf("%s/", inside);

				copy_folder(c, source, copy, below, depth + 1);
				free(below);
			}
		}
		free(source);
		free(copy);
		free(inside);
		free(list[i]);
	}
	free(list);
	return c->e->code;
}

static int
copy_release(const char *from, const char *to, struct electron_release *release, struct err *e)
{
	struct copying c = {.e = e};
	char *source = xasprintf("%s/%s/include/node", from, release->version);
	char *copy = xasprintf("%s/%s/include/node", to, release->version);
	struct digest d;

	if (copy_folder(&c, source, copy, "", 0) == 0) {
		digest_bytes(c.manifest.data, c.manifest.len, &d);
		digest_hex(&d, release->digest);
	}
	buf_fini(&c.manifest);
	free(source);
	free(copy);
	return e->code;
}

/* ---- what there is ---- */

static int
add_release(const char *from, const char *version, struct electron *out, struct err *e)
{
	char *include = xasprintf("%s/%s/include/node", from, version);
	struct electron_release *have = NULL;
	unsigned abi = 0;

	read_abi(include, &abi, e);
	free(include);
	if (e->code != 0)
		return e->code;
	for (size_t i = 0; i < out->count; i++)
		if (out->at[i].abi == abi)
			have = &out->at[i];
	if (have == NULL && out->count == ELECTRON_ABIS_MAX)
		return err_set(e, ERR_LIMIT, "%s: more than %d ABIs", from, ELECTRON_ABIS_MAX);
	if (have == NULL)
		have = &out->at[out->count++];
	else if (!is_newer(version, have->version))
		return 0;
	have->abi = abi;
	snprintf(have->version, sizeof have->version, "%.*s", ELECTRON_VERSION_MAX - 1, version);
	return 0;
}

int
electron_list(const char *dir, struct electron *out, struct err *e)
{
	struct dirent **list = NULL;
	unsigned long numbers[3];
	int n = scandir(dir, &list, NULL, by_name);

	*out = (struct electron){0};
	if (n < 0)
		return err_sys(e, -errno, "read %s", dir);
	for (int i = 0; i < n; i++) {
		if (e->code == 0 && read_version(list[i]->d_name, numbers))
			add_release(dir, list[i]->d_name, out, e);
		free(list[i]);
	}
	free(list);
	if (e->code == 0 && out->count == 0)
		err_set(e, ERR_INVALID,
			"%s has no folder of a release; unpack Electron's headers as "
			"VERSION/include/node",
			dir);
	return e->code;
}

int
electron_copy(const char *dir, const char *to, struct electron *out, struct err *e)
{
	if (electron_list(dir, out, e) == 0)
		file_remove_tree(to, e);
	for (size_t i = 0; e->code == 0 && i < out->count; i++)
		copy_release(dir, to, &out->at[i], e);
	return e->code;
}

const struct electron_release *
electron_find(const struct electron *electron, unsigned abi)
{
	for (size_t i = 0; i < electron->count; i++)
		if (electron->at[i].abi == abi)
			return &electron->at[i];
	return NULL;
}
