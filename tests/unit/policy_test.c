#include "api/routes/policy.h"

#include <stdio.h>

#include "tests/lib/test.h"

TEST(packages)
{
	struct policy *p = NULL;
	struct err e = {0};

	CHECK_INT(policy_open("sqlite3, @a/b", 1, &p, &e), 0);
	CHECK(policy_allows(p, "sqlite3"));
	CHECK(policy_allows(p, "@a/b"));
	CHECK(!policy_allows(p, "b"));
	CHECK(!policy_allows(p, "sqlite"));
	policy_free(p);
	CHECK_INT(policy_open("any", 1, &p, &e), 0);
	CHECK(policy_allows(p, "whatever"));
	policy_free(p);
	CHECK_INT(policy_open("sqlite3,../x", 1, &p, &e), ERR_USAGE);
	e = (struct err){0};
	CHECK_INT(policy_open(" ,", 1, &p, &e), ERR_USAGE);
}

TEST(a_share_a_minute)
{
	struct policy *p = NULL;
	struct err e = {0};

	CHECK_INT(policy_open("any", 3, &p, &e), 0);
	for (int i = 0; i < 3; i++)
		CHECK(policy_take(p, "192.0.2.1", 1000));
	CHECK(!policy_take(p, "192.0.2.1", 1000));
	CHECK(policy_take(p, "192.0.2.2", 1000));
	/* A third of a minute later there is one more. */
	CHECK(!policy_take(p, "192.0.2.1", 20999));
	CHECK(policy_take(p, "192.0.2.1", 21000));
	CHECK(!policy_take(p, "192.0.2.1", 21000));
	/* A /64 is one client. */
	for (int i = 0; i < 3; i++)
		CHECK(policy_take(p, i == 0 ? "2001:db8::1" : "2001:db8::9:2", 1000));
	CHECK(!policy_take(p, "2001:db8::3", 1000));
	CHECK(policy_take(p, "2001:db8:0:1::1", 1000));
	policy_free(p);
}

TEST(more_addresses_than_are_kept)
{
	struct policy *p = NULL;
	struct err e = {0};
	char address[32];
	int taken = 0;

	CHECK_INT(policy_open("any", 2, &p, &e), 0);
	for (int i = 0; i < POLICY_ADDRESSES_MAX + 10; i++) {
		snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250);
		taken += policy_take(p, address, 1);
	}
	CHECK_INT(taken, POLICY_ADDRESSES_MAX);
	/* Known ones have their share still, and when the first are over others fit. */
	CHECK(policy_take(p, "10.0.0.7", 1));
	CHECK(policy_take(p, "203.0.113.1", 30002));
	policy_free(p);
}
