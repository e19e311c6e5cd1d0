#include "builder/engine/online.h"

#include <stdlib.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/plan/plan.h"
#include "builder/toolchain/toolchain.h"

/* What the worker's machine needs to reach others; nothing of it is visible in a build. */
static void
open_network(struct sandbox *s, struct strv *env)
{
	static const char *const files[] = {
		"/etc/resolv.conf",
		"/etc/hosts",
		"/etc/nsswitch.conf",
		"/etc/ssl",
	};
	static const char *const variables[] = {
		"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
	};

	s->network = true;
	sandbox_mount(s, NULL, "/etc", false);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (file_exists(files[i]))
			sandbox_mount(s, files[i], files[i], false);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (getenv(variables[i]) != NULL)
			strv_addf(env, "%s=%s", variables[i], getenv(variables[i]));
}

struct run_spec
online_spec(const struct toolchain *toolchain, const char *scratch, const char *cwd,
	    const struct job_limits *l)
{
	struct run_spec spec = {.scratch = scratch, .limits = l};

	spec.sandbox = (struct sandbox){
		.root = toolchain->root,
		.cwd = cwd,
		.limits = {.cpu_seconds = (unsigned)(l->step_ms / 1000),
			   .address_space = 64ull << 30,
			   .file_size = l->file_size,
			   .processes = (unsigned)l->processes,
			   .open_files = 4096,
			   .tmp_size = 256u << 20},
	};
	strv_add(&spec.env, "PATH=" NODE_MOUNT "/bin:/usr/bin:/bin");
	strv_add(&spec.env, "HOME=/tmp");
	strv_add(&spec.env, "LANG=C.UTF-8");
	open_network(&spec.sandbox, &spec.env);
	sandbox_mount(&spec.sandbox, scratch, PLAN_WORK, true);
	return spec;
}
