/*
 * configure.c - CONFIGURE: evaluates binding.gyp with node-gyp in the sandbox, once for all jobs of
 * the worker that would get the same (configured.h).
 *
 *   ask ─┬─ make ──► look at the folder ─► run ─► look again ─► keep, or alone ─┬─► PLAN
 *        ├─ alone ───────────────────────► run ────────────────────────────────┤
 *        ├─ known ─► write its two files ──────────────────────────────────────┘
 *        └─ wait ──► ask
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/engine/embed.h"
#include "builder/engine/footprint.h"
#include "builder/engine/parts.h"
#include "builder/toolchain/electron.h"
#include "builder/toolchain/toolchain.h"

/* Below the scratch folder: plan.py's result, and what node-gyp leaves for the package's own
 * scripts to read. */
#define PLAN_FILE   "plan.json"
#define BUILD_DIR   "src/build"
#define CONFIG_FILE BUILD_DIR "/config.gypi"

static const char *const changes[] = {PLAN_FILE, BUILD_DIR, CONFIG_FILE};

static void ask(void *arg);

/* ---- what decides it ---- */

static void
make_argv(const struct engine *en, struct strv *argv)
{
	struct buf node = {0};

	strv_add(argv, NODE_MOUNT "/bin/node");
	strv_add(argv, NODE_MOUNT "/lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js");
	strv_add(argv, "configure");
	strv_add(argv, "--loglevel=warn");
	command_node(en, &node);
	strv_addf(argv, "--nodedir=%s", node.data);
	buf_fini(&node);
	strv_addf(argv, "--arch=%s", en->spec.toolchain->target->node_arch);
	if (en->spec.abi.kind == ABI_NAPI)
		strv_addf(argv, "--napi_build_version=%u", en->spec.abi.version);
	/* As @electron/rebuild calls it: they become variables of binding.gyp. */
	if (en->spec.electron != NULL) {
		strv_add(argv, "--runtime=electron");
		strv_addf(argv, "--target=%s", en->spec.electron->version);
	}
	strv_extend(argv, &en->gyp_flags);
	strv_add(argv, "--");
	strv_add(argv, "-f");
	strv_add(argv, PLAN_WORK "/plan.py");
	if (en->spec.toolchain->target->pe_machine != 0)
		strv_add(argv, "-DOS=win");
	if (en->spec.toolchain->target->macho_cpu != 0)
		strv_add(argv, "-DOS=mac");
}

static void
add_text(struct digest_stream *s, const char *text)
{
	digest_add(s, text, strlen(text) + 1);
}

static void
add_list(struct digest_stream *s, const struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		add_text(s, v->at[i]);
	add_text(s, "");
}

/* Everything that the evaluation sees: the command and its environment, what is mounted (the
 * toolchain is not, see command.c), and what lies in the scratch folder. */
static void
make_key(struct engine *en, const struct strv *argv)
{
	struct digest_stream s;
	struct strv env = {0};

	command_env(en, &env);
	digest_start(&s);
	add_list(&s, argv);
	add_list(&s, &env);
	add_text(&s, en->spec.toolchain->root);
	add_text(&s, en->spec.toolchain->node);
	add_text(&s, en->spec.electron != NULL ? en->spec.electron->digest : "");
	add_text(&s, en->spec.source);
	add_text(&s, embed_plan_py);
	add_text(&s, embed_loadtest_js);
	add_text(&s, plan_exports);
	digest_end(&s, &en->configuration);
	strv_fini(&env);
}

/* ---- the end ---- */

/* Tells the jobs that wait for it. */
static void
settle(struct engine *en)
{
	struct configured *c = en->spec.configured;

	if (!en->makes)
		return;
	en->makes = false;
	if (en->cancelled || (en->e.code != 0 && en->outcome == OUTCOME_ERROR))
		configured_drop(c, &en->configuration);
	else if (en->e.code == 0 && en->shareable)
		configured_keep(c, &en->configuration, &en->plan_file, &en->config_file);
	else
		configured_alone(c, &en->configuration);
}

static void
finish(struct engine *en)
{
	settle(en);
	buf_fini(&en->plan_file);
	buf_fini(&en->config_file);
	engine_next(en);
}

static void
finished(uv_work_t *w, int status)
{
	(void)status;
	finish(w->data);
}

/* ---- make ---- */

static int
look(const struct engine *en, struct digest *out)
{
	struct err e = {0};

	return footprint(en->spec.scratch, changes, ARRAY_SIZE(changes),
			 (size_t)en->spec.limits.source_entries * 2, out, &e);
}

