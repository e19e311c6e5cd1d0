#include "builder/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/mem.h"

/* Deeper trees than this are refused; extraction never makes such. */
#define TREE_DEPTH_MAX 200

/* Takes fd over. */
static int
read_all(int fd, const char *path, size_t limit, struct buf *out, struct err *e)
{
	size_t start = out->len;
	ssize_t n;
	int r = 0;

	for (;;) {
		char *at = buf_reserve(out, 64 * 1024);

		n = read(fd, at, 64 * 1024);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = err_sys(e, -errno, "read %s", path);
			break;
		}
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len - start > limit) {
			r = err_set(e, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, limit);
			break;
		}
	}
	close(fd);
	out->data[out->len] = '\0';
	return r;
}

int
file_read(const char *path, size_t limit, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, -errno, "open %s", path);
	return read_all(fd, path, limit, out, e);
}

int
file_read_regular(const char *path, size_t limit, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno != ELOOP)
		return err_sys(e, -errno, "open %s", path);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return err_set(e, ERR_MALFORMED, "%s is no regular file", path);
	}
	return read_all(fd, path, limit, out, e);
}

/* The folder of `path` below root; *base is its last part. make: missing ones are made. -1: e is set. */
static int
open_folder(const char *root, const char *path, bool make, const char **base, struct err *e)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;

	*base = path;
	for (const char *slash; fd >= 0 && (slash = strchr(*base, '/')) != NULL;
	     *base = slash + 1) {
		char *part = xasprintf("%.*s", (int)(slash - *base), *base);

		if (make)
			mkdirat(fd, part, 0755);
		next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			err_sys(e, -errno, "open %s in %s/%s", part, root, path);
		free(part);
		close(fd);
		fd = next;
	}
	if (fd < 0)
		err_sys(e, -errno, "open %s", root);
	return fd;
}

int
file_read_beneath(const char *root, const char *path, size_t limit, struct buf *out, struct err *e)
{
	const char *base;
	int folder = open_folder(root, path, false, &base, e), fd;
	struct stat st;

	if (folder < 0)
		return e != NULL ? e->code : ERR_MALFORMED;
	fd = openat(folder, base, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	close(folder);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return read_all(fd, path, limit, out, e);
	if (fd < 0 && errno != ELOOP)
		return err_sys(e, -errno, "open %s/%s", root, path);
	if (fd >= 0)
		close(fd);
	return err_set(e, ERR_MALFORMED, "%s/%s is no regular file", root, path);
}

int
file_write_beneath(const char *root, const char *path, const void *data, size_t len, mode_t mode,
		   struct err *e)
{
	const char *base;
	int folder = open_folder(root, path, true, &base, e), fd, r;

	if (folder < 0)
		return e != NULL ? e->code : ERR_MALFORMED;
	unlinkat(folder, base, 0);
	fd = openat(folder, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	r = fd < 0 ? -errno : file_write_all(fd, data, len);
	if (fd >= 0)
		close(fd);
	close(folder);
	return r == 0 ? 0 : err_sys(e, r, "write %s/%s", root, path);
}

int
file_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
write_new(const char *path, const void *data, size_t len, mode_t mode, int flags, int sync,
	  struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
	int r;

	if (fd < 0)
		return err_sys(e, -errno, "create %s", path);
	r = file_write_all(fd, data, len);
	if (r == 0 && sync && fsync(fd) != 0)
		r = -errno;
	if (close(fd) != 0 && r == 0)
		r = -errno;
	if (r != 0) {
		unlink(path);
		return err_sys(e, r, "write %s", path);
	}
	return 0;
}

int
file_write(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	return write_new(path, data, len, mode, O_TRUNC, 0, e);
}

int
file_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return err_sys(e, -errno, "open %s", path);
	if (fsync(fd) != 0)
		r = err_sys(e, -errno, "fsync %s", path);
	close(fd);
	return r;
}

int
file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash != NULL ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	char *temp = xasprintf("%s.tmp-%d", path, (int)getpid());
	int r;

	r = write_new(temp, data, len, mode, O_TRUNC, 1, e);
	if (r == 0 && rename(temp, path) != 0) {
		r = err_sys(e, -errno, "rename to %s", path);
		unlink(temp);
	}
	if (r == 0)
		r = file_sync_dir(dir, e);
	free(temp);
	free(dir);
	return r;
}

