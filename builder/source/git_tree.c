#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/pack/entry_name.h"
#include "builder/source/git_parts.h"
#include "builder/source/gitmodules.h"

/* A commit that is being written. */
struct writing {
	struct git *git;
	const char *url;
	git_repository *repo;
	git_odb *odb;
	git_commit *commit;
	const char *root; /* path of the commit's tree in the package */
	unsigned level;
};

static int
write_tree(struct writing *w, const git_oid *id, int at, const char *name, struct err *e);

static int
malformed(struct err *e, const char *name, const char *fault)
{
	char shown[ENTRY_SHOW_SIZE];

	return err_set(e, ERR_MALFORMED, "git: \"%s\" %s", entry_name_show(name, shown), fault);
}

/* Bytes of an object, before it is read. */
static int
size_of(struct writing *w, const git_oid *id, git_object_t type, size_t *size, struct err *e)
{
	git_object_t have;

	if (git_odb_read_header(size, &have, w->odb, id) != 0 || have != type)
		return err_set(e, ERR_MALFORMED, "git: the repository lacks an object");
	if (*size > GIT_OBJECT_MAX)
		return err_set(e, ERR_LIMIT, "git: an object of more than %u bytes",
			       GIT_OBJECT_MAX);
	return 0;
}

/* The content of a file or a link of at most `limit` bytes; NULL with e set. */
static git_odb_object *
read_blob(struct writing *w, const git_oid *id, uint64_t limit, const char *name, struct err *e)
{
	git_odb_object *object = NULL;
	size_t size;

	if (size_of(w, id, GIT_OBJECT_BLOB, &size, e) != 0)
		return NULL;
	if (size > limit)
		malformed(e, name, "is too long");
	else if (git_odb_read(&object, w->odb, id) != 0)
		git_failed(-1, e, "git");
	return object;
}

static int
write_file(struct writing *w, const git_oid *id, bool executable, int at, const char *leaf,
	   const char *name, struct err *e)
{
	struct git *g = w->git;
	git_odb_object *blob = NULL;
	size_t size = 0;
	int fd, r;

	if (size_of(w, id, GIT_OBJECT_BLOB, &size, e) != 0)
		return e->code;
	g->bytes += size;
	if (g->bytes > g->limits->bytes)
		return err_set(e, ERR_LIMIT,
			       "git: more than %llu bytes of files (limit max-source-unpacked)",
			       (unsigned long long)g->limits->bytes);
	blob = read_blob(w, id, size, name, e);
	if (blob == NULL)
		return e->code;
	fd = openat(at, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    executable ? 0755 : 0644);
	if (fd < 0) {
		if (errno == EEXIST)
			malformed(e, name, "comes twice");
		else
			err_sys(e, -errno, "create %s", leaf);
	} else {
		r = file_write_all(fd, git_odb_object_data(blob), git_odb_object_size(blob));
		if (r == 0 && fchmod(fd, executable ? 0755 : 0644) != 0)
			r = -errno;
		if (close(fd) != 0 && r == 0)
			r = -errno;
		if (r != 0)
			err_sys(e, r, "write %s", leaf);
	}
	git_odb_object_free(blob);
	return e->code;
}

static int
write_link(struct writing *w, const git_oid *id, int at, const char *leaf, const char *name,
	   struct err *e)
{
	git_odb_object *blob = read_blob(w, id, ENTRY_NAME_MAX, name, e);
	char *target;

