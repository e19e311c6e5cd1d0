#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/clock.h"
#include "builder/base/mem.h"
#include "builder/engine/parts.h"

static void start_steps(void *arg);

static bool
is_ready(const struct engine *en, const struct step *s)
{
	for (size_t i = 0; i < s->need_count; i++)
		if (!en->ended[s->needs[i]])
			return false;
	return true;
}

/* Size of the source that a step compiles: the longest goes first, so that nothing is left to wait
 * for it at the end. */
static off_t
weight(const struct engine *en, const struct step *s)
{
	char *path;
	struct stat st;
	int r;

	if (s->input == NULL || strncmp(s->input, PLAN_WORK "/", strlen(PLAN_WORK "/")) != 0)
		return s->kind == STEP_ACTION ? (off_t)1 << 40 : 0;
	path = xasprintf("%s%s", en->spec.scratch, s->input + strlen(PLAN_WORK));
	r = lstat(path, &st);
	free(path);
	return r == 0 ? st.st_size : 0;
}

static long
pick_step(const struct engine *en)
{
	off_t best = -1;
	long step = -1;

	for (size_t i = 0; i < en->plan.count; i++) {
		off_t w;

		if (en->begun[i] || !is_ready(en, &en->plan.steps[i]))
			continue;
		w = weight(en, &en->plan.steps[i]);
		if (w > best) {
			best = w;
			step = (long)i;
		}
	}
	return step;
}

/* Nothing runs and nothing more will be started. */
static bool
is_over(const struct engine *en)
{
	return en->commands == NULL &&
	       (en->e.code != 0 || en->cancelled || en->finished == en->plan.count);
}

static void
step_ended(const struct run_end *end, void *arg)
{
	struct command *c = arg;
	struct engine *en = c->engine;
	struct step *s = &en->plan.steps[c->step];
	struct share *share = en->spec.share;

	command_judge(c, end, s->label);
	en->ended[c->step] = 1;
	en->finished++;
	command_end(c);
	if (en->e.code == 0)
		engine_progress(en, "build", en->finished, en->plan.count);
	else
		for (struct command *other = en->commands; other != NULL; other = other->next)
			run_cancel(other->run);
	if (is_over(en))
		engine_next(en);
	/* The place is free for whoever is first in line, which may be this job. From here on it may
	 * be gone. */
	share_give(share);
}

static void
log_command(struct engine *en, const struct step *s)
{
	struct buf line = {0};

	buf_addf(&line, "==> [%zu/%zu] %s\n+", en->started, en->plan.count, s->label);
	for (size_t i = 0; i < s->argv.n; i++)
		buf_addf(&line, " %s", s->argv.at[i]);
	buf_adds(&line, "\n");
	en->spec.on_log(line.data, line.len, en->spec.arg);
	buf_fini(&line);
}

static void
start_steps(void *arg)
{
	struct engine *en = arg;
	struct share *share = en->spec.share;
	uint64_t now = clock_mono_ms();
	bool unused = false;

	if (en->e.code == 0 && en->finished < en->plan.count && now >= en->deadline)
		engine_fail(en, OUTCOME_FAILED, "limit", "build: time limit (%llu s) exceeded",
			    (unsigned long long)(en->spec.limits.build_ms / 1000));
	while (en->e.code == 0 && !en->cancelled) {
		long i = pick_step(en);
		const struct step *s;
		uint64_t left = en->deadline - now;

		if (i < 0 || !share_take(share))
			break;
		s = &en->plan.steps[i];
		en->begun[i] = 1;
		en->started++;
		log_command(en, s);
		if (command_start(en, i, &s->argv, s->cwd,
				  left < en->spec.limits.step_ms ? left : en->spec.limits.step_ms,
				  step_ended) != 0)
			unused = true;
	}
	if (is_over(en))
		engine_next(en);
	if (unused)
		share_give(share);
}

void
steps_begin(struct engine *en)
{
	en->begun = xcalloc(en->plan.count, 1);
	en->ended = xcalloc(en->plan.count, 1);
	en->deadline = clock_mono_ms() + en->spec.limits.build_ms;
	for (size_t i = 0; i < en->plan.dropped.n; i++)
		engine_say(en, "==> flag of the package left out: %s", en->plan.dropped.at[i]);
	engine_progress(en, "build", 0, en->plan.count);
	en->member = (struct share_member){.on_free = start_steps, .arg = en};
	share_join(en->spec.share, &en->member);
	start_steps(en);
}