int
file_copy(const char *from, const char *to, mode_t mode, struct err *e)
{
	char *block = NULL;
	int in = -1, out = -1, r = 0;
	ssize_t n;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return err_sys(e, -errno, "open %s", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (out < 0) {
		r = err_sys(e, -errno, "create %s", to);
		goto out;
	}
	block = xmalloc(256 * 1024);
	while ((n = read(in, block, 256 * 1024)) > 0) {
		r = file_write_all(out, block, (size_t)n);
		if (r != 0) {
			err_sys(e, r, "write %s", to);
			goto out;
		}
	}
	if (n < 0)
		r = err_sys(e, -errno, "read %s", from);
out:
	free(block);
	close(in);
	if (out >= 0 && close(out) != 0 && r == 0)
		r = err_sys(e, -errno, "write %s", to);
	if (r != 0 && out >= 0)
		unlink(to);
	return r;
}

int
file_mkdirs(const char *path, mode_t mode, struct err *e)
{
	char *copy = xstrdup(path);
	int r = 0;

	for (char *p = copy + 1; r == 0; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) != 0 && errno != EEXIST)
			r = err_sys(e, -errno, "mkdir %s", copy);
		*p = c;
		if (c == '\0')
			break;
	}
	free(copy);
	return r;
}

/* Where what lies too deep is moved to, to be removed in a later round: a hostile build can nest
 * folders deeper than any stack. */
struct removal {
	int top;
	unsigned moved;
};

static int remove_children(struct removal *r, int fd, int depth);

static int
remove_at(struct removal *r, int dirfd, const char *name, int depth)
{
	char aside[40];
	int fd, code;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return -errno;
	if (depth > TREE_DEPTH_MAX) {
		snprintf(aside, sizeof aside, ".removing-%u", r->moved++);
		return renameat(dirfd, name, r->top, aside) == 0 ? 0 : -errno;
	}
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
		fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	code = remove_children(r, fd, depth);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) != 0 && errno != ENOENT && code == 0)
		code = -errno;
	return code;
}

/* Takes fd over. */
static int
remove_children(struct removal *r, int fd, int depth)
{
	struct dirent *entry;
	int code = 0;
	DIR *d;

	fchmod(fd, 0700);
	d = fdopendir(fd);
	if (d == NULL) {
		code = -errno;
		close(fd);
		return code;
	}
	while ((entry = readdir(d)) != NULL) {
		int one;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		one = remove_at(r, fd, entry->d_name, depth + 1);
		if (code == 0)
			code = one;
	}
	closedir(d);
	return code;
}

int
file_remove_tree(const char *path, struct err *e)
{
	struct removal r = {.top = -1};
	int code = 0;

	if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	do {
		unsigned before = r.moved;
		int fd;

		r.top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (r.top < 0 && errno == EACCES && chmod(path, 0700) == 0)
			r.top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (r.top < 0)
			return errno == ENOENT ? 0 : err_sys(e, -errno, "remove %s", path);
		fd = dup(r.top);
		code = fd < 0 ? -errno : remove_children(&r, fd, 0);
		close(r.top);
		if (code == 0 && rmdir(path) != 0 && errno != ENOENT)
			/* Something was moved up meanwhile: another round. */
			code = r.moved > before ? 0 : -errno;
		else if (code == 0)
			return 0;
	} while (code == 0);
	return err_sys(e, code, "remove %s", path);
}

static void
usage_at(int dirfd, const char *name, int depth, uint64_t limit, uint64_t *bytes, uint64_t *entries)
{
	struct dirent *entry;
	struct stat st;
	int fd;
	DIR *d;

	if (*bytes > limit)
		return;
	/* What is not looked at could be of any size: it must not be a way around the limit. */
	if (depth > TREE_DEPTH_MAX) {
		*bytes = UINT64_MAX / 2;
		return;
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	*bytes += (uint64_t)st.st_blocks * 512;
	*entries += 1;
	if (!S_ISDIR(st.st_mode))
		return;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* A build must not hide what it occupies behind a folder without permissions. */
	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
		fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return;
	}
	while ((entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			usage_at(fd, entry->d_name, depth + 1, limit, bytes, entries);
	closedir(d);
}

void
file_tree_usage(const char *path, uint64_t limit, uint64_t *bytes, uint64_t *entries)
{
	*bytes = *entries = 0;
	usage_at(AT_FDCWD, path, 0, limit, bytes, entries);
}

int
file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}
