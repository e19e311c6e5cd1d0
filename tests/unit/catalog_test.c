#include "api/catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/db.h"
#include "api/catalog/jobs.h"
#include "api/catalog/leases.h"
#include "api/catalog/sources.h"
#include "api/catalog/toolchains.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

#define X64   "x86_64-linux-gnu"
#define ARM64 "aarch64-linux-gnu"
#define LEASE 1000

static struct db *
open_db(const char *name)
{
	char *url = xasprintf("sqlite:%s", test_path(name));
	struct db *db = NULL;
	struct err e = {0};

	CHECK_MSG(db_open(url, &db, &e) == 0, "%s", e.msg);
	free(url);
	return db;
}

/* Requests a build; targets and abis are words, separated by spaces. */
static int64_t
request(struct db *db, const char *package, const char *targets, const char *abis, int want)
{
	struct build_request b = {
		.requester = "test", .package = package, .version = "1.0.0", .queue_max = 100};
	char *t = xstrdup(targets), *a = xstrdup(abis), *save;
	int64_t id = 0;
	bool created = false;
	struct err e = {0};

	for (char *w = strtok_r(t, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		b.targets[b.target_count++] = w;
	for (char *w = strtok_r(a, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		b.abis[b.abi_count++] = w;
	CHECK_MSG(jobs_request(db, &b, 5, &id, &created, &e) == 0, "%s", e.msg);
	CHECK_INT(created, want);
	free(t);
	free(a);
	return id;
}

/* The jobs of a build as "id target abi state; …", in their order. */
static const char *
jobs_of(struct db *db, int64_t build)
{
	static char text[2048];
	struct json *b = NULL;
	size_t n = 0;

	text[0] = '\0';
	CHECK_INT(jobs_build_json(db, build, &b, NULL), 0);
	json_foreach (job, json_get(b, "jobs"))
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s %s %s", n > 0 ? "; " : "",
				      json_str(job, "id", "?"), json_str(job, "target", "-"),
				      json_str(job, "abi", "-"), json_str(job, "state", "?"));
	json_free(b);
	return text;
}

static const char *
state_of(struct db *db, int64_t job)
{
	static char text[256];
	struct json *j = NULL;

	snprintf(text, sizeof text, "gone");
	if (jobs_job_json(db, job, &j, NULL) == 0)
		snprintf(text, sizeof text, "%s %s", json_str(j, "state", "?"),
			 json_str(json_get(j, "error"), "code", "-"));
	json_free(j);
	return text;
}

static struct lease
lease(struct db *db, const char *worker, const char *target, int64_t now)
{
	struct lease_request req = {.worker = worker, .now = now, .lease_ms = LEASE};
	struct lease l;
	struct err e = {0};

	if (target != NULL) {
		req.targets[0] = target;
		req.toolchains[0] = "toolchain-digest";
		req.target_count = 1;
	}
	CHECK_MSG(jobs_lease(db, &req, &l, &e) == 0, "%s", e.msg);
	return l;
}

/* Leases the resolve job and answers it. */
static void
resolve(struct db *db, const char *abi)
{
	struct lease l = lease(db, "w", NULL, 10);
	struct err e = {0};

	CHECK_STR(l.kind, "resolve");
	CHECK_MSG(jobs_resolved(db, l.job, l.fence,
				&(struct source_found){.digest = "source-digest",
						       .origin = "npm",
						       .lock = "lock-digest",
						       .abi = abi,
						       .size = 7},
				11, &e) == 0,
		  "%s", e.msg);
	lease_fini(&l);
}

TEST(a_request_waits_for_its_source_and_a_second_one_joins)
{
	struct db *db = open_db("db");
	int64_t a = request(db, "p", X64 " " ARM64, "", true), b;
	struct json *counts = NULL;

	CHECK_STR(jobs_of(db, a), "j2 " ARM64 " - queued; j1 " X64 " - queued");
	b = request(db, "p", X64, "", true);
	CHECK(b != a);
	CHECK_STR(jobs_of(db, b), "j1 " X64 " - queued");
	CHECK_INT(jobs_counts(db, &counts, NULL), 0);
	CHECK_INT(json_int(counts, "waiting", 0), 2);
	CHECK_INT(json_int(counts, "queued", 0), 1);
	json_free(counts);
	resolve(db, "napi-v6");
	CHECK_STR(jobs_of(db, a), "j2 " ARM64 " napi-v6 queued; j1 " X64 " napi-v6 queued");
	/* The source is known now: no second resolve job, and an explicit ABI finds the same job. */
	CHECK_STR(jobs_of(db, request(db, "p", X64, "napi-v6", true)), "j1 " X64 " napi-v6 queued");
	CHECK_STR(jobs_of(db, request(db, "p", X64, "node-v127 napi-v6", true)),
		  "j1 " X64 " napi-v6 queued; j4 " X64 " node-v127 queued");
	db_close(db);
}

TEST(an_open_abi_that_turns_out_to_be_one_that_was_asked_for_is_merged)
{
	struct db *db = open_db("db");
	int64_t explicit = request(db, "p", X64, "napi-v6", true);
	int64_t open = request(db, "p", X64, "", true);
	int64_t both = request(db, "p", X64, "", true);

	CHECK_STR(jobs_of(db, explicit), "j1 " X64 " napi-v6 queued");
	CHECK_STR(jobs_of(db, open), "j3 " X64 " - queued");
	resolve(db, "napi-v6");
	CHECK_STR(jobs_of(db, explicit), "j1 " X64 " napi-v6 queued");
	CHECK_STR(jobs_of(db, open), "j1 " X64 " napi-v6 queued");
	CHECK_STR(jobs_of(db, both), "j1 " X64 " napi-v6 queued");
	CHECK_STR(state_of(db, 3), "gone");
	db_close(db);
}

TEST(leases_go_out_in_order_to_those_who_can)
{
	struct db *db = open_db("db");
	struct lease l;

	request(db, "p", ARM64 " " X64, "", true);
	resolve(db, "napi-v6");
	l = lease(db, "w", "s390x-linux-gnu", 20);
	CHECK_INT(l.job, 0);
	l = lease(db, "w", X64, 20);
	CHECK_INT(l.job, 2);
	CHECK_STR(l.kind, "build");
	CHECK_STR(l.package, "p");
	CHECK_STR(l.version, "1.0.0");
	CHECK_STR(l.target, X64);
	CHECK_STR(l.abi, "napi-v6");
	CHECK_STR(l.source, "source-digest");
	CHECK_STR(l.lock, "lock-digest");
	CHECK_INT((int64_t)strlen(l.key), 64);
	CHECK_STR(state_of(db, 2), "running -");
	lease_fini(&l);
	request(db, "q", X64, "", true); /* j4 waits for j5 */
	request(db, "p", X64, "node-v127", true);
	l = lease(db, "w", X64, 20);
	CHECK_INT(l.job, 5);
	CHECK_STR(l.kind, "resolve");
	CHECK_STR(l.target, "");
	lease_fini(&l);
	l = lease(db, "w", X64, 20);
	CHECK_INT(l.job, 6);
	lease_fini(&l);
	l = lease(db, "w", X64, 20);
	CHECK_INT(l.job, 0);
	db_close(db);
}

TEST(a_fence_grows_and_keeps_out_who_was_late)
{
	struct db *db = open_db("db");
	struct lease l, second;
	struct err e = {0};
	int64_t n = 0;

	request(db, "p", X64, "", true);
	resolve(db, "napi-v6");
	l = lease(db, "w1", X64, 100);
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, 100 + 2 * LEASE, "compile", 3, 9, &e), 0);
	CHECK_INT(jobs_expire(db, 100 + LEASE + 1, &n, &e), 0);
	CHECK_INT(n, 0);
	CHECK_INT(jobs_expire(db, 100 + 2 * LEASE + 1, &n, &e), 0);
	CHECK_INT(n, 1);
	CHECK_STR(state_of(db, l.job), "queued worker-lost");
	second = lease(db, "w2", X64, 5000);
	CHECK_INT(second.job, l.job);
	CHECK(second.fence > l.fence);
	CHECK_STR(second.key, l.key);
	CHECK_STR(state_of(db, l.job), "running -");
	CHECK_INT(jobs_check_lease(db, l.job, l.fence, &e), ERR_STALE);
	e = (struct err){0};
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, 9999, "x", 0, 0, &e), ERR_STALE);
	e = (struct err){0};
	CHECK_INT(jobs_succeed(db, l.job, l.fence, "artifact", 1, &e), ERR_STALE);
	e = (struct err){0};
	CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_FAILED, "c", "m", 1, &e), ERR_STALE);
	e = (struct err){0};
	CHECK_INT(jobs_succeed(db, second.job, second.fence, "artifact", 1, &e), 0);
	CHECK_STR(state_of(db, second.job), "succeeded -");
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
		db = open_db(name);
		request(db, "p", X64, "", true);
		resolve(db, "napi-v6");
		for (int n = 0; n < cases[i].times; n++) {
			struct lease l = lease(db, "w", X64, 20);
			struct err e = {0};

			job = l.job;
			CHECK_MSG(jobs_fail(db, l.job, l.fence, cases[i].outcome, "c", "m", 30,
					    &e) == 0,
				  "case %zu: %s", i, e.msg);
			lease_fini(&l);
		}
		CHECK_STR(state_of(db, job), cases[i].state);
		db_close(db);
	}
}

