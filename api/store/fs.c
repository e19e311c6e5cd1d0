#include "api/store/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"

struct fs {
	char *dir;
};

static int
fs_open(const char *location, void **backend, struct err *e)
{
	struct fs *fs = xcalloc(1, sizeof *fs);
	char *sub[2];
	int r = 0;

	fs->dir = xstrdup(location);
	sub[0] = xasprintf("%s/sha256", location);
	sub[1] = xasprintf("%s/names", location);
	for (size_t i = 0; i < ARRAY_SIZE(sub); i++) {
		if (r == 0)
			r = file_mkdirs(sub[i], 0755, e);
		free(sub[i]);
	}
	if (r != 0) {
		free(fs->dir);
		free(fs);
		return r;
	}
	*backend = fs;
	return 0;
}

static void
fs_close(void *backend)
{
	struct fs *fs = backend;

	free(fs->dir);
	free(fs);
}

static void
blob_path(const struct fs *fs, const char *hex, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/sha256/%.2s/%s", fs->dir, hex, hex);
}

/* fsync of the bytes, then rename, then fsync of the folder: the name appears only with its whole
 * content behind it. */
static int
fs_put(void *backend, const char *path, const char *hex, struct err *e)
{
	const struct fs *fs = backend;
	char blob[PATH_MAX], folder[PATH_MAX];
	int fd, r = 0;

	blob_path(fs, hex, blob);
	snprintf(folder, sizeof folder, "%s/sha256/%.2s", fs->dir, hex);
	if (file_exists(blob)) {
		unlink(path);
		return 0;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "open %s", path);
	if (fsync(fd) != 0 || fchmod(fd, 0444) != 0)
		r = err_sys(e, -errno, "store %s", hex);
	close(fd);
	if (r == 0)
		r = file_mkdirs(folder, 0755, e);
	if (r == 0 && rename(path, blob) != 0)
		r = err_sys(e, -errno, "store %s", hex);
	return r != 0 ? r : file_sync_dir(folder, e);
}

/* "../" once for each folder between names/ and the link. */
static char *
link_target(const char *name, const char *hex)
{
	struct buf up = {0};

	for (const char *c = name; *c != '\0'; c++)
		if (*c == '/')
			buf_adds(&up, "../");
	buf_addf(&up, "sha256/%.2s/%s", hex, hex);
	return buf_take(&up);
}

static int
fs_link(void *backend, const char *name, const char *hex, struct err *e)
{
	const struct fs *fs = backend;
	char *path = xasprintf("%s/names%s", fs->dir, name);
	char *target = link_target(name, hex);
	char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	char have[PATH_MAX];
	ssize_t n;
	int r = file_mkdirs(folder, 0755, e);

	if (r == 0 && symlink(target, path) != 0) {
		n = errno == EEXIST ? readlink(path, have, sizeof have - 1) : -1;
		if (n < 0)
			r = err_sys(e, -errno, "link %s", name);
		else if ((size_t)n != strlen(target) || memcmp(have, target, (size_t)n) != 0)
			r = err_set(e, ERR_CONFLICT, "%s has other bytes already", name);
	}
	if (r == 0)
		r = file_sync_dir(folder, e);
	free(folder);
	free(target);
	free(path);
	return r;
}

static int
open_file(const char *path, struct store_file *out, const char *what, struct err *e)
{
	struct stat st;

	out->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (out->fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG))
		return err_set(e, ERR_NOT_FOUND, "%s is not in the store", what);
	if (out->fd < 0)
		return err_sys(e, -errno, "open %s", what);
	if (fstat(out->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(out->fd);
		return err_set(e, ERR_NOT_FOUND, "%s is not in the store", what);
	}
	out->size = (uint64_t)st.st_size;
	return 0;
}

static int
fs_open_blob(void *backend, const char *hex, struct store_file *out, struct err *e)
{
	char path[PATH_MAX];

	blob_path(backend, hex, path);
	snprintf(out->hex, sizeof out->hex, "%s", hex);
	return open_file(path, out, hex, e);
}

static int
fs_open_name(void *backend, const char *name, struct store_file *out, struct err *e)
{
	const struct fs *fs = backend;
	char path[PATH_MAX], target[PATH_MAX];
	const char *slash;
	ssize_t n;

	if ((size_t)snprintf(path, sizeof path, "%s/names%s", fs->dir, name) >= sizeof path)
		return err_set(e, ERR_NOT_FOUND, "%.80s… is not in the store", name);
	n = readlink(path, target, sizeof target - 1);
	if (n < 0)
		return err_set(e, ERR_NOT_FOUND, "%s is not in the store", name);
	target[n] = '\0';
	slash = strrchr(target, '/');
	snprintf(out->hex, sizeof out->hex, "%s", slash != NULL ? slash + 1 : "");
	return open_file(path, out, name, e);
}

const struct store_ops store_fs = {
	.scheme = "file",
	.open = fs_open,
	.close = fs_close,
	.put = fs_put,
	.link = fs_link,
	.open_blob = fs_open_blob,
	.open_name = fs_open_name,
};
