#include "builder/pack/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "builder/pack/entry_name.h"

#define DEPTH_MAX  128
#define ITEMS_MAX  1000000
#define CHUNK_SIZE (64 * 1024)

/* One entry to write. */
struct item {
	char *name;
	char *path;   /* file to read, or NULL: then data and len */
	char *target; /* of a symbolic link, else NULL */
	const void *data;
	size_t len;
	bool executable;
};

struct items {
	struct item *list;
	size_t count, cap;
	bool (*skip)(const char *name); /* what is not collected; NULL: nothing */
	size_t prefix;                  /* bytes before a name that it is asked with */
};

static struct item *
add_item(struct items *all, const char *name)
{
	if (all->count == all->cap) {
		all->cap = all->cap > 0 ? all->cap * 2 : 64;
		all->list = xrealloc(all->list, all->cap * sizeof *all->list);
	}
	all->list[all->count] = (struct item){.name = xstrdup(name)};
	return &all->list[all->count++];
}

static void
free_items(struct items *all)
{
	for (size_t i = 0; i < all->count; i++) {
		free(all->list[i].name);
		free(all->list[i].path);
		free(all->list[i].target);
	}
	free(all->list);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

/* Sorts, and refuses what unpack would refuse. */
static int
arrange(struct items *all, struct err *e)
{
	struct buf clean = {0};
	int r = 0;

	if (all->count == 0)
		return err_set(e, ERR_INVALID, "there is nothing to pack");
	qsort(all->list, all->count, sizeof *all->list, by_name);
	for (size_t i = 0; r == 0 && i < all->count; i++) {
		const struct item *it = &all->list[i];

		r = entry_name_clean(it->name, 0, DEPTH_MAX, &clean, e);
		if (r == 0 && strcmp(clean.data, it->name) != 0)
			r = err_set(e, ERR_INVALID, "\"%s\" is no plain name", it->name);
		if (r == 0 && i > 0 && by_name(it - 1, it) == 0)
			r = err_set(e, ERR_INVALID, "\"%s\" would be packed twice", it->name);
		if (r == 0 && it->target != NULL)
			r = entry_link_check(it->name, it->target, e);
	}
	buf_fini(&clean);
	return r;
}

static int
failed(struct archive *a, const char *name, struct err *e)
{
	const char *why = archive_error_string(a);

	if (archive_errno(a) > 0)
		return err_sys(e, -archive_errno(a), "pack %s", name);
	return err_set(e, ERR_INTERNAL, "pack %s: %s", name, why != NULL ? why : "failed");
}

static int
write_header(struct archive *a, const struct item *it, uint64_t size, bool executable,
	     struct err *e)
{
	struct archive_entry *h = archive_entry_new();
	int r;

	if (h == NULL)
		xmalloc_failed();
	archive_entry_set_pathname(h, it->name);
	archive_entry_set_mtime(h, PACK_MTIME, 0);
	archive_entry_set_uid(h, 0);
	archive_entry_set_gid(h, 0);
	if (it->target != NULL) {
		archive_entry_set_filetype(h, AE_IFLNK);
		archive_entry_set_perm(h, 0777);
		archive_entry_set_symlink(h, it->target);
	} else {
		archive_entry_set_filetype(h, AE_IFREG);
		archive_entry_set_perm(h, executable ? 0755 : 0644);
		archive_entry_set_size(h, (la_int64_t)size);
	}
	r = archive_write_header(a, h);
	archive_entry_free(h);
	return r == ARCHIVE_OK ? 0 : failed(a, it->name, e);
}

static int
write_bytes(struct archive *a, const struct item *it, const void *data, size_t len, struct err *e)
{
	if (len > 0 && archive_write_data(a, data, len) != (la_ssize_t)len)
		return failed(a, it->name, e);
	return 0;
}

static int
copy_bytes(struct archive *a, const struct item *it, int fd, uint64_t size, struct err *e)
{
	char chunk[CHUNK_SIZE];
	uint64_t done = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, -errno, "read %s", it->path);
		if (n == 0)
			break;
		done += (uint64_t)n;
		if (done > size)
			break;
		r = write_bytes(a, it, chunk, (size_t)n, e);
		if (r != 0)
			return r;
	}
	if (done != size)
		return err_set(e, ERR_CONFLICT, "%s changes while it is packed", it->path);
	return 0;
}

/* Never through a link: what is packed was often written by a build that nobody trusts. */
static int
write_file(struct archive *a, const struct item *it, struct err *e)
{
	int fd = open(it->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return err_sys(e, -errno, "open %s", it->path);
	if (fstat(fd, &st) != 0)
		r = err_sys(e, -errno, "look at %s", it->path);
	else if (!S_ISREG(st.st_mode))
		r = err_set(e, ERR_INVALID, "%s is not a regular file", it->path);
	else
		r = write_header(a, it, (uint64_t)st.st_size, it->executable, e);
	if (r == 0)
		r = copy_bytes(a, it, fd, (uint64_t)st.st_size, e);
	close(fd);
	return r;
}

static int
write_item(struct archive *a, const struct item *it, struct err *e)
{
	int r;

	if (it->path != NULL)
		return write_file(a, it, e);
	r = write_header(a, it, it->len, it->executable, e);
	return r == 0 ? write_bytes(a, it, it->data, it->len, e) : r;
}

static int
write_items(struct archive *a, const struct items *all, int fd, struct err *e)
{
	int r = 0;

	/* Without its "timestamp", gzip's header has no time; it never has a name here. */
	if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
	    archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
	    archive_write_set_filter_option(a, "gzip", "compression-level", "9") != ARCHIVE_OK ||
	    archive_write_set_filter_option(a, "gzip", "timestamp", NULL) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	    archive_write_open_fd(a, fd) != ARCHIVE_OK)
		return failed(a, "an archive", e);
	for (size_t i = 0; r == 0 && i < all->count; i++)
		r = write_item(a, &all->list[i], e);
	if (r == 0 && archive_write_close(a) != ARCHIVE_OK)
		r = failed(a, "an archive", e);
	return r;
}