TEST(leases_that_run_out_again_and_again_fail_the_job_and_who_waits_for_it)
{
	struct db *db = open_db("db");
	struct err e = {0};
	int64_t n;

	request(db, "p", X64, "", true);
	for (int i = 0; i < JOB_ATTEMPTS_MAX; i++) {
		struct lease l = lease(db, "w", NULL, 100);

		CHECK_STR(l.kind, "resolve");
		CHECK_STR(state_of(db, 1), "queued -");
		CHECK_INT(jobs_expire(db, 100 + LEASE + 1, &n, &e), 0);
		CHECK_INT(n, 1);
		lease_fini(&l);
	}
	CHECK_STR(state_of(db, 2), "failed worker-lost");
	CHECK_STR(state_of(db, 1), "failed worker-lost");
	db_close(db);
}

TEST(a_resolve_job_that_fails_takes_only_its_own_waiting_jobs_along)
{
	struct db *db = open_db("db");
	struct err e = {0};
	struct lease l;
	struct job_brief brief;

	request(db, "p", X64 " " ARM64, "napi-v6", true); /* j1 j2, resolved by j3 */
	request(db, "q", X64, "", true);                  /* j4, resolved by j5 */
	l = lease(db, "w", NULL, 20);
	CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_FAILED, "not-found", "no such version", 30,
			    &e),
		  0);
	lease_fini(&l);
	CHECK_STR(state_of(db, 1), "failed not-found");
	CHECK_STR(state_of(db, 2), "failed not-found");
	CHECK_STR(state_of(db, 3), "failed not-found");
	CHECK_STR(state_of(db, 4), "queued -");
	CHECK_INT(jobs_find(db, "p", "1.0.0", "napi-v6", X64, NULL, &brief, &e), 0);
	CHECK_INT(brief.job, 1);
	CHECK_INT(brief.state, JOB_FAILED);
	CHECK_STR(brief.code, "not-found");
	CHECK_STR(brief.error, "no such version");
	job_brief_fini(&brief);
	/* Asked for again, it is tried again. */
	CHECK_STR(jobs_of(db, request(db, "p", X64, "napi-v6", true)), "j6 " X64 " napi-v6 queued");
	db_close(db);
}

