#include "workers/quota.h"

#include <string.h>

#include "tests/lib/test.h"

struct asker {
	struct quota_waiter waiter;
	int turns;
};

static void
on_turn(void *arg)
{
	((struct asker *)arg)->turns++;
}

static bool
ask(struct quota *q, struct asker *a)
{
	a->waiter = (struct quota_waiter){.on_turn = on_turn, .arg = a};
	return quota_ask(q, &a->waiter);
}

TEST(first_as_many_ask_as_are_missing_then_one_at_a_time)
{
	struct quota q = {.builds = 3};
	struct asker a[6];

	memset(a, 0, sizeof a);
	for (int i = 0; i < 6; i++)
		CHECK_INT(ask(&q, &a[i]), i < 3);
	/* One gets a job: two may still ask for the other two, which they do already. */
	quota_answered(&q, &a[0].waiter, true);
	CHECK_INT(q.asking, 2);
	CHECK_INT(a[3].turns, 0);
	/* One hears that there is none: the next in line asks. */
	quota_answered(&q, &a[1].waiter, false);
	CHECK_INT(a[3].turns, 1);
	CHECK_INT(q.asking, 2);
	quota_answered(&q, &a[2].waiter, true);
	quota_answered(&q, &a[3].waiter, true);
	/* All three are held: one asks for the next. */
	CHECK_INT(q.held, 3);
	CHECK_INT(q.asking, 1);
	CHECK_INT(a[4].turns, 1);
	CHECK_INT(a[5].turns, 0);
	quota_answered(&q, &a[4].waiter, true);
	CHECK_INT(a[5].turns, 1);
	quota_answered(&q, &a[5].waiter, true);
	CHECK_INT(q.held, 5);
	CHECK_INT(q.asking, 0);
	/* Three more are gone, so that one more than those is missing to three. */
	quota_ended(&q);
	CHECK(ask(&q, &a[0]));
	CHECK(!ask(&q, &a[1]));
	quota_ended(&q);
	quota_ended(&q);
	CHECK_INT(q.held, 2);
	CHECK_INT(a[1].turns, 0);
	quota_ended(&q);
	CHECK_INT(a[1].turns, 1);
	CHECK_INT(q.asking, 2);
}

TEST(the_last_slots_are_for_what_is_due)
{
	struct quota q = {.builds = 1};
	struct asker a[4];

	memset(a, 0, sizeof a);
	CHECK(ask(&q, &a[0]));
	CHECK(!a[0].waiter.due_only);
	quota_answered(&q, &a[0].waiter, true);
	CHECK(ask(&q, &a[1]));
	CHECK(!a[1].waiter.due_only);
	quota_answered(&q, &a[1].waiter, true);
	CHECK(ask(&q, &a[2]));
	CHECK(a[2].waiter.due_only);
	CHECK(!ask(&q, &a[3]));
	/* A job ends while the third still asks for what is due: the next asks for anything. */
	quota_ended(&q);
	CHECK_INT(a[3].turns, 1);
	CHECK(!a[3].waiter.due_only);
	quota_answered(&q, &a[2].waiter, false);
	CHECK_INT(q.asking, 1);
	CHECK_INT(q.asking_due, 0);
	CHECK(quota_is_asking(&q));
	quota_answered(&q, &a[3].waiter, false);
	CHECK(!quota_is_asking(&q));
}

TEST(who_forgets_is_not_called)
{
	struct quota q = {.builds = 1};
	struct asker a[3];

	memset(a, 0, sizeof a);
	CHECK(ask(&q, &a[0]));
	CHECK(!ask(&q, &a[1]));
	CHECK(!ask(&q, &a[2]));
	quota_forget(&q, &a[1].waiter);
	quota_forget(&q, &a[1].waiter);
	quota_answered(&q, &a[0].waiter, false);
	CHECK_INT(a[1].turns, 0);
	CHECK_INT(a[2].turns, 1);
}
