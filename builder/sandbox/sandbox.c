#include "builder/sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

void
sandbox_mount(struct sandbox *s, const char *from, const char *to, bool writable)
{
	if (s->mount_count == SANDBOX_MOUNTS_MAX)
		abort();
	s->mounts[s->mount_count++] = (struct sandbox_mount){from, to, writable};
}

static void
add_limits(const struct sandbox_limits *l, struct strv *out)
{
	strv_add(out, "prlimit");
	strv_addf(out, "--cpu=%u", l->cpu_seconds);
	strv_addf(out, "--as=%llu", (unsigned long long)l->address_space);
	strv_addf(out, "--fsize=%llu", (unsigned long long)l->file_size);
	strv_addf(out, "--nofile=%u", l->open_files);
	strv_add(out, "--core=0");
	strv_add(out, "--");
}

void
sandbox_argv(const struct sandbox *s, const struct strv *env, const struct strv *argv,
	     struct strv *out)
{
	static const char *const fixed[] = {
		"bwrap",
		"--unshare-user",
		"--unshare-pid",
		"--unshare-ipc",
		"--unshare-uts",
		"--unshare-cgroup",
		"--die-with-parent",
		"--new-session",
		"--hostname",
		"build",
		"--clearenv",
	};

	add_limits(&s->limits, out);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_add(out, fixed[i]);
	if (!s->network)
		strv_add(out, "--unshare-net");
	strv_add(out, "--ro-bind");
	strv_add(out, s->root);
	strv_add(out, "/");
	strv_add(out, "--proc");
	strv_add(out, "/proc");
	strv_add(out, "--dev");
	strv_add(out, "/dev");
	strv_add(out, "--size");
	strv_addf(out, "%llu", (unsigned long long)s->limits.tmp_size);
	strv_add(out, "--tmpfs");
	strv_add(out, "/tmp");
	for (size_t i = 0; i < s->mount_count; i++) {
		if (s->mounts[i].from == NULL) {
			strv_add(out, "--tmpfs");
			strv_add(out, s->mounts[i].to);
			continue;
		}
		strv_add(out, s->mounts[i].writable ? "--bind" : "--ro-bind");
		strv_add(out, s->mounts[i].from);
		strv_add(out, s->mounts[i].to);
	}
	for (size_t i = 0; i < env->n; i++) {
		const char *eq = strchr(env->at[i], '=');

		strv_add(out, "--setenv");
		strv_addf(out, "%.*s", (int)(eq - env->at[i]), env->at[i]);
		strv_add(out, eq + 1);
	}
	strv_add(out, "--seccomp");
	strv_addf(out, "%d", SANDBOX_SECCOMP_FD);
	strv_add(out, "--chdir");
	strv_add(out, s->cwd);
	strv_add(out, "--");
	/* The limit on processes is set inside, where it counts the sandbox's processes only and
	 * not everything that the user runs outside. */
	strv_add(out, "/bin/sh");
	strv_add(out, "-c");
	strv_add(out, "ulimit -p \"$0\" && exec \"$@\"");
	strv_addf(out, "%u", s->limits.processes);
	strv_extend(out, argv);
}