TEST(what_a_worker_of_an_earlier_life_holds_is_given_back)
{
	struct db *db = open_db("db");
	struct lease mine, other;
	struct err e = {0};
	int64_t n = 0;

	request(db, "p", X64 " " ARM64, "", true);
	resolve(db, "napi-v6");
	mine = lease(db, "embedded-1", X64, 20);
	other = lease(db, "embeddedness", ARM64, 20);
	CHECK_INT(jobs_release(db, "embedded-", &n, &e), 0);
	CHECK_INT(n, 1);
	CHECK_STR(state_of(db, mine.job), "queued -");
	CHECK_STR(state_of(db, other.job), "running -");
	CHECK_INT(jobs_check_lease(db, mine.job, mine.fence, &e), ERR_STALE);
	lease_fini(&mine);
	lease_fini(&other);
	db_close(db);
}

TEST(cancelling_leaves_what_another_build_wants)
{
	struct db *db = open_db("db");
	int64_t a = request(db, "p", X64 " " ARM64, "napi-v6", true);
	int64_t b = request(db, "p", X64, "napi-v6", true);
	struct lease l;
	struct err e = {0};

	resolve(db, "napi-v6");
	l = lease(db, "w", X64, 20);
	CHECK_INT(jobs_build_cancel(db, a, 50, &e), 0);
	CHECK_STR(jobs_of(db, a), "j2 " ARM64 " napi-v6 cancelled; j1 " X64 " napi-v6 running");
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, 9999, "x", 0, 0, &e), 0);
	CHECK_INT(jobs_build_cancel(db, b, 60, &e), 0);
	CHECK_STR(jobs_of(db, b), "j1 " X64 " napi-v6 cancelled");
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
	struct db *db = open_db("db");
	struct build_request want = {.requester = "test",
				     .package = "q",
				     .version = "1.0.0",
				     .targets = {X64},
				     .target_count = 1,
				     .queue_max = 1};
	struct err e = {0};
	int64_t id = 0;
	bool created;

	request(db, "p", X64 " " ARM64, "", true);
	resolve(db, "napi-v6"); /* two queued */
	CHECK_INT(jobs_request(db, &want, 5, &id, &created, &e), ERR_BUSY);
	CHECK_INT(id, 0);
	want.queue_max = 2;
	e = (struct err){0};
	CHECK_INT(jobs_request(db, &want, 5, &id, &created, &e), 0);
	db_close(db);
}

/* ---- artifacts ---- */

static struct artifact
artifact(const char *digest, const char *target)
{
	return (struct artifact){.digest = digest,
				 .key = digest,
				 .package = "p",
				 .version = "1.0.0",
				 .abi = "napi-v6",
				 .target = target,
				 .file = "p.node",
				 .report = "{\"ok\":true}",
				 .source = "s",
				 .toolchain = "t",
				 .size = 5};
}

