#include "builder/engine/footprint.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/mem.h"

#define DEPTH_MAX 100

struct look {
	struct digest_stream stream;
	const char *const *except;
	size_t except_count, left;
	struct err *e;
};

static bool
is_excepted(const struct look *l, const char *path)
{
	for (size_t i = 0; i < l->except_count; i++)
		if (strcmp(l->except[i], path) == 0)
			return true;
	return false;
}

static void
add_entry(struct look *l, const char *path, const struct stat *st)
{
	char facts[160];

	if (S_ISDIR(st->st_mode))
		snprintf(facts, sizeof facts, "%o", (unsigned)st->st_mode);
	else
		snprintf(facts, sizeof facts, "%o %lld %llu %lld.%09ld", (unsigned)st->st_mode,
			 (long long)st->st_size, (unsigned long long)st->st_ino,
			 (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	digest_add(&l->stream, path, strlen(path) + 1);
	digest_add(&l->stream, facts, strlen(facts) + 1);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
not_itself(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int look_into(struct look *l, const char *dir, const char *below, unsigned depth);

static int
look_at(struct look *l, const char *dir, const char *path, unsigned depth)
{
	char *full = xasprintf("%s/%s", dir, path);
	struct stat st;
	int r = lstat(full, &st) == 0 ? 0 : err_sys(l->e, -errno, "look at %s", path);

	free(full);
	if (r != 0)
		return r;
	if (l->left-- == 0)
		return err_set(l->e, ERR_LIMIT, "more entries than are looked at");
	if (!is_excepted(l, path) || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
		add_entry(l, path, &st);
	return S_ISDIR(st.st_mode) ? look_into(l, dir, path, depth + 1) : 0;
}

static int
look_into(struct look *l, const char *dir, const char *below, unsigned depth)
{
	char *folder = xasprintf("%s/%s", dir, below);
	struct dirent **names = NULL;
	int n;

	if (depth > DEPTH_MAX) {
		err_set(l->e, ERR_LIMIT, "deeper than is looked at");
		goto out;
	}
	n = scandir(folder, &names, not_itself, by_name);
	if (n < 0)
		err_sys(l->e, -errno, "look into %s", below);
	for (int i = 0; i < n; i++) {
		char *path = below[0] != '\0' ? xasprintf("%s/%s", below, names[i]->d_name)
					      : xstrdup(names[i]->d_name);

		if (l->e->code == 0)
			look_at(l, dir, path, depth);
		free(path);
		free(names[i]);
	}
	free(names);
out:
	free(folder);
	return l->e->code;
}

int
footprint(const char *dir, const char *const *except, size_t except_count, size_t limit,
	  struct digest *out, struct err *e)
{
	struct look l = {.except = except, .except_count = except_count, .left = limit, .e = e};

	digest_start(&l.stream);
	if (look_into(&l, dir, "", 0) == 0)
		digest_end(&l.stream, out);
	return e->code;
}