/* Takes `all` over. */
static int
write_archive(struct items *all, const char *to, struct err *e)
{
	locale_t utf8 = (locale_t)0, before = (locale_t)0;
	struct archive *a = NULL;
	int fd = -1, r;

	r = arrange(all, e);
	if (r != 0)
		goto out;
	/* libarchive converts names from the thread's locale, so this fixes what they are in. */
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8 == (locale_t)0) {
		r = err_set(e, ERR_INTERNAL, "this system has no locale C.UTF-8");
		goto out;
	}
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		r = err_sys(e, -errno, "create %s", to);
		goto out;
	}
	before = uselocale(utf8);
	a = archive_write_new();
	if (a == NULL)
		xmalloc_failed();
	r = write_items(a, all, fd, e);
	/* After a failure this still writes an end, to a file that is removed: without it (that is,
	 * with archive_write_fail) libarchive 3.6 leaks the compressor. */
	archive_write_free(a);
	uselocale(before);
	if (close(fd) != 0 && r == 0)
		r = err_sys(e, -errno, "write %s", to);
	if (r != 0)
		unlink(to);
out:
	if (utf8 != (locale_t)0)
		freelocale(utf8);
	free_items(all);
	return r;
}

int
pack_files(const struct pack_entry *entries, size_t count, const char *to, struct err *e)
{
	struct items all = {0};

	for (size_t i = 0; i < count; i++) {
		struct item *it = add_item(&all, entries[i].name);

		it->path = entries[i].path != NULL ? xstrdup(entries[i].path) : NULL;
		it->data = entries[i].data;
		it->len = entries[i].len;
		it->executable = entries[i].executable;
	}
	return write_archive(&all, to, e);
}

static int
collect(struct items *all, int at, const char *path, const char *name, int depth, struct err *e);

/* Adds what stands in the folder open at `at` under this name. */
static int
collect_one(struct items *all, int at, const char *leaf, const char *path, const char *name,
	    int depth, struct err *e)
{
	char target[ENTRY_NAME_MAX + 2];
	struct item *it;
	struct stat st;
	ssize_t n;
	int fd;

	if (fstatat(at, leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys(e, -errno, "look at %s", path);
	if (S_ISDIR(st.st_mode)) {
		fd = openat(at, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, -errno, "open %s", path);
		return collect(all, fd, path, name, depth + 1, e);
	}
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return err_set(e, ERR_INVALID, "%s is neither a file, a folder nor a link", path);
	if (all->count == ITEMS_MAX)
		return err_set(e, ERR_LIMIT, "%s: more than %d files to pack", path, ITEMS_MAX);
	if (S_ISREG(st.st_mode)) {
		it = add_item(all, name);
		it->path = xstrdup(path);
		/* Only the owner's bit: the others depend on somebody's umask. */
		it->executable = (st.st_mode & S_IXUSR) != 0;
		return 0;
	}
	n = readlinkat(at, leaf, target, sizeof target - 1);
	if (n < 0)
		return err_sys(e, -errno, "read link %s", path);
	target[n] = '\0';
	it = add_item(all, name);
	it->target = xstrdup(target);
	return 0;
}

/* Adds everything below folder `at`, which it closes. */
static int
collect(struct items *all, int at, const char *path, const char *name, int depth, struct err *e)
{
	struct dirent *entry;
	int r = 0;
	DIR *d;

	d = fdopendir(at);
	if (d == NULL) {
		r = err_sys(e, -errno, "open %s", path);
		close(at);
		return r;
	}
	if (depth > DEPTH_MAX)
		r = err_set(e, ERR_LIMIT, "%.200s is nested too deeply", path);
	while (r == 0 && (entry = readdir(d)) != NULL) {
		char *below, *named;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		below = xasprintf("%s/%s", path, entry->d_name);
		named = xasprintf("%s%s%s", name, name[0] != '\0' ? "/" : "", entry->d_name);
		if (all->skip == NULL || !all->skip(named + all->prefix))
			r = collect_one(all, at, entry->d_name, below, named, depth, e);
		free(below);
		free(named);
	}
	closedir(d);
	return r;
}

int
pack_tree(const char *dir, const char *prefix, const char *to, struct err *e)
{
	return pack_tree_without(dir, prefix, NULL, to, e);
}

int
pack_tree_without(const char *dir, const char *prefix, bool (*skip)(const char *name),
		  const char *to, struct err *e)
{
	size_t len = strlen(prefix);
	struct items all = {.skip = skip, .prefix = len > 0 ? len + strlen("/") : 0};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return err_sys(e, -errno, "open %s", dir);
	r = collect(&all, fd, dir, prefix, 0, e);
	if (r != 0) {
		free_items(&all);
		return r;
	}
	return write_archive(&all, to, e);
}