TEST(an_artifact_is_put_once_and_never_changed)
{
	struct db *db = open_db("db");
	struct artifact a = artifact("d1", X64);
	struct artifact_name name = {"/prebuilds/p/x.tar.gz", "n1", "prebuild-install", 9},
			     taken = {name.path, "n2", "prebuild-install", 9};
	struct json *o = NULL;
	struct err e = {0};
	char digest[65];
	int64_t size;

	CHECK_INT(artifacts_put(db, &a, &name, 1, 5, &e), 0);
	CHECK_INT(artifacts_put(db, &a, &name, 1, 6, &e), 0);
	CHECK_INT(artifacts_put(db, &a, &taken, 1, 6, &e), ERR_CONFLICT);
	CHECK(strstr(e.msg, name.path) != NULL);
	e = (struct err){0};
	CHECK_INT(artifacts_name(db, name.path, digest, &size, &e), 0);
	CHECK_STR(digest, "n1");
	CHECK_INT(size, 9);
	CHECK_INT(artifacts_name(db, "/prebuilds/none", digest, &size, &e), 0);
	CHECK_STR(digest, "");
	CHECK_INT(artifacts_json(db, "d1", &o, &e), 0);
	CHECK_STR(json_str(o, "prebuild", NULL), name.path);
	CHECK_STR(json_str(o, "created", NULL), "1970-01-01T00:00:00Z");
	json_free(o);
	CHECK_INT(artifacts_report(db, "d1", &o, &e), 0);
	CHECK(json_bool(o, "ok", false));
	json_free(o);
	CHECK_INT(artifacts_json(db, "d2", &o, &e), ERR_NOT_FOUND);
	e = (struct err){0};
	CHECK_INT(artifacts_report(db, "d2", &o, &e), ERR_NOT_FOUND);
	db_close(db);
}

TEST(what_is_published_is_not_built_again)
{
	struct db *db = open_db("db");
	struct artifact a = artifact("d1", X64);
	struct err e = {0};
	struct lease l;

	CHECK_INT(artifacts_put(db, &a, NULL, 0, 5, &e), 0);
	CHECK_STR(jobs_of(db, request(db, "p", X64, "napi-v6", false)),
		  "j1 " X64 " napi-v6 succeeded");
	CHECK_STR(jobs_of(db, request(db, "p", X64, "napi-v6", false)),
		  "j1 " X64 " napi-v6 succeeded");
	/* A job whose key is stored succeeds instead of being leased. */
	request(db, "p", ARM64, "", true);
	resolve(db, "napi-v6");
	l = lease(db, "w", ARM64, 20);
	a = artifact("d2", ARM64);
	a.key = l.key;
	CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_RELEASED, NULL, NULL, 30, &e), 0);
	CHECK_INT(artifacts_put(db, &a, NULL, 0, 5, &e), 0);
	{
		struct lease none = lease(db, "w", ARM64, 40);

		CHECK_INT(none.job, 0);
		CHECK_STR(state_of(db, l.job), "succeeded -");
		lease_fini(&none);
	}
	lease_fini(&l);
	db_close(db);
}

TEST(asking_again_for_what_is_published_is_the_same_build)
{
	struct db *db = open_db("db");
	int64_t both = request(db, "p", X64 " " ARM64, "napi-v6", true), one;
	const char *const targets[] = {X64, ARM64}, *const digests[] = {"d1", "d2"};
	struct err e = {0};

	resolve(db, "napi-v6");
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct lease l = lease(db, "w", targets[i], 20);
		struct artifact a = artifact(digests[i], targets[i]);

		a.key = l.key;
		CHECK_INT(artifacts_put(db, &a, NULL, 0, 5, &e), 0);
		CHECK_INT(jobs_succeed(db, l.job, l.fence, digests[i], 30, &e), 0);
		lease_fini(&l);
	}
	CHECK_INT(request(db, "p", ARM64 " " X64, "", false), both);
	CHECK_INT(request(db, "p", X64 " " ARM64, "napi-v6", false), both);
	/* Other jobs are another build, which is the same the next time. */
	one = request(db, "p", X64, "napi-v6", false);
	CHECK(one != both);
	CHECK_INT(request(db, "p", X64, "", false), one);
	CHECK_INT(jobs_build_cancel(db, one, 40, &e), 0);
	CHECK(request(db, "p", X64, "", false) != one);
	db_close(db);
}

static void
count_name(const char *path, const char *digest, void *arg)
{
	CHECK(path[0] == '/' && digest[0] == 'd');
	++*(int *)arg;
}

TEST(a_list_comes_in_pages)
{
	struct db *db = open_db("db");
	struct artifact_filter f = {.limit = 4, .package = "p"};
	struct err e = {0};
	int seen = 0, pages = 0, names = 0;

	for (int i = 0; i < 10; i++) {
		char digest[16], target[16], path[32];
		struct artifact a;

		snprintf(digest, sizeof digest, "d%d", i);
		snprintf(target, sizeof target, "t%d", i);
		snprintf(path, sizeof path, "/prebuilds/%d", i);
		a = artifact(digest, target);
		CHECK_INT(artifacts_put(db, &a, &(struct artifact_name){path, digest, "raw", 1}, 1,
					5, &e),
			  0);
	}
	for (bool more = true; more && pages < 10; pages++) {
		struct json *page = NULL;

		CHECK_INT(artifacts_list(db, &f, &page, &e), 0);
		json_foreach (a, json_get(page, "artifacts")) {
			char digest[16];

			snprintf(digest, sizeof digest, "d%d", seen++);
			CHECK_STR(json_str(a, "sha256", NULL), digest);
		}
		more = json_str(page, "cursor", NULL) != NULL;
		f.cursor = atoi(json_str(page, "cursor", "0"));
		json_free(page);
	}
	CHECK_INT(seen, 10);
	CHECK_INT(pages, 3);
	f = (struct artifact_filter){.target = "t3"};
	{
		struct json *page = NULL;

		CHECK_INT(artifacts_list(db, &f, &page, &e), 0);
		CHECK_INT((int64_t)json_count(json_get(page, "artifacts")), 1);
		CHECK(json_is_null(json_get(page, "cursor")));
		json_free(page);
	}
	CHECK_INT(artifacts_each_name(db, count_name, &names, &e), 0);
	CHECK_INT(names, 10);
	db_close(db);
}

