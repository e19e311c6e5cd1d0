#include "workers/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"

/* Exists everywhere and is empty; what is mounted here is seen by this process alone. */
#define PLACE "/mnt"

/* Bound through descriptors that were opened before, because the tmpfs may cover where they are. */
static int
bind_folder(int fd, const char *name, char **path, struct err *e)
{
	char from[64], *to = xasprintf("%s/%s", PLACE, name);

	snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
	if (mkdir(to, 0755) != 0 || mount(from, to, NULL, MS_BIND | MS_REC, NULL) != 0) {
		free(to);
		return err_sys(e, -errno, "bind %s for the worker", *path);
	}
	free(*path);
	*path = to;
	return 0;
}

static int
move_folders(char **toolchains, char **cache, struct err *e)
{
	int tc = -1, ca = -1;

	/* The descriptors are opened inside the new namespace: a mount of another one cannot be
	 * bound. */
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return err_sys(e, -errno,
			       "a worker that is started as root needs a mount namespace of its "
			       "own; start it as an ordinary user instead");
	tc = open(*toolchains, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ca = open(*cache, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (tc < 0 || ca < 0)
		err_sys(e, -errno, "open %s", tc < 0 ? *toolchains : *cache);
	else if (mount("tmpfs", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
		err_sys(e, -errno, "mount a tmpfs at %s", PLACE);
	else if (bind_folder(tc, "toolchains", toolchains, e) == 0)
		bind_folder(ca, "cache", cache, e);
	if (tc >= 0)
		close(tc);
	if (ca >= 0)
		close(ca);
	return e->code;
}

int
privilege_drop(char **toolchains, char **cache, struct err *e)
{
	if (geteuid() != 0)
		return 0;
	if (file_mkdirs(*toolchains, 0755, e) != 0 || file_mkdirs(*cache, 0755, e) != 0)
		return e->code;
	if (chown(*cache, PRIVILEGE_UID, PRIVILEGE_UID) != 0)
		return err_sys(e, -errno, "chown %s", *cache);
	if (move_folders(toolchains, cache, e) != 0)
		return e->code;
	if (setgroups(0, NULL) != 0 ||
	    setresgid(PRIVILEGE_UID, PRIVILEGE_UID, PRIVILEGE_UID) != 0 ||
	    setresuid(PRIVILEGE_UID, PRIVILEGE_UID, PRIVILEGE_UID) != 0)
		return err_sys(e, -errno, "become nobody");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}
