#include "workers/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

#define FOLDER   "slots"
#define CLAIM_MS 5000 /* for another worker that is just sweeping after one of our name */
#define PAUSE_MS 100

char *
scratch_path(const char *cache, const char *worker, unsigned slot)
{
	return xasprintf("%s/" FOLDER "/%s-%u", cache, worker, slot);
}

static char *
lock_path(const char *cache, const char *worker)
{
	return xasprintf("%s/" FOLDER "/.%s.lock", cache, worker);
}

/* Is what is open there still the file of that name? Who sweeps removes it while it is locked. */
static bool
is_current(int fd, const char *path)
{
	struct stat open, there;

	return fstat(fd, &open) == 0 && stat(path, &there) == 0 && open.st_dev == there.st_dev &&
	       open.st_ino == there.st_ino;
}

/* The lock's descriptor, or -1 with errno: EWOULDBLOCK if somebody has it. */
static int
take(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0644), why;

	if (fd < 0)
		return -1;
	errno = 0;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_current(fd, path))
		return fd;
	why = errno;
	close(fd);
	errno = why == 0 || why == ENOENT ? EWOULDBLOCK : why;
	return -1;
}

int
scratch_claim(const char *cache, const char *worker, struct err *e)
{
	char *folder = xasprintf("%s/" FOLDER, cache), *path = lock_path(cache, worker);
	int fd = -1;

	if (file_mkdirs(folder, 0755, e) == 0) {
		for (int ms = 0; fd < 0 && ms < CLAIM_MS; ms += PAUSE_MS) {
			errno = 0;
			fd = take(path, O_CREAT);
			if (fd >= 0 || errno != EWOULDBLOCK)
				break;
			nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
		}
		if (fd < 0 && errno == EWOULDBLOCK)
			err_set(e, ERR_CONFLICT,
				"another worker is called %s and uses the same --cache, %s; give it "
				"another one",
				worker, cache);
		else if (fd < 0)
			err_sys(e, -errno, "lock %s", path);
	}
	free(folder);
	free(path);
	return fd >= 0 ? fd : e->code;
}

/* "<worker>-<slot>": who made it; the caller frees it. */
static char *
owner_of(const char *name)
{
	const char *dash = strrchr(name, '-');

	return xstrndup(name, dash != NULL ? (size_t)(dash - name) : strlen(name));
}

static void
remove_folder(const char *cache, const char *name)
{
	char *path = xasprintf("%s/" FOLDER "/%s", cache, name);
	struct err e = {0};

	if (file_remove_tree(path, &e) == 0)
		log_info("worker", "removed %s, which a worker left behind", path);
	else
		log_warn("worker", "%s", e.msg);
	free(path);
}

static void
sweep_folder(const char *cache, const char *name)
{
	char *owner = owner_of(name), *lock = lock_path(cache, owner);
	int fd = take(lock, 0);

	/* One without a lock is of a worker that did not know of locks yet. */
	if (fd >= 0 || errno == ENOENT)
		remove_folder(cache, name);
	if (fd >= 0)
		close(fd);
	free(owner);
	free(lock);
}

static void
sweep_lock(const char *cache, const char *name)
{
	char *path = xasprintf("%s/" FOLDER "/%s", cache, name);
	int fd = take(path, 0);

	if (fd >= 0) {
		unlink(path);
		close(fd);
	}
	free(path);
}

/* Folders first: their owners' locks tell of them. */
static int
folders_first(const struct dirent **a, const struct dirent **b)
{
	bool x = (*a)->d_name[0] == '.', y = (*b)->d_name[0] == '.';

	return x != y ? x - y : strcmp((*a)->d_name, (*b)->d_name);
}

void
scratch_sweep(const char *cache)
{
	char *folder = xasprintf("%s/" FOLDER, cache);
	struct dirent **list = NULL;
	int n = scandir(folder, &list, NULL, folders_first);

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		if (name[0] != '.')
			sweep_folder(cache, name);
		else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			sweep_lock(cache, name);
		free(list[i]);
	}
	free(list);
	free(folder);
}