/* ---- the database ---- */

TEST(builds_come_in_pages_newest_first)
{
	struct db *db = open_db("db");
	struct json *page = NULL;

	for (int i = 0; i < 3; i++)
		request(db, "p", X64, "", true);
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

TEST(a_database_is_opened_again_and_a_newer_one_is_refused)
{
	char *url = xasprintf("sqlite:%s", test_path("db"));
	struct db *db = open_db("db");
	struct err e = {0};

	request(db, "p", X64, "", true);
	db_close(db);
	db = open_db("db");
	CHECK_STR(jobs_of(db, 1), "j1 " X64 " - queued");
	CHECK_INT(db_exec(db, "INSERT INTO migration VALUES (999, 'future')", NULL, 0, NULL, NULL,
			  &e),
		  0);
	db_close(db);
	CHECK_INT(db_open(url, &db, &e), ERR_UNSUPPORTED);
	CHECK(strstr(e.msg, "newer") != NULL);
	e = (struct err){0};
	CHECK_INT(db_open("mysql:x", &db, &e), ERR_USAGE);
	e = (struct err){0};
	CHECK_INT(db_open("nothing", &db, &e), ERR_USAGE);
	e = (struct err){0};
	CHECK(db_open("sqlite:/nonexistent/folder/db", &db, &e) != 0);
	free(url);
}

/* ---- the thread ---- */

#define PIECES 300

struct piece {
	struct catalog *catalog;
	int number, r, answered;
	int *order;
};

static int
insert(struct db *db, void *arg, struct err *e)
{
	struct piece *p = arg;
	char package[16];
	int r;

	snprintf(package, sizeof package, "p%d", p->number);
	r = DB_EXEC(db, e, NULL, NULL,
		    "INSERT INTO build (requester, package, version, created)"
		    " VALUES ('t', ?1, '1', 1)",
		    db_text(package));
	return r == 0 && p->number % 3 == 0 ? err_set(e, ERR_CONFLICT, "piece %d", p->number) : r;
}

static void
answered(int r, void *arg, const struct err *e)
{
	struct piece *p = arg;

	p->answered++;
	p->r = r;
	CHECK_INT(p->number, (*p->order)++);
	CHECK_INT(e->code, r);
}

static void
on_closed(void *arg)
{
	++*(int *)arg;
}

static int
on_one(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

/* More pieces than one transaction takes; each third fails, and undoes only itself. */
TEST(a_piece_that_fails_does_not_undo_its_neighbours)
{
	char *url = xasprintf("sqlite:%s", test_path("db"));
	struct piece pieces[PIECES];
	struct catalog *c = NULL;
	struct err e = {0};
	int order = 0, closed = 0;
	int64_t n = 0;
	struct db *db;
	uv_loop_t loop;

	uv_loop_init(&loop);
	CHECK_MSG(catalog_open(&loop, url, &c, &e) == 0, "%s", e.msg);
	for (int i = 0; i < PIECES; i++) {
		pieces[i] = (struct piece){.number = i, .order = &order};
		catalog_submit(c, insert, answered, &pieces[i]);
		CHECK_INT(pieces[i].answered, 0);
	}
	catalog_close(c, on_closed, &closed);
	CHECK_INT(uv_run(&loop, UV_RUN_DEFAULT), 0);
	CHECK_INT(closed, 1);
	CHECK_INT(uv_loop_close(&loop), 0);
	for (int i = 0; i < PIECES; i++) {
		CHECK_INT(pieces[i].answered, 1);
		CHECK_INT(pieces[i].r, i % 3 == 0 ? ERR_CONFLICT : 0);
	}
	db = open_db("db");
	CHECK_INT(db_exec(db, "SELECT count(*) FROM build", NULL, 0, on_one, &n, &e), 0);
	CHECK_INT(n, PIECES - PIECES / 3);
	db_close(db);
	free(url);
}

static void
submit_more(int r, void *arg, const struct err *e)
{
	struct piece *p = arg;

	(void)e;
	CHECK_INT(r, 0);
	if (++p->answered < 3)
		catalog_submit(p->catalog, insert, submit_more, p);
}

TEST(closing_waits_for_what_is_submitted_meanwhile)
{
	char *url = xasprintf("sqlite:%s", test_path("db"));
	struct piece p = {.number = 1};
	struct err e = {0};
	int closed = 0;
	uv_loop_t loop;

	uv_loop_init(&loop);
	CHECK_INT(catalog_open(&loop, url, &p.catalog, &e), 0);
	catalog_submit(p.catalog, insert, submit_more, &p);
	catalog_close(p.catalog, on_closed, &closed);
	CHECK_INT(uv_run(&loop, UV_RUN_DEFAULT), 0);
	CHECK_INT(p.answered, 3);
	CHECK_INT(closed, 1);
	CHECK_INT(catalog_open(&loop, url, &p.catalog, &e), 0);
	catalog_close(p.catalog, NULL, NULL);
	CHECK_INT(uv_run(&loop, UV_RUN_DEFAULT), 0);
	CHECK(catalog_open(&loop, "sqlite:/nonexistent/folder/db", &p.catalog, &e) != 0);
	CHECK_INT(uv_loop_close(&loop), 0);
	free(url);
}

/* ---- whose turn it is ---- */

/* The target that a worker with all of these gets next; "" if none. */
static const char *
next_target(struct db *db, bool due_only, int64_t now)
{
	static char target[64];
	struct lease_request req = {.worker = "w",
				    .targets = {X64, ARM64, "riscv64-linux-gnu", "s390x-linux-gnu"},
				    .toolchains = {"t1", "t2", "t3", "t4"},
				    .target_count = 4,
				    .due_only = due_only,
				    .now = now,
				    .lease_ms = LEASE};
	struct lease l;
	struct err e = {0};

	CHECK_MSG(jobs_lease(db, &req, &l, &e) == 0, "%s", e.msg);
	snprintf(target, sizeof target, "%s%s%s", l.job != 0 ? l.package : "",
		 l.job != 0 ? " " : "", l.job != 0 ? l.target : "");
	lease_fini(&l);
	return target;
}

static void
request_at(struct db *db, const char *package, const char *const *targets, size_t count,
	   int64_t now)
{
	struct build_request b = {.requester = "test",
				  .package = package,
				  .version = "1.0.0",
				  .abis = {"napi-v6"},
				  .abi_count = 1,
				  .queue_max = 100};
	struct err e = {0};
	int64_t id;
	bool created;

	for (size_t i = 0; i < count; i++)
		b.targets[b.target_count++] = targets[i];
	CHECK_MSG(jobs_request(db, &b, now, &id, &created, &e) == 0, "%s", e.msg);
}

TEST(a_build_does_not_wait_behind_all_of_a_matrix)
{
	static const char *const matrix[] = {X64, ARM64, "riscv64-linux-gnu", "s390x-linux-gnu"};
	struct db *db = open_db("db");
	int64_t t = JOB_SPREAD_MS;

	/* The sources are known. */
	request_at(db, "p", matrix, 1, 5);
	resolve(db, "napi-v6");
	CHECK_STR(next_target(db, false, 5), "p " X64);
	request_at(db, "q", matrix, 1, 5);
	resolve(db, "napi-v6");
	CHECK_STR(next_target(db, false, 5), "q " X64);

	/* The first is published or running: the others are due one after the other. */
	request_at(db, "p", matrix, 4, 10);
	CHECK_STR(next_target(db, true, 10), "");
	CHECK_STR(next_target(db, true, 10 + t), "p " ARM64);
	request_at(db, "q", &matrix[2], 1, 20);
	CHECK_STR(next_target(db, true, 20), "q riscv64-linux-gnu");
	CHECK_STR(next_target(db, true, 20), "");
	/* Who comes after a job was due does not overtake it. */
	request_at(db, "q", &matrix[1], 1, 11 + 2 * t);
	CHECK_STR(next_target(db, false, 11 + 2 * t), "p riscv64-linux-gnu");
	CHECK_STR(next_target(db, false, 11 + 2 * t), "q " ARM64);
	CHECK_STR(next_target(db, false, 11 + 2 * t), "p s390x-linux-gnu");
	CHECK_STR(next_target(db, false, 11 + 2 * t), "");
	db_close(db);
}

TEST(what_somebody_waits_for_is_due_at_once)
{
	static const char *const matrix[] = {X64, ARM64, "riscv64-linux-gnu", "s390x-linux-gnu"};
	struct db *db = open_db("db");
	struct job_brief job;
	struct err e = {0};

	request_at(db, "p", matrix, 4, 10);
	resolve(db, "napi-v6");
	CHECK_INT(jobs_find(db, "p", "1.0.0", "napi-v6", "s390x-linux-gnu", NULL, &job, &e), 0);
	CHECK_INT(jobs_hurry(db, job.job, 9, &e), 0);
	/* Never back. */
	CHECK_INT(jobs_hurry(db, job.job, 1000000, &e), 0);
	job_brief_fini(&job);
	/* A second request for one of them hurries it, too. */
	request_at(db, "p", &matrix[2], 1, 11);
	CHECK_STR(next_target(db, false, 20), "p s390x-linux-gnu");
	CHECK_STR(next_target(db, false, 20), "p " X64);
	CHECK_STR(next_target(db, false, 20), "p riscv64-linux-gnu");
	CHECK_STR(next_target(db, false, 20), "p " ARM64);
	db_close(db);
}

/* ---- what can be built ---- */

static void
collect(const char *target, void *arg)
{
	char *text = arg;

	snprintf(text + strlen(text), 200 - strlen(text), "%s ", target);
}

static const char *
buildable(struct db *db, int64_t now)
{
	static char text[200];
	struct err e = {0};

	text[0] = '\0';
	CHECK_MSG(toolchains_each_target(db, now, collect, text, &e) == 0, "%s", e.msg);
	return text;
}

TEST(what_workers_announce_can_be_built_for_a_while)
{
	struct db *db = open_db("db");
	struct lease_request req = {.worker = "w",
				    .targets = {X64, ARM64},
				    .toolchains = {"t1", "t2"},
				    .target_count = 2,
				    .now = 1000};
	struct err e = {0};
	bool known, any;

	CHECK_STR(buildable(db, 1000), "");
	CHECK_INT(toolchains_known(db, X64, 1000, &known, &any, &e), 0);
	CHECK(!known && !any);
	CHECK_INT(toolchains_announce(db, &req, &e), 0);
	CHECK_STR(buildable(db, 1000), ARM64 " " X64 " ");
	CHECK_INT(toolchains_known(db, X64, 1000, &known, &any, &e), 0);
	CHECK(known && any);
	CHECK_INT(toolchains_known(db, "s390x-linux-gnu", 1000, &known, &any, &e), 0);
	CHECK(!known && any);
	/* One is announced again, under a new digest, much later. */
	req = (struct lease_request){.worker = "w",
				     .targets = {X64},
				     .toolchains = {"t3"},
				     .target_count = 1,
				     .now = 1000 + TOOLCHAIN_FRESH_MS};
	CHECK_INT(toolchains_announce(db, &req, &e), 0);
	CHECK_STR(buildable(db, req.now), X64 " ");
	/* And again: it is seen later. */
	req.now += TOOLCHAIN_FRESH_MS - 1;
	CHECK_INT(toolchains_announce(db, &req, &e), 0);
	CHECK_STR(buildable(db, req.now + TOOLCHAIN_FRESH_MS - 1), X64 " ");
	CHECK_STR(buildable(db, req.now + TOOLCHAIN_FRESH_MS), "");
	db_close(db);
}

TEST(electron_is_built_by_who_has_its_headers)
{
	struct db *db = open_db("db");
	struct lease_request req = {.worker = "w",
				    .targets = {X64},
				    .toolchains = {"toolchain-digest"},
				    .target_count = 1,
				    .now = 20,
				    .lease_ms = LEASE};
	char first[DIGEST_HEX_SIZE] = "";
	struct lease l;
	struct err e = {0};

	request(db, "p", X64, "electron-v130", true);
	resolve(db, "napi-v6");
	CHECK_INT(jobs_lease(db, &req, &l, &e), 0);
	CHECK_INT(l.job, 0);
	snprintf(req.electron[0], sizeof req.electron[0], "electron-v13");
	req.headers[0] = "other";
	req.electron_count = 1;
	CHECK_INT(jobs_lease(db, &req, &l, &e), 0);
	CHECK_INT(l.job, 0);
	for (int i = 0; i < 2; i++) {
		snprintf(req.electron[1], sizeof req.electron[1], "electron-v130");
		req.headers[1] = i == 0 ? "headers" : "other headers";
		req.electron_count = 2;
		CHECK_INT(jobs_lease(db, &req, &l, &e), 0);
		CHECK_STR(l.abi, "electron-v130");
		CHECK_STR(l.headers, req.headers[1]);
		/* What it is compiled with is part of the key. */
		CHECK(strcmp(l.key, first) != 0);
		snprintf(first, sizeof first, "%s", l.key);
		CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_RELEASED, "", "", 30, &e), 0);
		lease_fini(&l);
	}
	db_close(db);
}

