#include "builder/engine/usage.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/mem.h"

struct process {
	int pid, parent;
	uint64_t pages;
	int ours;
};

/* proc(5): pid (comm) state ppid … rss is field 24. comm may hold spaces and brackets, so that
 * fields are counted from its last ')'. */
static int
read_stat(int proc, const char *pid, struct process *p)
{
	char path[64], text[1024], *at;
	int fd, field = 2;
	ssize_t n;

	snprintf(path, sizeof path, "%.20s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	at = strrchr(text, ')');
	if (at == NULL)
		return -1;
	p->pid = atoi(pid);
	for (at++; *at != '\0'; at++) {
		if (*at != ' ')
			continue;
		field++;
		if (field == 4)
			p->parent = atoi(at + 1);
		if (field == 24) {
			p->pages = strtoull(at + 1, NULL, 10);
			return 0;
		}
	}
	return -1;
}

uint64_t
usage_memory(int pid)
{
	DIR *d = opendir("/proc");
	struct process *all = NULL;
	uint64_t pages = 0;
	struct dirent *entry;
	size_t n = 0;
	int changed = 1;

	if (d == NULL)
		return 0;
	while ((entry = readdir(d)) != NULL) {
		struct process p = {0};

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    read_stat(dirfd(d), entry->d_name, &p) != 0)
			continue;
		if (n % 64 == 0)
			all = xrealloc(all, (n + 64) * sizeof *all);
		p.ours = p.pid == pid;
		all[n++] = p;
	}
	closedir(d);
	while (changed) {
		changed = 0;
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; !all[i].ours && j < n; j++)
				if (all[j].ours && all[i].parent == all[j].pid)
					all[i].ours = changed = 1;
	}
	for (size_t i = 0; i < n; i++)
		if (all[i].ours)
			pages += all[i].pages;
	free(all);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
