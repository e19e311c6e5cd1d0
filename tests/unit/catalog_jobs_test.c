#include "api/catalog/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/leases.h"
#include "api/catalog/sources.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/catalog_fixture.h"
#include "tests/lib/test.h"

#define X64   "x86_64-linux-gnu"
#define ARM64 "aarch64-linux-gnu"

TEST(a_request_waits_for_its_source_and_a_second_one_joins)
{
	struct db *db = fixture_db("db");
	int64_t a = fixture_request(db, "p", X64 " " ARM64, "", true), b;
	struct json *counts = NULL;

	CHECK_STR(fixture_jobs(db, a), "j2 " ARM64 " - queued; j1 " X64 " - queued");
	b = fixture_request(db, "p", X64, "", true);
	CHECK(b != a);
	CHECK_STR(fixture_jobs(db, b), "j1 " X64 " - queued");
	CHECK_INT(jobs_counts(db, &counts, NULL), 0);
	CHECK_INT(json_int(counts, "waiting", 0), 2);
	CHECK_INT(json_int(counts, "queued", 0), 1);
	json_free(counts);
	fixture_resolve(db, "napi-v6");
	CHECK_STR(fixture_jobs(db, a), "j2 " ARM64 " napi-v6 queued; j1 " X64 " napi-v6 queued");
	/* The source is known now: no second resolve job, and an explicit ABI finds the same job. */
	CHECK_STR(fixture_jobs(db, fixture_request(db, "p", X64, "napi-v6", true)),
		  "j1 " X64 " napi-v6 queued");
	CHECK_STR(fixture_jobs(db, fixture_request(db, "p", X64, "node-v127 napi-v6", true)),
		  "j1 " X64 " napi-v6 queued; j4 " X64 " node-v127 queued");
	db_close(db);
}

TEST(an_open_abi_that_turns_out_to_be_one_that_was_asked_for_is_merged)
{
	struct db *db = fixture_db("db");
	int64_t explicit = fixture_request(db, "p", X64, "napi-v6", true);
	int64_t open = fixture_request(db, "p", X64, "", true);
	int64_t both = fixture_request(db, "p", X64, "", true);

	CHECK_STR(fixture_jobs(db, explicit), "j1 " X64 " napi-v6 queued");
	CHECK_STR(fixture_jobs(db, open), "j3 " X64 " - queued");
	fixture_resolve(db, "napi-v6");
	CHECK_STR(fixture_jobs(db, explicit), "j1 " X64 " napi-v6 queued");
	CHECK_STR(fixture_jobs(db, open), "j1 " X64 " napi-v6 queued");
	CHECK_STR(fixture_jobs(db, both), "j1 " X64 " napi-v6 queued");
	CHECK_STR(fixture_state(db, 3), "gone");
	db_close(db);
}

TEST(leases_go_out_in_order_to_those_who_can)
{
	struct db *db = fixture_db("db");
	struct lease l;

	fixture_request(db, "p", ARM64 " " X64, "", true);
	fixture_resolve(db, "napi-v6");
	l = fixture_lease(db, "w", "s390x-linux-gnu", 20);
	CHECK_INT(l.job, 0);
	l = fixture_lease(db, "w", X64, 20);
	CHECK_INT(l.job, 2);
	CHECK_STR(l.kind, "build");
	CHECK_STR(l.package, "p");
	CHECK_STR(l.version, "1.0.0");
	CHECK_STR(l.target, X64);
	CHECK_STR(l.abi, "napi-v6");
	CHECK_STR(l.source, "source-digest");
	CHECK_STR(l.lock, "lock-digest");
	CHECK_INT((int64_t)strlen(l.key), 64);
	CHECK_STR(fixture_state(db, 2), "running -");
	lease_fini(&l);
	fixture_request(db, "q", X64, "", true); /* j4 waits for j5 */
	fixture_request(db, "p", X64, "node-v127", true);
	l = fixture_lease(db, "w", X64, 20);
	CHECK_INT(l.job, 5);
	CHECK_STR(l.kind, "resolve");
	CHECK_STR(l.target, "");
	lease_fini(&l);
	l = fixture_lease(db, "w", X64, 20);
	CHECK_INT(l.job, 6);
	lease_fini(&l);
	l = fixture_lease(db, "w", X64, 20);
	CHECK_INT(l.job, 0);
	db_close(db);
}

