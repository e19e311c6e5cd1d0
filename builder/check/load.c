#include "builder/check/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/engine/embed.h"
#include "builder/loop/child.h"
#include "builder/sandbox/sandbox.h"
#include "builder/toolchain/toolchain.h"

#define WORK       "/work"
#define LOAD_MS    120000
#define OUTPUT_MAX (1u << 20)

/* One load on a loop of its own. */
struct loading {
	const struct toolchain *toolchain;
	struct buf output;
	struct child_result result;
};

static void
on_output(const char *data, size_t len, void *arg)
{
	struct loading *l = arg;

	buf_add(&l->output, data, len);
}

static void
on_end(const struct child_result *result, void *arg)
{
	struct loading *l = arg;

	l->result = *result;
}

static void
make_command(const struct toolchain *t, const char *folder, struct strv *out)
{
	struct sandbox box = {.root = t->root,
			      .cwd = WORK,
			      .limits = {.cpu_seconds = LOAD_MS / 1000,
					 .address_space = 64ull << 30,
					 .file_size = 64u << 20,
					 .processes = 100,
					 .open_files = 1024,
					 .tmp_size = 64u << 20}};
	struct strv env = {0}, argv = {0};

	sandbox_mount(&box, t->dir, TOOLCHAIN_MOUNT, false);
	sandbox_mount(&box, t->node, NODE_MOUNT, false);
	sandbox_mount(&box, folder, WORK, false);
	strv_add(&env, "PATH=/usr/bin:/bin");
	strv_add(&env, "HOME=/tmp");
	strv_extend(&argv, &t->load_argv);
	if (t->load_script) {
		strv_add(&argv, WORK "/loadtest.js");
		strv_add(&argv, ""); /* no package: only the addon is loaded */
		strv_add(&argv, WORK);
	}
	strv_add(&argv, WORK "/addon.node");
	sandbox_argv(&box, &env, &argv, out);
	strv_fini(&env);
	strv_fini(&argv);
}

static int
run(struct loading *l, const char *folder, struct err *e)
{
	struct child_options options = {.timeout_ms = LOAD_MS,
					.output_max = OUTPUT_MAX,
					.on_output = on_output,
					.on_end = on_end,
					.arg = l};
	struct strv command = {0};
	struct child *child;
	uv_loop_t loop;
	int r;

	if (sandbox_seccomp(false, &options.seccomp_fd, e) != 0)
		return e->code;
	make_command(l->toolchain, folder, &command);
	options.argv = command.at;
	uv_loop_init(&loop);
	r = child_start(&loop, &options, &child);
	if (r != 0)
		err_sys(e, r, "start the sandbox (bubblewrap)");
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	close(options.seccomp_fd);
	strv_fini(&command);
	return e->code;
}

static struct json *
not_ran(const struct err *e)
{
	struct json *o = json_object();

	json_set_bool(o, "ran", false);
	json_set_str(o, "reason", e->msg);
	return o;
}

static struct json *
judge(const struct loading *l)
{
	struct json *o = json_last_object(l->output.data != NULL ? l->output.data : "");
	char ended[64];

	if (o == NULL)
		o = json_object();
	json_set_bool(o, "ran", true);
	json_set_str(o, "runtime", l->toolchain->load_runtime);
	json_set_str(o, "emulator", l->toolchain->load_emulator);
	if (l->result.status == 0 && l->result.signal == 0 && json_bool(o, "ok", false))
		return o;
	json_set_bool(o, "ok", false);
	if (l->result.reason != NULL)
		snprintf(ended, sizeof ended, "%s", l->result.reason);
	else if (l->result.signal != 0)
		snprintf(ended, sizeof ended, "killed by signal %d", l->result.signal);
	else
		snprintf(ended, sizeof ended, "exit status %lld", (long long)l->result.status);
	if (json_str(o, "error", NULL) == NULL)
		json_set_str(o, "error", ended);
	return o;
}

struct json *
check_load(const char *toolchains, const struct target *target, const void *addon, size_t len)
{
	const char *tmp = getenv("TMPDIR");
	char *folder = xasprintf("%s/prebuildctl-load-XXXXXX", tmp != NULL ? tmp : "/tmp");
	char *file = NULL, *script = NULL;
	struct toolchain t = {0};
	struct loading l = {.toolchain = &t};
	struct json *out = NULL;
	struct err e = {0};

	if (toolchain_open(toolchains, target, &t, &e) == 0 && t.load_runtime == NULL)
		err_set(&e, ERR_UNSUPPORTED, "nothing here runs a file for %s", target->triple);
	if (e.code != 0) {
		toolchain_fini(&t);
		free(folder);
		return not_ran(&e);
	}
	if (mkdtemp(folder) == NULL)
		err_set(&e, ERR_INTERNAL, "no folder below %s can be made",
			tmp != NULL ? tmp : "/tmp");
	file = xasprintf("%s/addon.node", folder);
	script = xasprintf("%s/loadtest.js", folder);
	if (e.code == 0 && file_write(file, addon, len, 0755, &e) == 0 &&
	    file_write(script, embed_loadtest_js, strlen(embed_loadtest_js), 0644, &e) == 0 &&
	    run(&l, folder, &e) == 0)
		out = judge(&l);
	if (out == NULL)
		out = not_ran(&e);
	unlink(file);
	unlink(script);
	rmdir(folder);
	free(file);
	free(script);
	free(folder);
	buf_fini(&l.output);
	toolchain_fini(&t);
	return out;
}