TEST(a_job_that_nobody_can_build_says_so)
{
	struct db *db = open_db("db");
	int64_t build = request(db, "p", X64 " " ARM64, "napi-v6", true);
	struct lease_request req = {.worker = "w",
				    .targets = {X64},
				    .toolchains = {"t1"},
				    .target_count = 1,
				    .now = clock_wall_ms()};
	struct json *b = NULL;
	struct err e = {0};

	CHECK_INT(toolchains_announce(db, &req, &e), 0);
	CHECK_INT(jobs_build_json(db, build, &b, &e), 0);
	json_foreach (job, json_get(b, "jobs")) {
		if (strcmp(json_str(job, "target", ""), X64) == 0) {
			CHECK_STR(json_str(job, "stage", NULL), "waiting for the source");
			CHECK_STR(json_str(job, "hint", NULL), NULL);
		} else {
			CHECK_STR(json_str(job, "stage", NULL), "waiting for a toolchain");
			CHECK(strstr(json_str(job, "hint", ""), "toolchain assemble " ARM64) !=
			      NULL);
		}
	}
	json_free(b);
	db_close(db);
}

/* ---- mirror jobs ---- */

#define DARWIN   "aarch64-apple-darwin"
#define UPSTREAM "https://host/{version}/{file}"

static bool
mirror(struct db *db, const char *package, const char *upstream)
{
	struct build_request want = {.requester = "test",
				     .package = package,
				     .version = "1.0.0",
				     .targets = {DARWIN},
				     .target_count = 1,
				     .abis = {"napi-v6"},
				     .abi_count = 1,
				     .queue_max = 100};
	bool created = false;
	struct err e = {0};

	CHECK_MSG(jobs_request_mirror(db, &want, upstream, 5, &created, &e) == 0, "%s", e.msg);
	return created;
}