	if (blob == NULL)
		return e->code;
	target = xstrndup(git_odb_object_data(blob), git_odb_object_size(blob));
	if (strlen(target) != git_odb_object_size(blob))
		malformed(e, name, "is a link with a NUL byte");
	else if (entry_link_check(name, target, e) == 0 && symlinkat(target, at, leaf) != 0 &&
		 errno == EEXIST)
		malformed(e, name, "comes twice");
	else if (e->code == 0 && faccessat(at, leaf, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		err_sys(e, -errno, "link %s", leaf);
	free(target);
	git_odb_object_free(blob);
	return e->code;
}

/* Makes a folder that is not there yet; returns its descriptor, or an error. */
static int
make_folder(int at, const char *leaf, const char *name, struct err *e)
{
	int fd;

	if (mkdirat(at, leaf, 0755) != 0)
		return errno == EEXIST ? malformed(e, name, "comes twice")
				       : err_sys(e, -errno, "make folder %s", leaf);
	fd = openat(at, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_sys(e, -errno, "open folder %s", leaf);
}

/* What the commit's .gitmodules says of the submodule at `name`; the caller frees it. */
static char *
submodule_url(struct writing *w, const char *name, struct err *e)
{
	const char *path = name + strlen(w->root) + (w->root[0] != '\0');
	git_odb_object *blob = NULL;
	git_tree *tree = NULL;
	const git_tree_entry *entry = NULL;
	char *raw = NULL, *url = NULL;

	if (git_commit_tree(&tree, w->commit) == 0)
		entry = git_tree_entry_byname(tree, ".gitmodules");
	if (entry == NULL || git_tree_entry_type(entry) != GIT_OBJECT_BLOB)
		err_set(e, ERR_NOT_FOUND, "there is no .gitmodules");
	else
		blob = read_blob(w, git_tree_entry_id(entry), GITMODULES_MAX, ".gitmodules", e);
	if (blob != NULL)
		raw = gitmodules_url(git_odb_object_data(blob), git_odb_object_size(blob), path, e);
	if (raw != NULL) {
		url = gitmodules_resolve(w->url, raw);
		if (url == NULL)
			err_set(e, ERR_INVALID, "its URL leads above the host");
	}
	free(raw);
	git_odb_object_free(blob);
	git_tree_free(tree);
	return url;
}

static int
write_submodule(struct writing *w, const git_oid *id, int at, const char *leaf, const char *name,
		struct err *e)
{
	char commit[GIT_OID_HEXSZ + 1], shown[ENTRY_SHOW_SIZE];
	char *url = submodule_url(w, name, e);
	int fd = -1;

	git_oid_tostr(commit, sizeof commit, id);
	if (url != NULL)
		fd = make_folder(at, leaf, name, e);
	if (fd >= 0) {
		git_write_submodule(w->git, url, commit, fd, name, w->level + 1, e);
		close(fd);
	}
	free(url);
	if (e->code != 0)
		err_context(e, "submodule \"%s\"", entry_name_show(name, shown));
	return e->code;
}

/* A name of one component that means itself, here and for git. */
static int
check_leaf(const struct writing *w, const char *leaf, const char *name, struct err *e)
{
	struct buf clean = {0};
	int r = entry_name_clean(name, 0, w->git->limits->depth, &clean, e);

	if (r == 0 && (strchr(leaf, '/') != NULL || strcmp(clean.data, name) != 0 ||
		       strcasecmp(leaf, ".git") == 0))
		r = malformed(e, name, "is no name that git would have");
	buf_fini(&clean);
	return r;
}

static int
write_entry(struct writing *w, const git_tree_entry *entry, int at, const char *folder,
	    struct err *e)
{
	const git_oid *id = git_tree_entry_id(entry);
	const char *leaf = git_tree_entry_name(entry);
	char *name = xasprintf("%s%s%s", folder, folder[0] != '\0' ? "/" : "", leaf);
	int fd;

	if (++w->git->entries > w->git->limits->entries) {
		err_set(e, ERR_LIMIT,
			"git: more than %llu files and folders (limit max-source-files)",
			(unsigned long long)w->git->limits->entries);
		goto out;
	}
	if (check_leaf(w, leaf, name, e) != 0)
		goto out;
	switch (git_tree_entry_filemode(entry)) {
	case GIT_FILEMODE_TREE:
		fd = make_folder(at, leaf, name, e);
		if (fd >= 0) {
			write_tree(w, id, fd, name, e);
			close(fd);
		}
		break;
	case GIT_FILEMODE_BLOB:
	case GIT_FILEMODE_BLOB_EXECUTABLE:
		write_file(w, id, git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB_EXECUTABLE,
			   at, leaf, name, e);
		break;
	case GIT_FILEMODE_LINK:
		write_link(w, id, at, leaf, name, e);
		break;
	case GIT_FILEMODE_COMMIT:
		write_submodule(w, id, at, leaf, name, e);
		break;
	default:
		malformed(e, name, "is of no known type");
	}
out:
	free(name);
	return e->code;
}

static int
write_tree(struct writing *w, const git_oid *id, int at, const char *name, struct err *e)
{
	git_tree *tree = NULL;
	size_t size;

	if (size_of(w, id, GIT_OBJECT_TREE, &size, e) != 0)
		return e->code;
	if (git_tree_lookup(&tree, w->repo, id) != 0)
		return git_failed(-1, e, "git");
	for (size_t i = 0; e->code == 0 && i < git_tree_entrycount(tree); i++)
		write_entry(w, git_tree_entry_byindex(tree, i), at, name, e);
	git_tree_free(tree);
	return e->code;
}

int
git_write_tree(struct git *g, const char *url, git_repository *repo, git_commit *commit, int at,
	       const char *name, unsigned level, struct err *e)
{
	struct writing w = {
		.git = g, .url = url, .repo = repo, .commit = commit, .root = name, .level = level};

	if (git_repository_odb(&w.odb, repo) != 0)
		return git_failed(-1, e, "git");
	write_tree(&w, git_commit_tree_id(commit), at, name, e);
	git_odb_free(w.odb);
	return e->code;
}
