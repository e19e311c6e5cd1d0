#include "builder/source/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/pack/entry_name.h"
#include "builder/pack/tar_reader.h"

/* One extraction. Every folder on the way to an entry is opened without following links, so that
 * nothing lands outside `root` even if a name passed the checks that should not have. */
struct unpack {
	struct tar_reader *tar;
	const struct unpack_limits *limits;
	int root;
	uint64_t made; /* entries, and folders that had no entry of their own */
};

static int
count_one(struct unpack *u, struct err *e)
{
	if (++u->made > u->limits->entries)
		return err_set(e, ERR_LIMIT, "the archive has more than %llu files and folders",
			       (unsigned long long)u->limits->entries);
	return 0;
}

static int
refuse(struct err *e, const char *name, const char *fault)
{
	char shown[ENTRY_SHOW_SIZE];

	return err_set(e, ERR_MALFORMED, "entry \"%s\" %s", entry_name_show(name, shown), fault);
}

/* Opens folder `part` of `at` for what comes below it, and makes it if need be. *made says which;
 * returns the descriptor or an error. */
static int
open_folder(int at, const char *part, bool *made, const char *name, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at, part, flags);

	*made = false;
	if (fd >= 0)
		return fd;
	if (errno == ENOTDIR || errno == ELOOP)
		return refuse(e, name, "needs a folder where a file or link already is");
	if (errno != ENOENT)
		return err_sys(e, -errno, "open folder %s", name);
	*made = true;
	/* The second call takes the umask's part away. */
	if (mkdirat(at, part, 0755) != 0 || fchmodat(at, part, 0755, 0) != 0)
		return err_sys(e, -errno, "make folder %s", name);
	fd = openat(at, part, flags);
	return fd >= 0 ? fd : err_sys(e, -errno, "open folder %s", name);
}

/* Opens the folder that `name` (clean, changed and restored here) is in; *leaf is its last
 * component. Returns a descriptor for the caller to close, or an error. */
static int
open_parent(struct unpack *u, char *name, const char **leaf, struct err *e)
{
	int fd = fcntl(u->root, F_DUPFD_CLOEXEC, 0);
	char *part = name, *slash;

	if (fd < 0)
		return err_sys(e, -errno, "duplicate a descriptor");
	while ((slash = strchr(part, '/')) != NULL) {
		bool made;
		int next;

		*slash = '\0';
		next = open_folder(fd, part, &made, name, e);
		*slash = '/';
		close(fd);
		if (next >= 0 && made && count_one(u, e) != 0) {
			close(next);
			next = ERR_LIMIT;
		}
		if (next < 0)
			return next;
		fd = next;
		part = slash + 1;
	}
	*leaf = part;
	return fd;
}

/* Makes room for an entry of this type: the last one of a name wins, but never over another
 * type. */
static int
replace(int at, const char *leaf, mode_t type, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(at, leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "look at %s", name);
	if ((st.st_mode & S_IFMT) != type)
		return refuse(e, name, "comes twice, with different types");
	if (unlinkat(at, leaf, 0) != 0)
		return err_sys(e, -errno, "replace %s", name);
	return 0;
}

static int
write_file(struct unpack *u, int at, const char *leaf, const char *name, bool executable,
	   struct err *e)
{
	const void *data;
	size_t len;
	int fd, r;

	r = replace(at, leaf, S_IFREG, name, e);
	if (r != 0)
		return r;
	fd = openat(at, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, -errno, "create %s", name);
	do {
		r = tar_reader_data(u->tar, &data, &len, e);
		if (r == 0 && len > 0) {
			r = file_write_all(fd, data, len);
			if (r != 0)
				err_sys(e, r, "write %s", name);
		}
	} while (r == 0 && len > 0);
	if (r == 0 && fchmod(fd, executable ? 0755 : 0644) != 0)
		r = err_sys(e, -errno, "set the mode of %s", name);
	if (close(fd) != 0 && r == 0)
		r = err_sys(e, -errno, "write %s", name);
	return r;
}

static int
make_link(int at, const char *leaf, const char *name, const char *target, struct err *e)
{
	int r = entry_link_check(name, target, e);

	if (r == 0)
		r = replace(at, leaf, S_IFLNK, name, e);
	if (r == 0 && symlinkat(target, at, leaf) != 0)
		r = err_sys(e, -errno, "link %s", name);
	return r;
}

static int
make_folder(int at, const char *leaf, const char *name, struct err *e)
{
	bool made;
	int fd = open_folder(at, leaf, &made, name, e);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* `name` is clean and not empty. */
static int
place(struct unpack *u, const struct tar_entry *entry, char *name, struct err *e)
{
	const char *leaf = name;
	int at, r;

	at = open_parent(u, name, &leaf, e);
	if (at < 0)
		return at;
	if (entry->type == TAR_FOLDER)
		r = make_folder(at, leaf, name, e);
	else if (entry->type == TAR_LINK)
		r = make_link(at, leaf, name, entry->target, e);
	else
		r = write_file(u, at, leaf, name, entry->executable, e);
	close(at);
	return r;
}

static int
extract(struct unpack *u, const struct tar_entry *entry, struct buf *name, struct err *e)
{
	unsigned depth = u->limits->depth < UNPACK_DEPTH_MAX ? u->limits->depth : UNPACK_DEPTH_MAX;
	int r = count_one(u, e);

	if (r == 0)
		r = entry_name_clean(entry->name, u->limits->strip, depth, name, e);
	if (r != 0)
		return r;
	if (entry->type == TAR_LINK && !u->limits->allow_links)
		return refuse(e, entry->name, "is a symbolic link");
	if (name->len == 0) {
		/* The folder that everything is in, "package/". */
		if (entry->type == TAR_FOLDER)
			return 0;
		return refuse(e, entry->name, "has no name left below the archive's top folder");
	}
	return place(u, entry, name->data, e);
}

int
unpack_file(const char *path, const char *into, const struct unpack_limits *l, struct err *e)
{
	struct unpack u = {.limits = l, .root = -1};
	struct tar_entry entry;
	struct buf name = {0};
	int r;

	u.root = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (u.root < 0)
		return err_sys(e, -errno, "open %s", into);
	r = tar_reader_open_file(
		path, &(struct tar_limits){.bytes = l->bytes, .entries = l->entries}, &u.tar, e);
	if (r != 0)
		goto out;
	while ((r = tar_reader_next(u.tar, &entry, e)) > 0) {
		r = extract(&u, &entry, &name, e);
		if (r != 0)
			goto out;
	}
out:
	buf_fini(&name);
	tar_reader_close(u.tar);
	close(u.root);
	return r;
}