TEST(a_mirror_job_is_anybodys_and_its_build_ends_with_it)
{
	struct db *db = open_db("db");
	struct job_brief brief;
	struct json *build = NULL, *job = NULL;
	struct err e = {0};
	struct lease l;

	CHECK(mirror(db, "p", UPSTREAM));           /* j1 of b1 */
	CHECK_INT(mirror(db, "p", UPSTREAM), true); /* the same, of b2 */
	CHECK_STR(jobs_of(db, 2), "j1 " DARWIN " napi-v6 queued");
	CHECK_INT(jobs_job_json(db, 1, &job, &e), 0);
	CHECK_STR(json_str(job, "kind", ""), "mirror");
	CHECK_STR(json_str(job, "upstream", ""), UPSTREAM);
	/* It waits for no toolchain. */
	CHECK_STR(json_str(job, "hint", "none"), "none");
	json_free(job);
	l = lease(db, "w", X64, 10);
	CHECK_INT(l.job, 1);
	CHECK_STR(l.kind, "mirror");
	CHECK_STR(l.target, DARWIN);
	CHECK_STR(l.origin, UPSTREAM);
	CHECK(l.key == NULL);
	CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_FAILED, "upstream-missing", "404", 20, &e),
		  0);
	lease_fini(&l);
	CHECK_INT(jobs_build_json(db, 2, &build, &e), 0);
	CHECK_STR(json_str(build, "state", ""), "failed");
	CHECK(json_str(build, "finished", NULL) != NULL);
	json_free(build);
	CHECK_INT(jobs_find(db, "p", "1.0.0", "napi-v6", DARWIN, UPSTREAM, &brief, &e), 0);
	CHECK_INT(brief.job, 1);
	CHECK_STR(brief.code, "upstream-missing");
	job_brief_fini(&brief);
	/* It was neither a build nor of another upstream. */
	CHECK_INT(jobs_find(db, "p", "1.0.0", "napi-v6", DARWIN, NULL, &brief, &e), 0);
	CHECK_INT(brief.job, 0);
	job_brief_fini(&brief);
	CHECK_INT(jobs_find(db, "p", "1.0.0", "napi-v6", DARWIN, "https://o/{file}", &brief, &e),
		  0);
	CHECK_INT(brief.job, 0);
	job_brief_fini(&brief);
	db_close(db);
}

