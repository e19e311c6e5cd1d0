#include "builder/model/job.h"

#include <string.h>

#include "builder/base/mem.h"
#include "builder/model/key.h"
#include "tests/lib/test.h"

TEST(states_by_name)
{
	static const struct {
		enum job_state state;
		const char *name, *shown;
		bool final;
	} cases[] = {
		{JOB_WAITING, "waiting", "queued", false},
		{JOB_QUEUED, "queued", "queued", false},
		{JOB_RUNNING, "running", "running", false},
		{JOB_SUCCEEDED, "succeeded", "succeeded", true},
		{JOB_FAILED, "failed", "failed", true},
		{JOB_CANCELLED, "cancelled", "cancelled", true},
	};

	CHECK_INT(JOB_STATE_COUNT, ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_STR(job_state_name(cases[i].state), cases[i].name);
		CHECK_STR(job_state_shown(cases[i].state), cases[i].shown);
		CHECK_INT(job_state_parse(cases[i].name), cases[i].state);
		CHECK_INT(job_state_final(cases[i].state), cases[i].final);
	}
	CHECK_INT(job_state_parse(""), JOB_STATE_COUNT);
	CHECK_INT(job_state_parse("Queued"), JOB_STATE_COUNT);
}

TEST(outcomes_by_name)
{
	for (int o = 0; o < OUTCOME_COUNT; o++)
		CHECK_INT(job_outcome_parse(job_outcome_name((enum job_outcome)o)), o);
	CHECK_INT(job_outcome_parse("error"), OUTCOME_ERROR);
	CHECK_INT(job_outcome_parse("released"), OUTCOME_RELEASED);
	CHECK_INT(job_outcome_parse("errors"), OUTCOME_COUNT);
	CHECK_INT(job_outcome_parse(""), OUTCOME_COUNT);
}

/* The canonical form is a promise: a change of it makes every stored key wrong. The value was
 * computed with sha256sum over the text of key.c. */
TEST(the_key_of_known_parts)
{
	char hex[DIGEST_HEX_SIZE];

	key_compute(&(struct key_parts){"s", "l", "napi-v6", "x86_64-linux-gnu", "t", NULL, NULL},
		    hex);
	CHECK_STR(hex, "b8e3844f63cfef10653dbcf14a62290baba77c5fe401fb511375b9ee0f4fd723");
}

TEST(each_part_changes_the_key)
{
	static const struct key_parts parts[] = {
		{"s", "l", "a", "t", "c", NULL, NULL},
		{"x", "l", "a", "t", "c", NULL, NULL},
		{"s", "x", "a", "t", "c", NULL, NULL},
		{"s", "l", "x", "t", "c", NULL, NULL},
		{"s", "l", "a", "x", "c", NULL, NULL},
		{"s", "l", "a", "t", "x", NULL, NULL},
		/* The same words in other places. */
		{"l", "s", "a", "t", "c", NULL, NULL},
		{"s", "l", "t", "a", "c", NULL, NULL},
		{"s", "l", "a", "c", "t", NULL, NULL},
		{"s", "l", "a", "t", "c", "i", NULL},
		{"s", "l", "a", "t", "c", NULL, "h"},
	};
	char hex[ARRAY_SIZE(parts)][DIGEST_HEX_SIZE], again[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		key_compute(&parts[i], hex[i]);
		key_compute(&parts[i], again);
		CHECK_STR(again, hex[i]);
		CHECK_INT((int64_t)strlen(hex[i]), 64);
		for (size_t j = 0; j < i; j++)
			CHECK_MSG(strcmp(hex[i], hex[j]) != 0, "%zu and %zu", i, j);
	}
}
