#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "builder/audit/audit.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/engine/embed.h"
#include "builder/engine/parts.h"
#include "builder/engine/pre_gyp.h"
#include "builder/source/unpack.h"
#include "builder/toolchain/toolchain.h"

#define PLAN_JSON_MAX (4u << 20)
#define ADDON_MAX     (256u << 20)
#define SOURCE_DEPTH  40

/* ---- UNPACK ---- */

static int
write_work_file(const struct engine *en, const char *name, const char *text, struct err *e)
{
	char *path = xasprintf("%s/%s", en->spec.scratch, name);
	int r = file_write(path, text, strlen(text), 0644, e);

	free(path);
	return r;
}

/* Actions of older packages call `python`, which Debian has not had for years. */
static int
link_python(const struct engine *en, struct err *e)
{
	char *path = xasprintf("%s/bin/python", en->spec.scratch);

	if (symlink("/usr/bin/python3", path) != 0)
		err_sys(e, -errno, "link %s", path);
	free(path);
	return e->code;
}

static int
prepare_scratch(const struct engine *en, struct err *e)
{
	static const char *const folders[] = {"src", "obj", "gen", "out", "bin", "electron"};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char *path = xasprintf("%s/%s", en->spec.scratch, folders[i]);
		int r = file_mkdirs(path, 0755, e);

		free(path);
		if (r != 0)
			return r;
	}
	if (link_python(en, e) != 0 || write_work_file(en, "plan.py", embed_plan_py, e) != 0 ||
	    write_work_file(en, "loadtest.js", embed_loadtest_js, e) != 0 ||
	    write_work_file(en, "exports.map", plan_exports, e) != 0)
		return e->code;
	return 0;
}

static void
unpack_on_pool(uv_work_t *w)
{
	struct engine *en = w->data;
	const struct job_limits *l = &en->spec.limits;
	char *src = xasprintf("%s/src", en->spec.scratch);
	struct err e = {0};

	if (prepare_scratch(en, &e) != 0)
		engine_fail(en, OUTCOME_ERROR, "worker-failed", "%s", e.msg);
	else if (unpack_file(en->spec.bundle, src,
			     &(struct unpack_limits){.bytes = l->source_unpacked,
						     .entries = l->source_entries,
						     .depth = SOURCE_DEPTH,
						     .allow_links = true,
						     .strip = 1},
			     &e) != 0)
		engine_fail(en,
			    e.code == ERR_MALFORMED || e.code == ERR_LIMIT ? OUTCOME_FAILED
									   : OUTCOME_ERROR,
			    err_name(e.code), "unpack the source: %s", e.msg);
	if (en->e.code == 0)
		pre_gyp_flags(src, PLAN_SOURCE, en->spec.abi, &en->gyp_flags);
	/* A package that ships its own builds may build nothing where one of them fits. */
	if (en->e.code == 0) {
		char *prebuilds = xasprintf("%s/prebuilds", src);

		if (file_remove_tree(prebuilds, &e) != 0)
			engine_fail(en, OUTCOME_ERROR, "worker-failed", "%s", e.msg);
		free(prebuilds);
	}
	free(src);
}

/* ---- PLAN ---- */

static void
plan_on_pool(uv_work_t *w)
{
	struct engine *en = w->data;
	char *path = xasprintf("%s/plan.json", en->spec.scratch);
	bool no_v8 = en->spec.abi.kind != ABI_NAPI && en->spec.toolchain->cxx_v8.n == 0;
	struct json *gyp = NULL;
	struct buf text = {0};
	struct err e = {0};

	if (file_read_regular(path, PLAN_JSON_MAX, &text, &e) == 0)
		gyp = json_parse(text.data, text.len, &e);
	if (gyp != NULL)
		plan_make(gyp, en->spec.toolchain, en->spec.abi, &en->plan, &e);
	if (e.code != 0)
		engine_fail(en, OUTCOME_FAILED,
			    e.code == ERR_LIMIT         ? "limit"
			    : e.code != ERR_UNSUPPORTED ? "build-failed"
			    : no_v8                     ? "unsupported-abi"
							: "unsupported",
			    "%s", e.msg);
	json_free(gyp);
	buf_fini(&text);
	free(path);
}

/* ---- COLLECT: audit, and a copy where the package's own loader looks for it ---- */