TEST(what_is_published_meanwhile_is_neither_fetched_nor_built)
{
	struct db *db = open_db("db");
	struct artifact a = {.digest = "digest-a",
			     .key = "key-a",
			     .package = "p",
			     .version = "1.0.0",
			     .abi = "napi-v6",
			     .target = DARWIN,
			     .file = "p.node",
			     .report = "{}",
			     .source = "",
			     .toolchain = ""};
	struct err e = {0};
	struct lease l;

	request(db, "p", DARWIN, "napi-v6", true); /* j1, resolved by j2 */
	resolve(db, "napi-v6");
	mirror(db, "p", UPSTREAM); /* j3 */
	CHECK_INT(artifacts_put(db, &a, NULL, 0, 30, &e), 0);
	l = lease(db, "w", DARWIN, 40);
	CHECK_INT(l.job, 0);
	lease_fini(&l);
	CHECK_STR(state_of(db, 1), "succeeded -");
	CHECK_STR(state_of(db, 3), "succeeded -");
	db_close(db);
}

TEST(the_same_bytes_of_two_packages_are_two_artifacts)
{
	struct db *db = open_db("db");
	struct artifact a = {.digest = "same",
			     .version = "1.0.0",
			     .abi = "napi-v6",
			     .target = X64,
			     .file = "p.node",
			     .source = "",
			     .toolchain = ""};
	static const char *const packages[] = {"p", "q"}, *const reports[] = {"{}",
									      "{\"of\":\"q\"}"};
	struct json *out = NULL;
	struct err e = {0};

	for (size_t i = 0; i < 2; i++) {
		a.package = a.key = packages[i];
		a.report = reports[i];
		CHECK_INT(artifacts_put(db, &a, NULL, 0, 1, &e), 0);
	}
	CHECK_INT(artifacts_want_json(db, &(struct artifact_want){"q", "1.0.0", "napi-v6", X64},
				      &out, &e),
		  0);
	CHECK_STR(json_str(out, "package", ""), "q");
	json_free(out);
	CHECK_INT(artifacts_want_report(db, &(struct artifact_want){"q", "1.0.0", "napi-v6", X64},
					&out, &e),
		  0);
	CHECK_STR(json_str(out, "of", ""), "q");
	json_free(out);
	CHECK_INT(artifacts_want_json(db, &(struct artifact_want){"r", "1.0.0", "napi-v6", X64},
				      &out, &e),
		  ERR_NOT_FOUND);
	db_close(db);
}
