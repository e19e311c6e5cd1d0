#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/clock.h"
#include "builder/base/mem.h"
#include "builder/engine/parts.h"

/* What a compiler gets through and needs at least, roughly: for the order of steps only. */
#define SOURCE_BYTES_PER_MS 256
#define COMPILE_MIN_MS      1000

/* A job whose compilations take no longer than this, one after the other, is small. */
#define SMALL_JOB_MS 5000

/* How long a compilation is expected to take, from the size of its source. */
static int64_t
expected_ms(const struct engine *en, const struct step *s)
{
	int64_t ms = COMPILE_MIN_MS;
	struct stat st;
	char *path;

	if (strncmp(s->input, PLAN_WORK "/", strlen(PLAN_WORK "/")) != 0)
		return ms;
	path = xasprintf("%s%s", en->spec.scratch, s->input + strlen(PLAN_WORK));
	if (lstat(path, &st) == 0 && st.st_size / SOURCE_BYTES_PER_MS > ms)
		ms = st.st_size / SOURCE_BYTES_PER_MS;
	free(path);
	return ms < SHARE_LEAD_COMPILE_MS ? ms : SHARE_LEAD_COMPILE_MS;
}

/* Asked once a compilation is ready: what generates sources has run by then. */
static bool
is_small(const struct engine *en)
{
	int64_t sum = 0;

	for (size_t i = 0; i < en->plan.count && sum <= SMALL_JOB_MS; i++)
		if (en->plan.steps[i].input != NULL)
			sum += expected_ms(en, &en->plan.steps[i]);
	return sum <= SMALL_JOB_MS;
}

/* See share.h. */
static int64_t
lead(struct engine *en, const struct step *s)
{
	if (s->input == NULL)
		return SHARE_LEAD_MAX_MS;
	if (!en->sized)
		en->small = is_small(en);
	en->sized = true;
	return en->small ? SHARE_LEAD_MAX_MS : expected_ms(en, s);
}

static bool
is_ready(const struct engine *en, const struct step *s)
{
	for (size_t i = 0; i < s->need_count; i++)
		if (en->steps[s->needs[i]].state != STEP_ENDED)
			return false;
	return true;
}

static void
find_ready(struct engine *en)
{
	for (size_t i = 0; i < en->plan.count; i++) {
		const struct step *s = &en->plan.steps[i];

		if (en->steps[i].state != STEP_BLOCKED || !is_ready(en, s))
			continue;
		en->steps[i].state = STEP_READY;
		en->steps[i].due = en->begun_ms - lead(en, s);
	}
}

static long
first_due(const struct engine *en)
{
	long first = -1;

	for (size_t i = 0; i < en->plan.count; i++)
		if (en->steps[i].state == STEP_READY &&
		    (first < 0 || en->steps[i].due < en->steps[first].due))
			first = (long)i;
	return first;
}

static void
want_next(struct engine *en)
{
	long i = en->e.code == 0 && !en->cancelled ? first_due(en) : -1;

	if (i >= 0)
		share_want(&en->member, en->steps[i].due);
	else
		share_want_none(&en->member);
}

/* Nothing runs and nothing more will be started. */
static bool
is_over(const struct engine *en)
{
	return en->running == 0 &&
	       (en->e.code != 0 || en->cancelled || en->finished == en->plan.count);
}

void
steps_ended(struct engine *en, long step)
{
	struct share *share = en->spec.share;

	en->steps[step].state = STEP_ENDED;
	en->finished++;
	en->running--;
	if (en->running == 0)
		en->spent_ms += clock_mono_ms() - en->busy_since;
	if (en->e.code == 0)
		engine_progress(en, "build", en->finished, en->plan.count);
	else
		command_cancel_all(en);
	find_ready(en);
	want_next(en);
	share_give(share);
	/* From here on the job may be gone. */
	if (is_over(en))
		engine_next(en);
	share_deal(share);
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

/* What is left of the time for all steps. It passes only while one of them runs: a job is not to
 * blame for waiting until others give it a place. */
static uint64_t
time_left(const struct engine *en, uint64_t now)
{
	uint64_t spent = en->spent_ms + (en->running > 0 ? now - en->busy_since : 0);

	return spent < en->spec.limits.build_ms ? en->spec.limits.build_ms - spent : 0;
}

static int
start_step(struct engine *en, long i)
{
	const struct step *s = &en->plan.steps[i];
	uint64_t now = clock_mono_ms(), left = time_left(en, now);

	if (left == 0) {
		engine_fail(en, OUTCOME_FAILED, "limit", "build: time limit (%llu s) exceeded",
			    (unsigned long long)(en->spec.limits.build_ms / 1000));
		return en->e.code;
	}
	if (en->running == 0)
		en->busy_since = now;
	en->steps[i].state = STEP_BEGUN;
	en->started++;
	log_command(en, s);
	if (step_start(en, i, left < en->spec.limits.step_ms ? left : en->spec.limits.step_ms) != 0)
		return en->e.code;
	en->running++;
	return 0;
}

static void
on_turn(void *arg)
{
	struct engine *en = arg;

	if (start_step(en, first_due(en)) != 0) {
		share_give(en->spec.share);
		command_cancel_all(en);
	}
	want_next(en);
	if (is_over(en))
		engine_next(en);
}

void
steps_begin(struct engine *en)
{
	struct share *share = en->spec.share;

	en->steps = xcalloc(en->plan.count, sizeof *en->steps);
	for (size_t i = 0; i < en->plan.dropped.n; i++)
		engine_say(en, "==> flag of the package left out: %s", en->plan.dropped.at[i]);
	engine_progress(en, "build", 0, en->plan.count);
	en->begun_ms = (int64_t)clock_mono_ms();
	en->member = (struct share_member){.on_turn = on_turn, .arg = en};
	share_join(share, &en->member);
	find_ready(en);
	want_next(en);
	share_deal(share);
}