static void
collect_on_pool(uv_work_t *w)
{
	struct engine *en = w->data;
	struct audit_request req = {
		.target = en->spec.toolchain->target, .abi = en->spec.abi, .file = en->plan.addon};
	char *addon = xasprintf("out/%s", en->plan.addon);
	char *copy = xasprintf("src/build/Release/%s", en->plan.addon);
	struct audit_report *report = NULL;
	struct buf bytes = {0};
	struct err e = {0};

	en->addon = xasprintf("%s/%s", en->spec.scratch, addon);
	if (file_read_beneath(en->spec.scratch, addon, ADDON_MAX, &bytes, &e) != 0) {
		engine_fail(en, OUTCOME_FAILED, "build-failed", "the build made no addon: %s",
			    e.msg);
		goto out;
	}
	report = audit_bytes(bytes.data, bytes.len, &req);
	if (!audit_passed(report)) {
		en->refusal = xstrdup(audit_summary(report));
		strv_extend(&en->blamed, audit_blamed(report));
		goto out;
	}
	if (file_write_beneath(en->spec.scratch, copy, bytes.data, bytes.len, 0755, &e) != 0)
		engine_fail(en, OUTCOME_FAILED, "build-failed", "%s", e.msg);
out:
	audit_free(report);
	buf_fini(&bytes);
	free(copy);
	free(addon);
}

/* ---- LOAD ---- */

static void
not_loaded(struct engine *en, const char *reason)
{
	engine_say(en, "==> %s", reason);
	json_free(en->load);
	en->load = json_object();
	json_set_bool(en->load, "ran", false);
	json_set_str(en->load, "reason", reason);
}

static void
loaded(const struct run_end *end, void *arg)
{
	struct command *c = arg;
	struct engine *en = c->engine;
	const struct toolchain *t = en->spec.toolchain;
	const char *why;

	en->load = json_last_object(c->output.data != NULL ? c->output.data : "");
	command_flush(c);
	if (en->load == NULL)
		en->load = json_object();
	json_set_bool(en->load, "ran", true);
	json_set_str(en->load, "runtime", en->runtime);
	json_set_str(en->load, "emulator", t->load_emulator);
	why = json_str(en->load, "error", end->what);
	/* It goes by the file's name, whatever is in the file. */
	if (why != NULL && strncmp(en->runtime, "bun ", 4) == 0 &&
	    strstr(why, "is not yet supported in Bun") != NULL) {
		not_loaded(en, "not load-tested: Bun refuses addons of this name");
	} else if (!end->ok || !json_bool(en->load, "ok", false)) {
		json_set_bool(en->load, "ok", false);
		if (!en->cancelled)
			engine_fail(en, OUTCOME_REFUSED, "load-failed", "load test in %s: %s",
				    en->runtime, end->ok ? "no report" : why);
	}
	command_end(c);
	engine_next(en);
}

static unsigned
major(const char *version)
{
	return (unsigned)strtoul(version, NULL, 10);
}

/* The ABI of the Node of this machine in which an addon loads, if possible the one that runs builds; 0 if
 * there is none. */
static unsigned
node_that_loads(const struct engine *en)
{
	const struct toolchain *t = en->spec.toolchain;
	const struct abi *abi = &en->spec.abi;
	const char *own = toolchain_node_version(t, t->node_abi);

	if (abi->kind == ABI_NODE)
		return abi->version;
	if (own != NULL && abi_napi_of_node(own) >= abi->version)
		return t->node_abi;
	return toolchain_node_with_napi(t, abi->version);
}

/* Does the target's one Node load it? */
static bool
node_loads(const struct engine *en, const char *version)
{
	const struct abi *abi = &en->spec.abi;

	if (abi->kind == ABI_NODE)
		return major(version) ==
		       major(toolchain_node_version(en->spec.toolchain, abi->version));
	return abi_napi_of_node(version) >= abi->version;
}

/* The command and the name of what loads the addon. One that uses V8 only loads in a Node of its ABI, and
 * others in one that has its version of Node-API: this machine's Nodes are all there, of another machine's
 * there is one. Bun has all of Node-API. */
static bool
choose_runtime(struct engine *en, struct strv *argv)
{
	const struct toolchain *t = en->spec.toolchain;
	unsigned abi;

	if (t->load_runtime == NULL || en->spec.abi.kind == ABI_ELECTRON)
		return false;
	en->runtime = xstrdup(t->load_runtime);
	strv_extend(argv, &t->load_argv);
	if (strcmp(t->load_argv.at[0], NODE_MOUNT "/bin/node") != 0)
		return strncmp(t->load_runtime, "node ", 5) == 0
			       ? node_loads(en, t->load_runtime + 5)
			       : en->spec.abi.kind == ABI_NAPI;
	abi = node_that_loads(en);
	if (abi == 0)
		return false;
	free(en->runtime);
	en->runtime = xasprintf("node %s", toolchain_node_version(t, abi));
	strv_fini(argv);
	strv_addf(argv, NODE_MOUNT "/abi/%u/bin/node", abi);
	return true;
}

