#include "builder/engine/share.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* ---- one at a time ---- */

struct taker {
	struct share *share;
	struct share_member member;
	const char *name;
	char *turns;        /* the names of all whose turn came, in order */
	int64_t then;       /* what it wants after its turn; 0: nothing */
	bool leaves, fails; /* on its turn */
};

static void
on_turn(void *arg)
{
	struct taker *t = arg;

	strcat(t->turns, t->name);
	if (t->then != 0)
		share_want(&t->member, t->then);
	t->then = 0;
	if (t->fails) {
		share_give(t->share);
		share_deal(t->share);
	}
	if (t->leaves)
		share_leave(t->share, &t->member);
}

static void
join(struct taker *t, struct share *s, const char *name, char *turns, int64_t due)
{
	*t = (struct taker){.share = s, .name = name, .turns = turns};
	t->member = (struct share_member){.on_turn = on_turn, .arg = t};
	share_join(s, &t->member);
	if (due != 0)
		share_want(&t->member, due);
}

TEST(who_is_due_first_is_first_and_no_more_than_there_are_places)
{
	struct share s = {.max = 2};
	struct taker a, b, c, d;
	char turns[32] = "";

	join(&a, &s, "a", turns, 30);
	join(&b, &s, "b", turns, 10);
	join(&c, &s, "c", turns, 20);
	join(&d, &s, "d", turns, 20);
	CHECK_STR(turns, "");
	share_deal(&s);
	CHECK_STR(turns, "bc");
	CHECK_INT(s.used, 2);
	share_give(&s);
	share_deal(&s);
	CHECK_STR(turns, "bcd");
	share_give(&s);
	share_deal(&s);
	share_give(&s);
	share_deal(&s);
	CHECK_STR(turns, "bcda");
	CHECK_INT(s.used, 1);
}

TEST(one_member_may_have_all_places)
{
	struct share s = {.max = 3};
	struct taker a, b;
	char turns[32] = "";

	join(&a, &s, "a", turns, 1);
	join(&b, &s, "b", turns, 5);
	a.then = 2;
	share_deal(&s);
	CHECK_STR(turns, "aab");
}

TEST(who_leaves_fails_or_wants_nothing_more_is_no_obstacle)
{
	struct share s = {.max = 1};
	struct taker a, b, c, d;
	char turns[32] = "";

	join(&a, &s, "a", turns, 1);
	join(&b, &s, "b", turns, 2);
	join(&c, &s, "c", turns, 3);
	join(&d, &s, "d", turns, 4);
	a.fails = a.leaves = true;
	share_want_none(&b.member);
	share_leave(&s, &c.member);
	share_deal(&s);
	CHECK_STR(turns, "ad");
	CHECK_INT(s.used, 1);
	/* Leaving twice, and leaving without waiting, is harmless. */
	share_leave(&s, &c.member);
	share_leave(&s, &b.member);
	share_leave(&s, &d.member);
	CHECK(s.members == NULL);
}

/* ---- whole matrices, in virtual time ---- */

#define STEPS_MAX 8
#define JOBS_MAX  64

enum sim_state { BLOCKED, READY, RUNS, ENDED };

/* The shape of sqlite3: an action, one long compilation and some short ones, the link. */
struct sim_step {
	enum sim_state state;
	int64_t ms, due, end;
};

struct sim_job {
	struct share_member member;
	struct sim *sim;
	struct sim_step steps[STEPS_MAX];
	size_t count;
	bool small;
	int64_t begun, ended;
};

struct sim {
	struct share share;
	struct sim_job jobs[JOBS_MAX];
	size_t count, added; /* count: places in jobs that were used */
	int64_t now, idle;   /* idle: places × ms while somebody waited */
};

static bool
sim_ready(const struct sim_job *j, size_t i)
{
	if (i == 0)
		return true;
	if (i + 1 < j->count)
		return j->steps[0].state == ENDED;
	for (size_t k = 0; k < i; k++)
		if (j->steps[k].state != ENDED)
			return false;
	return true;
}

static struct sim_step *
sim_first(struct sim_job *j)
{
	struct sim_step *first = NULL;

	for (size_t i = 0; i < j->count; i++)
		if (j->steps[i].state == READY && (first == NULL || j->steps[i].due < first->due))
			first = &j->steps[i];
	return first;
}

static void
sim_want(struct sim_job *j)
{
	for (size_t i = 0; i < j->count; i++) {
		struct sim_step *s = &j->steps[i];
		bool urgent = i == 0 || i + 1 == j->count || j->small;
		int64_t lead = urgent                          ? SHARE_LEAD_MAX_MS
			       : s->ms > SHARE_LEAD_COMPILE_MS ? SHARE_LEAD_COMPILE_MS
							       : s->ms;

		if (s->state != BLOCKED || !sim_ready(j, i))
			continue;
		s->state = READY;
		s->due = j->begun - lead;
	}
	if (sim_first(j) != NULL)
		share_want(&j->member, sim_first(j)->due);
	else
		share_want_none(&j->member);
}

static void
sim_turn(void *arg)
{
	struct sim_job *j = arg;
	struct sim_step *s = sim_first(j);

	s->state = RUNS;
	s->end = j->sim->now + s->ms;
	sim_want(j);
}

