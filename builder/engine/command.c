#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/engine/parts.h"
#include "builder/toolchain/toolchain.h"

#define OUTPUT_KEPT (64u << 10) /* of one command, for its error message */

/* A process that computes all the time is ended by the clock, which says why, and not by its limit
 * of CPU time, which is for those with many threads. */
#define CPU_SLACK_SECONDS 10

void
engine_say(struct engine *en, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	en->spec.on_log(line, (size_t)n, en->spec.arg);
}

void
engine_progress(struct engine *en, const char *stage, size_t step, size_t steps)
{
	en->spec.on_progress(stage, (unsigned)step, (unsigned)steps, en->spec.arg);
}

void
engine_fail(struct engine *en, enum job_outcome outcome, const char *code, const char *fmt, ...)
{
	char text[sizeof en->e.msg];
	va_list ap;

	if (en->e.code != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&en->e, ERR_BUILD, "%s", text);
	en->outcome = outcome;
	en->code = code;
}

void
command_node(const struct engine *en, struct buf *out)
{
	if (en->spec.abi.kind == ABI_ELECTRON) {
		buf_adds(out, ELECTRON_MOUNT);
		return;
	}
	buf_adds(out, NODE_MOUNT);
	if (en->spec.abi.kind == ABI_NODE)
		buf_addf(out, "/abi/%u", en->spec.abi.version);
}

void
command_env(const struct engine *en, struct strv *env)
{
	static const char *const fixed[] = {
		"PATH=" NODE_MOUNT "/bin:" PLAN_WORK "/bin:/usr/bin:/bin",
		"HOME=/tmp",
		"TMPDIR=/tmp",
		"LANG=C.UTF-8",
		"TZ=UTC",
		"SOURCE_DATE_EPOCH=499162500",
		"PYTHONDONTWRITEBYTECODE=1",
		"PLAN_OUT=" PLAN_WORK "/plan.json",
	};
	struct buf node = {0};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_add(env, fixed[i]);
	command_node(en, &node);
	strv_addf(env, "npm_config_nodedir=%s", node.data);
	buf_fini(&node);
}

static void
make_spec(const struct engine *en, struct run_spec *out)
{
	const struct toolchain *t = en->spec.toolchain;
	const struct job_limits *l = &en->spec.limits;

	*out = (struct run_spec){.scratch = en->spec.scratch, .limits = l};
	out->sandbox = (struct sandbox){
		.root = t->root,
		.cwd = PLAN_SOURCE,
		.limits = {.cpu_seconds = (unsigned)(l->step_ms / 1000) + CPU_SLACK_SECONDS,
			   /* Node reserves far more than it uses; what is used is watched. */
			   .address_space = 64ull << 30,
			   .file_size = l->file_size,
			   .processes = (unsigned)l->processes,
			   .open_files = 4096,
			   .tmp_size = 512u << 20},
	};
	/* A configuration may be used for other targets: it must see nothing of this one. */
	if (en->state != CONFIGURE)
		sandbox_mount(&out->sandbox, t->dir, TOOLCHAIN_MOUNT, false);
	sandbox_mount(&out->sandbox, t->node, NODE_MOUNT, false);
	sandbox_mount(&out->sandbox, en->spec.scratch, PLAN_WORK, true);
	if (en->spec.electron != NULL)
		sandbox_mount(&out->sandbox, en->spec.electron_dir, ELECTRON_MOUNT, false);
	command_env(en, &out->env);
}

void
command_flush(struct command *c)
{
	struct engine *en = c->engine;

	if (c->output.len > c->told)
		en->spec.on_log(c->output.data + c->told, c->output.len - c->told, en->spec.arg);
	c->told = c->output.len;
}

/* Steps run beside each other: what they print within half a second stays together. The last
 * OUTPUT_KEPT bytes are kept for the error message. */
static void
on_output(const char *data, size_t len, void *arg)
{
	struct command *c = arg;

	if (c->output.len + len > OUTPUT_KEPT) {
		command_flush(c);
		buf_drop(&c->output, c->output.len / 2);
		c->told = c->output.len;
	}
	buf_add(&c->output, data, len);
}

static void
on_tick(void *arg)
{
	command_flush(arg);
}

/* The linker says below an undefined symbol which object refers to it. */
static const char *
referrer(const struct engine *en, char **save)
{
	const char *source = NULL, *line;

	while (source == NULL && (line = strtok_r(NULL, "\r\n", save)) != NULL &&
	       strncmp(line, ">>>", 3) == 0)
		source = trace_source(en, line);
	return source;
}

/* The compiler's own message: its first line with "error", else the last line that says
 * something. */
static void
pick_message(const struct command *c, char *out, size_t size)
{
	const char *last = "", *source = NULL;
	char *copy = xstrdup(c->output.data != NULL ? c->output.data : ""), *save = NULL;

	for (char *line = strtok_r(copy, "\r\n", &save); line != NULL;
	     line = strtok_r(NULL, "\r\n", &save)) {
		if (strstr(line, "rror:") != NULL) {
			last = line;
			if (strstr(line, "undefined symbol: ") != NULL)
				source = referrer(c->engine, &save);
			break;
		}
		if (strspn(line, " \t^~") != strlen(line))
			last = line;
	}
	snprintf(out, size, "%.300s%s%.100s", last, source != NULL ? ", referenced by " : "",
		 source != NULL ? source : "");
	free(copy);
}

void
command_end(struct command *c)
{
	struct command **at = &c->engine->commands;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	buf_fini(&c->output);
	free(c);
}

void
command_cancel_all(struct engine *en)
{
	for (struct command *c = en->commands; c != NULL; c = c->next)
		run_cancel(c->run);
}

int
command_start(struct engine *en, long step, const struct strv *argv, const char *cwd,
	      uint64_t timeout_ms, void (*on_end)(const struct run_end *, void *))
{
	struct command *c = xcalloc(1, sizeof *c);
	struct run_spec spec;
	struct err e = {0};

	make_spec(en, &spec);
	spec.argv = *argv;
	spec.sandbox.cwd = cwd;
	spec.job_memory = &en->memory;
	spec.timeout_ms = timeout_ms;
	spec.on_output = on_output;
	spec.on_tick = on_tick;
	spec.on_end = on_end;
	spec.arg = c;
	c->engine = en;
	c->step = step;
	c->next = en->commands;
	en->commands = c;
	if (run_start(en->loop, &spec, &c->run, &e) != 0) {
		engine_fail(en, OUTCOME_ERROR, "worker-failed", "%s", e.msg);
		command_end(c);
	}
	strv_fini(&spec.env);
	return en->e.code;
}

void
command_judge(struct command *c, const struct run_end *end, const char *label)
{
	struct engine *en = c->engine;
	char message[440];

	if (c->output.len > 0 && c->output.data[c->output.len - 1] != '\n')
		buf_adds(&c->output, "\n");
	command_flush(c);
	if (end->ok || en->cancelled)
		return;
	engine_say(en, "==> %s failed: %s", label, end->what);
	pick_message(c, message, sizeof message);
	if (end->limited)
		engine_fail(en, OUTCOME_FAILED, "limit", "%s: %s exceeded", label, end->what);
	else
		engine_fail(en, OUTCOME_FAILED, "build-failed", "%s: %s%s%s", label, end->what,
			    message[0] != '\0' ? ": " : "", message);
}