static void
load(struct engine *en)
{
	const struct toolchain *t = en->spec.toolchain;
	struct strv argv = {0};

	if (!choose_runtime(en, &argv)) {
		const char *reason =
			t->load_runtime == NULL ? "not load-tested: nothing here runs such a file"
			: en->spec.abi.kind == ABI_ELECTRON
				? "not load-tested: Electron does not run here"
				: "not load-tested: no Node with its ABI or version of Node-API is there";

		not_loaded(en, reason);
		strv_fini(&argv);
		engine_next(en);
		return;
	}
	engine_say(en, "==> load test in %s", en->runtime);
	if (t->load_script) {
		strv_add(&argv, PLAN_WORK "/loadtest.js");
		strv_add(&argv, en->spec.package);
		strv_add(&argv, PLAN_SOURCE);
	}
	strv_addf(&argv, "%s/build/Release/%s", PLAN_SOURCE, en->plan.addon);
	if (command_start(en, -1, &argv, PLAN_SOURCE, en->spec.limits.load_ms, loaded) != 0)
		engine_next(en);
	strv_fini(&argv);
}

/* ---- the machine ---- */

static void
engine_free(struct engine *en)
{
	plan_fini(&en->plan);
	strv_fini(&en->gyp_flags);
	json_free(en->load);
	strv_fini(&en->blamed);
	free(en->steps);
	free(en->refusal);
	free(en->addon);
	free(en->runtime);
	free(en);
}

static void
finish(struct engine *en)
{
	struct engine_result result = {
		.outcome = OUTCOME_SUCCEEDED,
		.addon = en->addon,
		.file = en->plan.addon,
		.load = en->load,
	};
	struct json *commands = NULL;

	if (en->cancelled) {
		result.outcome = OUTCOME_CANCELLED;
		result.code = "cancelled";
		result.error = "the job was cancelled";
	} else if (en->e.code != 0) {
		result.outcome = en->outcome;
		result.code = en->code;
		result.error = en->e.msg;
		engine_say(en, "==> %s: %s", job_outcome_name(en->outcome), en->e.msg);
	} else {
		engine_say(en, "==> %s is good", en->plan.addon);
		commands = plan_commands(&en->plan);
		result.commands = commands;
	}
	en->spec.on_done(&result, en->spec.arg);
	json_free(commands);
	engine_free(en);
}

static void
worked(uv_work_t *w, int status)
{
	(void)status;
	engine_next(w->data);
}

static void
on_pool(struct engine *en, const char *stage, uv_work_cb work)
{
	engine_progress(en, stage, 0, 0);
	en->work.data = en;
	uv_queue_work(en->loop, &en->work, work, worked);
}

void
engine_next(struct engine *en)
{
	static const enum state after[] = {
		[UNPACK] = CONFIGURE, [CONFIGURE] = PLAN, [PLAN] = STEPS, [STEPS] = COLLECT,
		[COLLECT] = LOAD,     [TRACE] = END,      [LOAD] = END,
	};

	if (en->state == STEPS)
		share_leave(en->spec.share, &en->member);
	if (en->e.code != 0 || en->cancelled)
		en->state = END;
	else if (en->state == COLLECT && en->refusal != NULL)
		en->state = TRACE;
	else
		en->state = after[en->state];
	switch (en->state) {
	case CONFIGURE:
		engine_progress(en, "configure", 0, 0);
		configure_begin(en);
		break;
	case PLAN:
		on_pool(en, "plan", plan_on_pool);
		break;
	case STEPS:
		steps_begin(en);
		break;
	case COLLECT:
		on_pool(en, "audit", collect_on_pool);
		break;
	case TRACE:
		trace_begin(en);
		break;
	case LOAD:
		engine_progress(en, "load test", 0, 0);
		load(en);
		break;
	case UNPACK:
	case END:
		finish(en);
		break;
	}
}

struct engine *
engine_start(struct uv_loop_s *loop, const struct engine_spec *spec)
{
	struct engine *en = xcalloc(1, sizeof *en);

	en->loop = loop;
	en->spec = *spec;
	en->state = UNPACK;
	engine_say(en, "==> %s@%s for %s, toolchain %s", spec->package, spec->version,
		   spec->toolchain->target->triple, spec->toolchain->digest);
	on_pool(en, "unpack", unpack_on_pool);
	return en;
}

void
engine_cancel(struct engine *en)
{
	en->cancelled = true;
	share_want_none(&en->member);
	command_cancel_all(en);
	/* A job that waits for its turn or for another job has nothing that could end. */
	if ((en->state == STEPS && en->running == 0) ||
	    (en->state == CONFIGURE && configure_cancel(en)))
		engine_next(en);
}