TEST(a_fence_grows_and_keeps_out_who_was_late)
{
	struct db *db = fixture_db("db");
	struct lease l, second;
	struct err e = {0};
	int64_t n = 0;

	fixture_request(db, "p", X64, "", true);
	fixture_resolve(db, "napi-v6");
	l = fixture_lease(db, "w1", X64, 100);
	CHECK_INT(
		jobs_heartbeat(db, l.job, l.fence, 100 + 2 * FIXTURE_LEASE_MS, "compile", 3, 9, &e),
		0);
	/* One under way while the service stores the result does not take time away again. */
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, 100 + FIXTURE_LEASE_MS, "compile", 4, 9, &e),
		  0);
	CHECK_INT(jobs_expire(db, 100 + FIXTURE_LEASE_MS + 1, &n, &e), 0);
	CHECK_INT(n, 0);
	CHECK_INT(jobs_expire(db, 100 + 2 * FIXTURE_LEASE_MS + 1, &n, &e), 0);
	CHECK_INT(n, 1);
	CHECK_STR(fixture_state(db, l.job), "queued worker-lost");
	second = fixture_lease(db, "w2", X64, 5000);
	CHECK_INT(second.job, l.job);
	CHECK(second.fence > l.fence);
	CHECK_STR(second.key, l.key);
	CHECK_STR(fixture_state(db, l.job), "running -");
	CHECK_INT(jobs_check_lease(db, l.job, l.fence, &e), ERR_STALE);
	e = (struct err){0};
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, 9999, "x", 0, 0, &e), ERR_STALE);
	e = (struct err){0};
	CHECK_INT(jobs_succeed(db, l.job, l.fence, "artifact", 1, &e), ERR_STALE);
	e = (struct err){0};
	CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_FAILED, "c", "m", 1, &e), ERR_STALE);
	e = (struct err){0};
	CHECK_INT(jobs_succeed(db, second.job, second.fence, "artifact", 1, &e), 0);
	CHECK_STR(fixture_state(db, second.job), "succeeded -");
	CHECK_INT(jobs_check_lease(db, second.job, second.fence, &e), ERR_STALE);
	lease_fini(&l);
	lease_fini(&second);
	db_close(db);
}

TEST(attempts_are_counted_by_how_they_end)
{
	static const struct {
		enum job_outcome outcome;
		int times;
		const char *state;
	} cases[] = {
		{OUTCOME_FAILED, 1, "failed c"},
		{OUTCOME_REFUSED, 1, "failed c"},
		{OUTCOME_CANCELLED, 1, "cancelled c"},
		{OUTCOME_ERROR, JOB_ATTEMPTS_MAX - 1, "queued c"},
		{OUTCOME_ERROR, JOB_ATTEMPTS_MAX, "failed c"},
		{OUTCOME_RELEASED, 3 * JOB_ATTEMPTS_MAX, "queued -"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[16];
		struct db *db;
		int64_t job = 0;

		snprintf(name, sizeof name, "db%zu", i);
		db = fixture_db(name);
		fixture_request(db, "p", X64, "", true);
		fixture_resolve(db, "napi-v6");
		for (int n = 0; n < cases[i].times; n++) {
			struct lease l = fixture_lease(db, "w", X64, 20);
			struct err e = {0};

			job = l.job;
			CHECK_MSG(jobs_fail(db, l.job, l.fence, cases[i].outcome, "c", "m", 30,
					    &e) == 0,
				  "case %zu: %s", i, e.msg);
			lease_fini(&l);
		}
		CHECK_STR(fixture_state(db, job), cases[i].state);
		db_close(db);
	}
}

TEST(leases_that_run_out_again_and_again_fail_the_job_and_who_waits_for_it)
{
	struct db *db = fixture_db("db");
	struct err e = {0};
	int64_t n;

	fixture_request(db, "p", X64, "", true);
	for (int i = 0; i < JOB_ATTEMPTS_MAX; i++) {
		struct lease l = fixture_lease(db, "w", NULL, 100);

		CHECK_STR(l.kind, "resolve");
		CHECK_STR(fixture_state(db, 1), "queued -");
		CHECK_INT(jobs_expire(db, 100 + FIXTURE_LEASE_MS + 1, &n, &e), 0);
		CHECK_INT(n, 1);
		lease_fini(&l);
	}
	CHECK_STR(fixture_state(db, 2), "failed worker-lost");
	CHECK_STR(fixture_state(db, 1), "failed worker-lost");
	db_close(db);
}

TEST(a_resolve_job_that_fails_takes_only_its_own_waiting_jobs_along)
{
	struct db *db = fixture_db("db");
	struct err e = {0};
	struct lease l;
	struct job_brief brief;

	fixture_request(db, "p", X64 " " ARM64, "napi-v6", true); /* j1 j2, resolved by j3 */
	fixture_request(db, "q", X64, "", true);                  /* j4, resolved by j5 */
	l = fixture_lease(db, "w", NULL, 20);
	CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_FAILED, "not-found", "no such version", 30,
			    &e),
		  0);
	lease_fini(&l);
	CHECK_STR(fixture_state(db, 1), "failed not-found");
	CHECK_STR(fixture_state(db, 2), "failed not-found");
	CHECK_STR(fixture_state(db, 3), "failed not-found");
	CHECK_STR(fixture_state(db, 4), "queued -");
	CHECK_INT(jobs_find(db, "p", "1.0.0", "napi-v6", X64, NULL, &brief, &e), 0);
	CHECK_INT(brief.job, 1);
	CHECK_INT(brief.state, JOB_FAILED);
	CHECK_STR(brief.code, "not-found");
	CHECK_STR(brief.error, "no such version");
	job_brief_fini(&brief);
	/* Asked for again, it is tried again. */
	CHECK_STR(fixture_jobs(db, fixture_request(db, "p", X64, "napi-v6", true)),
		  "j6 " X64 " napi-v6 queued");
	db_close(db);
}

