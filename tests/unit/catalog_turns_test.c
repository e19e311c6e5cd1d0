#include "api/catalog/leases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/db.h"
#include "api/catalog/jobs.h"
#include "api/catalog/toolchains.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "tests/lib/catalog_fixture.h"
#include "tests/lib/test.h"

#define X64   "x86_64-linux-gnu"
#define ARM64 "aarch64-linux-gnu"

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
				    .lease_ms = FIXTURE_LEASE_MS};
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
	struct db *db = fixture_db("db");
	int64_t t = JOB_SPREAD_MS;

	/* The sources are known. */
	request_at(db, "p", matrix, 1, 5);
	fixture_resolve(db, "napi-v6");
	CHECK_STR(next_target(db, false, 5), "p " X64);
	request_at(db, "q", matrix, 1, 5);
	fixture_resolve(db, "napi-v6");
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
	struct db *db = fixture_db("db");
	struct job_brief job;
	struct err e = {0};

	request_at(db, "p", matrix, 4, 10);
	fixture_resolve(db, "napi-v6");
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
	struct db *db = fixture_db("db");
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
	struct db *db = fixture_db("db");
	struct lease_request req = {.worker = "w",
				    .targets = {X64},
				    .toolchains = {"toolchain-digest"},
				    .target_count = 1,
				    .now = 20,
				    .lease_ms = FIXTURE_LEASE_MS};
	char first[DIGEST_HEX_SIZE] = "";
	struct lease l;
	struct err e = {0};

	fixture_request(db, "p", X64, "electron-v130", true);
	fixture_resolve(db, "napi-v6");
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
	struct db *db = fixture_db("db");
	int64_t build = fixture_request(db, "p", X64 " " ARM64, "napi-v6", true);
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
	struct db *db = fixture_db("db");
	struct job_brief brief;
	struct json *build = NULL, *job = NULL;
	struct err e = {0};
	struct lease l;

	CHECK(mirror(db, "p", UPSTREAM));           /* j1 of b1 */
	CHECK_INT(mirror(db, "p", UPSTREAM), true); /* the same, of b2 */
	CHECK_STR(fixture_jobs(db, 2), "j1 " DARWIN " napi-v6 queued");
	CHECK_INT(jobs_job_json(db, 1, &job, &e), 0);
	CHECK_STR(json_str(job, "kind", ""), "mirror");
	CHECK_STR(json_str(job, "upstream", ""), UPSTREAM);
	/* It waits for no toolchain. */
	CHECK_STR(json_str(job, "hint", "none"), "none");
	json_free(job);
	l = fixture_lease(db, "w", X64, 10);
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
	struct db *db = fixture_db("db");
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

	fixture_request(db, "p", DARWIN, "napi-v6", true); /* j1, resolved by j2 */
	fixture_resolve(db, "napi-v6");
	mirror(db, "p", UPSTREAM); /* j3 */
	CHECK_INT(artifacts_put(db, &a, NULL, 0, 30, &e), 0);
	l = fixture_lease(db, "w", DARWIN, 40);
	CHECK_INT(l.job, 0);
	lease_fini(&l);
	CHECK_STR(fixture_state(db, 1), "succeeded -");
	CHECK_STR(fixture_state(db, 3), "succeeded -");
	db_close(db);
}
