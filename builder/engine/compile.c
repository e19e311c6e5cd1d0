/*
 * compile.c - one step of STEPS, run. A compilation whose object may be there from an earlier job
 * (compiled.h) is preprocessed first:
 *
 *   preprocess ─► look ─┬─ there ──────────────────► ended
 *     child       pool  └─ not ─► compile ─► keep ─► ended
 *                                  child      pool
 *
 * What is not kept, and every other step, is the one command.
 */
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/engine/compiled.h"
#include "builder/engine/parts.h"
#include "builder/toolchain/toolchain.h"

struct compile {
	uv_work_t work;
	struct engine *engine;
	long step;
	uint64_t timeout_ms;
	char key[DIGEST_HEX_SIZE]; /* "": what it depends on is not known */
	bool found;
};

/* A path in the sandbox, as it is below the scratch folder. */
static const char *
below(const char *path)
{
	return path + strlen(PLAN_WORK "/");
}

static bool
can_keep(const struct engine *en, const struct step *s)
{
	return en->spec.objects != NULL && s->kind == STEP_COMPILE &&
	       compiled_can(&s->argv, s->input) &&
	       strncmp(compiled_object(&s->argv), PLAN_WORK "/", strlen(PLAN_WORK "/")) == 0;
}

static void
end(struct compile *k)
{
	struct engine *en = k->engine;
	long step = k->step;

	free(k);
	steps_ended(en, step);
}

/* ---- one command ---- */

static void
on_end(const struct run_end *run, void *arg)
{
	struct command *c = arg;
	struct engine *en = c->engine;
	long step = c->step;

	command_judge(c, run, en->plan.steps[step].label);
	command_end(c);
	steps_ended(en, step);
}

/* ---- keep ---- */

static void
keep_on_pool(uv_work_t *w)
{
	struct compile *k = w->data;
	struct engine *en = k->engine;

	compiled_keep(en->spec.objects, k->key, en->spec.scratch,
		      below(compiled_object(&en->plan.steps[k->step].argv)));
}

static void
kept(uv_work_t *w, int status)
{
	(void)status;
	end(w->data);
}

static void
on_compiled(const struct run_end *run, void *arg)
{
	struct command *c = arg;
	struct compile *k = c->data;
	struct engine *en = c->engine;

	command_judge(c, run, en->plan.steps[k->step].label);
	command_end(c);
	if (run->ok && k->key[0] != '\0')
		uv_queue_work(en->loop, &k->work, keep_on_pool, kept);
	else
		end(k);
}

/* ---- look ---- */

static char *
preprocessed_path(const struct compile *k)
{
	return xasprintf(PLAN_OBJECTS "/%ld.i", k->step);
}

static void
look_on_pool(uv_work_t *w)
{
	struct compile *k = w->data;
	const struct engine *en = k->engine;
	const struct step *s = &en->plan.steps[k->step];
	char *text = preprocessed_path(k);
	struct err e = {0};

	if (compiled_key(en->spec.toolchain->digest, &s->argv, en->spec.scratch, below(text),
			 k->key, &e) == 0)
		k->found = compiled_take(en->spec.objects, k->key, en->spec.scratch,
					 below(compiled_object(&s->argv)));
	free(text);
}

static void
looked(uv_work_t *w, int status)
{
	struct compile *k = w->data;
	struct engine *en = k->engine;
	const struct step *s = &en->plan.steps[k->step];

	(void)status;
	if (k->found)
		engine_say(en, "==> %s: compiled already, by an earlier job", s->label);
	if (k->found || en->e.code != 0 || en->cancelled ||
	    command_start(en, k->step, &s->argv, s->cwd, k->timeout_ms, on_compiled) != 0)
		end(k);
	else
		en->commands->data = k;
}

static void
on_preprocessed(const struct run_end *run, void *arg)
{
	struct command *c = arg;
	struct compile *k = c->data;
	struct engine *en = c->engine;

	/* What is wrong with the source is the compiler's to say. */
	(void)run;
	command_end(c);
	uv_queue_work(en->loop, &k->work, look_on_pool, looked);
}

int
step_start(struct engine *en, long step, uint64_t timeout_ms)
{
	const struct step *s = &en->plan.steps[step];
	struct strv argv = {0};
	struct compile *k;
	char *output;

	if (!can_keep(en, s))
		return command_start(en, step, &s->argv, s->cwd, timeout_ms, on_end);
	k = xcalloc(1, sizeof *k);
	*k = (struct compile){.engine = en, .step = step, .timeout_ms = timeout_ms};
	k->work.data = k;
	output = preprocessed_path(k);
	compiled_preprocess(&s->argv, output, &argv);
	if (command_start(en, step, &argv, s->cwd, timeout_ms, on_preprocessed) == 0)
		en->commands->data = k;
	else
		free(k);
	strv_fini(&argv);
	free(output);
	return en->e.code;
}