/* Nothing of the package runs any more: what is looked at stays as it is. */
static void
look_again_on_pool(uv_work_t *w)
{
	struct engine *en = w->data;
	char *plan = xasprintf("%s/%s", en->spec.scratch, PLAN_FILE);
	char *config = xasprintf("%s/%s", en->spec.scratch, CONFIG_FILE);
	char *build = xasprintf("%s/%s", en->spec.scratch, BUILD_DIR);
	struct digest after;
	struct err e = {0};
	struct stat st;

	en->shareable = look(en, &after) == 0 && digest_equal(&en->before, &after) &&
			lstat(build, &st) == 0 && S_ISDIR(st.st_mode) &&
			file_read_regular(plan, CONFIGURED_FILE_MAX, &en->plan_file, &e) == 0 &&
			file_read_regular(config, CONFIGURED_FILE_MAX, &en->config_file, &e) == 0;
	free(plan);
	free(config);
	free(build);
}

static void
on_configured(const struct run_end *end, void *arg)
{
	struct command *c = arg;
	struct engine *en = c->engine;

	command_judge(c, end, "configure (node-gyp, binding.gyp)");
	command_end(c);
	if (en->makes && en->e.code == 0 && !en->cancelled)
		uv_queue_work(en->loop, &en->work, look_again_on_pool, finished);
	else
		finish(en);
}

static void
run(struct engine *en)
{
	struct strv argv = {0};

	make_argv(en, &argv);
	if (command_start(en, -1, &argv, PLAN_SOURCE, en->spec.limits.configure_ms,
			  on_configured) != 0)
		finish(en);
	strv_fini(&argv);
}

static void
look_on_pool(uv_work_t *w)
{
	struct engine *en = w->data;

	if (look(en, &en->before) != 0)
		memset(&en->before, 0, sizeof en->before);
}

static void
looked(uv_work_t *w, int status)
{
	struct engine *en = w->data;

	(void)status;
	if (en->cancelled)
		finish(en);
	else
		run(en);
}

/* ---- known ---- */

static void
write_on_pool(uv_work_t *w)
{
	struct engine *en = w->data;
	char *build = xasprintf("%s/%s", en->spec.scratch, BUILD_DIR);
	char *plan = xasprintf("%s/%s", en->spec.scratch, PLAN_FILE);
	char *config = xasprintf("%s/%s", en->spec.scratch, CONFIG_FILE);
	struct err e = {0};

	if (file_mkdirs(build, 0755, &e) != 0 ||
	    file_write(plan, en->plan_file.data, en->plan_file.len, 0644, &e) != 0 ||
	    file_write(config, en->config_file.data, en->config_file.len, 0644, &e) != 0)
		engine_fail(en, OUTCOME_ERROR, "worker-failed", "%s", e.msg);
	free(build);
	free(plan);
	free(config);
}

/* ---- ask ---- */

static void
ask(void *arg)
{
	struct engine *en = arg;
	const struct buf *plan, *config;

	en->waits = false;
	en->work.data = en;
	switch (configured_ask(en->spec.configured, &en->configuration, &en->waiter, &plan,
			       &config)) {
	case CONFIGURED_MAKE:
		en->makes = true;
		uv_queue_work(en->loop, &en->work, look_on_pool, looked);
		break;
	case CONFIGURED_WAIT:
		en->waits = true;
		break;
	case CONFIGURED_KNOWN:
		engine_say(en, "==> configured already, for another job with the same source");
		buf_add(&en->plan_file, plan->data, plan->len);
		buf_add(&en->config_file, config->data, config->len);
		uv_queue_work(en->loop, &en->work, write_on_pool, finished);
		break;
	case CONFIGURED_ALONE:
		run(en);
		break;
	}
}

void
configure_begin(struct engine *en)
{
	const struct abi *abi = &en->spec.abi;
	struct strv argv = {0};

	if (abi->kind == ABI_ELECTRON && en->spec.electron == NULL)
		engine_fail(en, OUTCOME_FAILED, "unsupported-abi",
			    "there are no headers of Electron with ABI %u here; give them with "
			    "--electron-headers",
			    abi->version);
	if (abi->kind == ABI_NODE &&
	    toolchain_node_version(en->spec.toolchain, abi->version) == NULL)
		engine_fail(en, OUTCOME_FAILED, "unsupported-abi",
			    "there are no headers of a Node with ABI %u here; "
			    "toolchains/components/node.conf names those that there are",
			    abi->version);
	if (en->e.code != 0) {
		engine_next(en);
		return;
	}
	make_argv(en, &argv);
	make_key(en, &argv);
	strv_fini(&argv);
	en->waiter = (struct configured_waiter){.on_ready = ask, .arg = en};
	ask(en);
}

bool
configure_cancel(struct engine *en)
{
	if (!en->waits)
		return false;
	configured_forget(en->spec.configured, &en->configuration, &en->waiter);
	return true;
}
