#include "builder/base/trim.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "builder/base/mem.h"

struct entry {
	char *path;
	struct timespec used;
	uint64_t bytes;
};

struct entries {
	struct entry *at;
	size_t n;
	uint64_t bytes;
};

static void
collect(struct entries *all, const char *folder, unsigned depth)
{
	DIR *dir = opendir(folder);
	const struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		char *path = xasprintf("%s/%s", folder, d->d_name);
		struct stat st;

		if (d->d_name[0] == '.' || lstat(path, &st) != 0) {
			free(path);
		} else if (S_ISDIR(st.st_mode)) {
			if (depth > 0)
				collect(all, path, depth - 1);
			free(path);
		} else {
			all->at = xrealloc(all->at, (all->n + 1) * sizeof *all->at);
			all->at[all->n++] = (struct entry){
				.path = path, .used = st.st_mtim, .bytes = (uint64_t)st.st_size};
			all->bytes += (uint64_t)st.st_size;
		}
	}
	if (dir != NULL)
		closedir(dir);
}

static int
older_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->used;
	const struct timespec *y = &((const struct entry *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

void
trim_oldest(const char *dir, unsigned depth, uint64_t bytes, unsigned seconds)
{
	struct entries all = {0};
	time_t now = time(NULL);

	collect(&all, dir, depth);
	if (all.n > 0)
		qsort(all.at, all.n, sizeof *all.at, older_first);
	for (size_t i = 0; i < all.n; i++) {
		const struct entry *one = &all.at[i];
		bool young = seconds > 0 && one->used.tv_sec > now - (time_t)seconds;

		if (all.bytes > bytes && !young && unlink(one->path) == 0)
			all.bytes -= one->bytes;
		free(one->path);
	}
	free(all.at);
}