TEST(what_a_worker_of_an_earlier_life_holds_is_given_back)
{
	struct db *db = fixture_db("db");
	struct lease mine, other;
	struct err e = {0};
	int64_t n = 0;

	fixture_request(db, "p", X64 " " ARM64, "", true);
	fixture_resolve(db, "napi-v6");
	mine = fixture_lease(db, "embedded-1", X64, 20);
	other = fixture_lease(db, "embeddedness", ARM64, 20);
	CHECK_INT(jobs_release(db, "embedded-", &n, &e), 0);
	CHECK_INT(n, 1);
	CHECK_STR(fixture_state(db, mine.job), "queued -");
	CHECK_STR(fixture_state(db, other.job), "running -");
	CHECK_INT(jobs_check_lease(db, mine.job, mine.fence, &e), ERR_STALE);
	lease_fini(&mine);
	lease_fini(&other);
	db_close(db);
}

TEST(cancelling_leaves_what_another_build_wants)
{
	struct db *db = fixture_db("db");
	int64_t a = fixture_request(db, "p", X64 " " ARM64, "napi-v6", true);
	int64_t b = fixture_request(db, "p", X64, "napi-v6", true);
	struct lease l;
	struct err e = {0};

	fixture_resolve(db, "napi-v6");
	l = fixture_lease(db, "w", X64, 20);
	CHECK_INT(jobs_build_cancel(db, a, 50, &e), 0);
	CHECK_STR(fixture_jobs(db, a),
		  "j2 " ARM64 " napi-v6 cancelled; j1 " X64 " napi-v6 running");
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, 9999, "x", 0, 0, &e), 0);
	CHECK_INT(jobs_build_cancel(db, b, 60, &e), 0);
	CHECK_STR(fixture_jobs(db, b), "j1 " X64 " napi-v6 cancelled");
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, 9999, "x", 0, 0, &e), ERR_CANCELLED);
	e = (struct err){0};
	CHECK_INT(jobs_succeed(db, l.job, l.fence, "artifact", 70, &e), ERR_STALE);
	e = (struct err){0};
	CHECK_INT(jobs_build_cancel(db, 999, 60, &e), ERR_NOT_FOUND);
	lease_fini(&l);
	db_close(db);
}

TEST(the_queue_has_a_limit)
{
	struct db *db = fixture_db("db");
	struct build_request want = {.requester = "test",
				     .package = "q",
				     .version = "1.0.0",
				     .targets = {X64},
				     .target_count = 1,
				     .queue_max = 1};
	struct err e = {0};
	int64_t id = 0;
	bool created;

	fixture_request(db, "p", X64 " " ARM64, "", true);
	fixture_resolve(db, "napi-v6"); /* two queued */
	CHECK_INT(jobs_request(db, &want, 5, &id, &created, &e), ERR_BUSY);
	CHECK_INT(id, 0);
	want.queue_max = 2;
	e = (struct err){0};
	CHECK_INT(jobs_request(db, &want, 5, &id, &created, &e), 0);
	db_close(db);
}

TEST(builds_come_in_pages_newest_first)
{
	struct db *db = fixture_db("db");
	struct json *page = NULL;

	for (int i = 0; i < 3; i++)
		fixture_request(db, "p", X64, "", true);
	CHECK_INT(jobs_build_list(db, 0, 2, &page, NULL), 0);
	CHECK_STR(json_str(json_first(json_get(page, "builds")), "id", ""), "b3");
	CHECK_STR(json_str(page, "cursor", ""), "2");
	json_free(page);
	CHECK_INT(jobs_build_list(db, 2, 2, &page, NULL), 0);
	CHECK_STR(json_str(json_first(json_get(page, "builds")), "id", ""), "b1");
	CHECK(json_is_null(json_get(page, "cursor")));
	json_free(page);
	db_close(db);
}