static struct sim_job *
sim_add(struct sim *sim, const int64_t *ms, size_t count)
{
	struct sim_job *j = sim->jobs;

	while (j < sim->jobs + sim->count && j->ended == 0)
		j++;
	if (j == sim->jobs + sim->count && sim->count++ == JOBS_MAX)
		abort();
	sim->added++;
	*j = (struct sim_job){.sim = sim, .count = count, .begun = sim->now};
	for (size_t i = 0; i < count; i++)
		j->steps[i].ms = ms[i];
	j->small = ms[1] < 5000;
	j->member = (struct share_member){.on_turn = sim_turn, .arg = j};
	share_join(&sim->share, &j->member);
	sim_want(j);
	share_deal(&sim->share);
	return j;
}

static bool
someone_waits(const struct sim *sim)
{
	for (const struct share_member *m = sim->share.members; m != NULL; m = m->next)
		if (m->waits)
			return true;
	return false;
}

/* Ends what ends next; false if nothing runs. */
static bool
sim_advance(struct sim *sim)
{
	struct sim_job *job = NULL;
	struct sim_step *next = NULL;

	for (size_t i = 0; i < sim->count; i++)
		for (size_t k = 0; k < sim->jobs[i].count; k++) {
			struct sim_step *s = &sim->jobs[i].steps[k];

			if (s->state == RUNS && (next == NULL || s->end < next->end)) {
				next = s;
				job = &sim->jobs[i];
			}
		}
	if (next == NULL)
		return false;
	if (someone_waits(sim))
		sim->idle += (next->end - sim->now) * (sim->share.max - sim->share.used);
	sim->now = next->end;
	next->state = ENDED;
	share_give(&sim->share);
	sim_want(job);
	if (job->steps[job->count - 1].state == ENDED) {
		job->ended = sim->now;
		share_leave(&sim->share, &job->member);
	}
	share_deal(&sim->share);
	return true;
}

static size_t
sim_open(const struct sim *sim)
{
	size_t open = 0;

	for (size_t i = 0; i < sim->count; i++)
		open += sim->jobs[i].ended == 0;
	return open;
}

/* Fourteen targets, at most `held` at a time. Returns the time they take over the time that the
 * cores would need at least, in percent. */
static int64_t
matrix(unsigned cores, size_t held)
{
	static const int64_t ms[] = {200, 35000, 1700, 1700, 1700, 1900, 100};
	struct sim *sim = xcalloc(1, sizeof *sim);
	int64_t work = 0, over;
	size_t targets = 14;

	sim->share.max = cores;
	for (size_t i = 0; i < ARRAY_SIZE(ms); i++)
		work += ms[i] * (int64_t)targets;
	do {
		while (sim_open(sim) < held && sim->added < targets)
			sim_add(sim, ms, ARRAY_SIZE(ms));
	} while (sim_advance(sim));
	CHECK_INT((int64_t)sim->added, (int64_t)targets);
	for (size_t i = 0; i < sim->count; i++)
		CHECK(sim->jobs[i].ended > 0);
	CHECK_INT(sim->idle, 0);
	over = sim->now * 100 * cores / work;
	free(sim);
	return over;
}

TEST(a_matrix_fills_the_cores_to_its_end)
{
	/* What no order can avoid: on 16 cores all long steps run beside each other. */
	CHECK_MSG(matrix(1, 2) <= 100, "%d", (int)matrix(1, 2));
	CHECK_MSG(matrix(2, 4) <= 103, "%d", (int)matrix(2, 4));
	CHECK_MSG(matrix(4, 8) <= 105, "%d", (int)matrix(4, 8));
	CHECK_MSG(matrix(8, 16) <= 108, "%d", (int)matrix(8, 16));
	CHECK_MSG(matrix(16, 32) <= 145, "%d", (int)matrix(16, 32));
}

/* Beside six jobs that are always open: how long one waits that comes after 10 s. */
static int64_t
latency(const int64_t *others, const int64_t *ms)
{
	struct sim *sim = xcalloc(1, sizeof *sim);
	struct sim_job *one;
	int64_t waited;

	sim->share.max = 2;
	while (sim->now < 10000) {
		while (sim_open(sim) < 6)
			sim_add(sim, others, 3);
		sim_advance(sim);
	}
	one = sim_add(sim, ms, 3);
	while (one->ended == 0 && sim->added < 5000) {
		while (sim_open(sim) < 7)
			sim_add(sim, others, 3);
		sim_advance(sim);
	}
	CHECK(one->ended > 0);
	waited = one->ended - one->begun;
	free(sim);
	return waited;
}

TEST(nobody_starves)
{
	static const int64_t heavy[] = {1, 35000, 1}, light[] = {1, 6000, 1}, small[] = {1, 900, 1};

	/* A small job takes the first place that is free. */
	CHECK_MSG(latency(heavy, small) <= 35000 + 902, "%d", (int)latency(heavy, small));
	/* Others wait for those that were there before and for who comes within the lead. */
	CHECK_MSG(latency(heavy, light) < 5 * 35000, "%d", (int)latency(heavy, light));
	CHECK_MSG(latency(small, heavy) < SHARE_LEAD_MAX_MS + 2 * 35000, "%d",
		  (int)latency(small, heavy));
}
