#include "api/store/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"

struct fs {
	char *dir;
	pthread_mutex_t lock; /* between putting what is there already, and removing it */
};

static int
fs_open(const char *location, const struct store_config *config, void **backend, struct err *e)
{
	struct fs *fs = xcalloc(1, sizeof *fs);
	char *sub[2];
	int r = 0;

	(void)config;
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
	pthread_mutex_init(&fs->lock, NULL);
	*backend = fs;
	return 0;
}

static void
fs_close(void *backend)
{
	struct fs *fs = backend;

	pthread_mutex_destroy(&fs->lock);
	free(fs->dir);
	free(fs);
}

static void
blob_path(const struct fs *fs, const char *hex, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/sha256/%.2s/%s", fs->dir, hex, hex);
}

/* Whether it is there; if so, it counts as put now. */
static bool
touch(struct fs *fs, const char *blob)
{
	bool there;

	pthread_mutex_lock(&fs->lock);
	there = utimensat(AT_FDCWD, blob, NULL, 0) == 0;
	pthread_mutex_unlock(&fs->lock);
	return there;
}

/* fsync of the bytes, then rename, then fsync of the folder: the name appears only with its whole
 * content behind it. */
static int
fs_put(void *backend, const char *path, const char *hex, struct err *e)
{
	struct fs *fs = backend;
	char blob[PATH_MAX], folder[PATH_MAX];
	int fd, r = 0;

	blob_path(fs, hex, blob);
	snprintf(folder, sizeof folder, "%s/sha256/%.2s", fs->dir, hex);
	if (touch(fs, blob)) {
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
fs_open_here(void *backend, const char *hex, struct store_file *out, struct err *e)
{
	char path[PATH_MAX];
	struct stat st;

	blob_path(backend, hex, path);
	out->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (out->fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "%s is not in the store", hex);
	if (out->fd < 0)
		return err_sys(e, -errno, "open %s", hex);
	if (fstat(out->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(out->fd);
		return err_set(e, ERR_NOT_FOUND, "%s is not in the store", hex);
	}
	out->size = (uint64_t)st.st_size;
	snprintf(out->hex, sizeof out->hex, "%s", hex);
	return 0;
}

static int
fs_resolve(void *backend, const char *name, char hex[DIGEST_HEX_SIZE], struct err *e)
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
	snprintf(hex, DIGEST_HEX_SIZE, "%s", slash != NULL ? slash + 1 : "");
	return 0;
}

static int64_t
put_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

static int
fs_each(void *backend, const char *prefix, store_on_content on_content, void *arg, struct err *e)
{
	const struct fs *fs = backend;
	char *folder = xasprintf("%s/sha256/%s", fs->dir, prefix);
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	struct stat st;
	int r = 0;

	if (dir == NULL && errno != ENOENT)
		r = err_sys(e, -errno, "read %s", folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strlen(entry->d_name) != DIGEST_HEX_SIZE - 1 ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		on_content(entry->d_name, (uint64_t)st.st_size, put_ms(&st), arg);
	}
	if (dir != NULL)
		closedir(dir);
	free(folder);
	return r;
}

static int
fs_remove(void *backend, const char *hex, int64_t before, bool *removed, struct err *e)
{
	struct fs *fs = backend;
	char blob[PATH_MAX];
	struct stat st;
	int r = 0;

	*removed = false;
	blob_path(fs, hex, blob);
	pthread_mutex_lock(&fs->lock);
	if (lstat(blob, &st) == 0 && put_ms(&st) < before) {
		/* Another process may have been here first. */
		*removed = unlink(blob) == 0;
		if (!*removed && errno != ENOENT)
			r = err_sys(e, -errno, "remove %s", blob);
	}
	pthread_mutex_unlock(&fs->lock);
	return r;
}

/* The folders stay: a name that is made there meanwhile needs them. */
static int
fs_unlink(void *backend, const char *const *names, size_t count, struct err *e)
{
	const struct fs *fs = backend;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		size_t len = (size_t)(strrchr(names[i], '/') - names[i]);
		bool last = i + 1 == count || strncmp(names[i], names[i + 1], len + 1) != 0;
		char *path = xasprintf("%s/names%s", fs->dir, names[i]);

		if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
			r = err_sys(e, -errno, "remove %s", names[i]);
		path[strlen(path) - strlen(names[i]) + len] = '\0';
		/* Those of one folder follow each other. */
		if (r == 0 && last && file_exists(path))
			r = file_sync_dir(path, e);
		free(path);
	}
	return r;
}

const struct store_ops store_fs = {
	.scheme = "file",
	.open = fs_open,
	.close = fs_close,
	.put = fs_put,
	.link = fs_link,
	.resolve = fs_resolve,
	.open_here = fs_open_here,
	.each = fs_each,
	.remove = fs_remove,
	.unlink = fs_unlink,
};
