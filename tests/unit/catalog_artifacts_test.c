#include "api/catalog/artifacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/jobs.h"
#include "api/catalog/leases.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/catalog_fixture.h"
#include "tests/lib/test.h"

#define X64   "x86_64-linux-gnu"
#define ARM64 "aarch64-linux-gnu"

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
	struct db *db = fixture_db("db");
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
	struct db *db = fixture_db("db");
	struct artifact a = artifact("d1", X64);
	struct err e = {0};
	struct lease l;

	CHECK_INT(artifacts_put(db, &a, NULL, 0, 5, &e), 0);
	CHECK_STR(fixture_jobs(db, fixture_request(db, "p", X64, "napi-v6", false)),
		  "j1 " X64 " napi-v6 succeeded");
	CHECK_STR(fixture_jobs(db, fixture_request(db, "p", X64, "napi-v6", false)),
		  "j1 " X64 " napi-v6 succeeded");
	/* A job whose key is stored succeeds instead of being leased. */
	fixture_request(db, "p", ARM64, "", true);
	fixture_resolve(db, "napi-v6");
	l = fixture_lease(db, "w", ARM64, 20);
	a = artifact("d2", ARM64);
	a.key = l.key;
	CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_RELEASED, NULL, NULL, 30, &e), 0);
	CHECK_INT(artifacts_put(db, &a, NULL, 0, 5, &e), 0);
	{
		struct lease none = fixture_lease(db, "w", ARM64, 40);

		CHECK_INT(none.job, 0);
		CHECK_STR(fixture_state(db, l.job), "succeeded -");
		lease_fini(&none);
	}
	lease_fini(&l);
	db_close(db);
}

TEST(asking_again_for_what_is_published_is_the_same_build)
{
	struct db *db = fixture_db("db");
	int64_t both = fixture_request(db, "p", X64 " " ARM64, "napi-v6", true), one;
	const char *const targets[] = {X64, ARM64}, *const digests[] = {"d1", "d2"};
	struct err e = {0};

	fixture_resolve(db, "napi-v6");
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct lease l = fixture_lease(db, "w", targets[i], 20);
		struct artifact a = artifact(digests[i], targets[i]);

		a.key = l.key;
		CHECK_INT(artifacts_put(db, &a, NULL, 0, 5, &e), 0);
		CHECK_INT(jobs_succeed(db, l.job, l.fence, digests[i], 30, &e), 0);
		lease_fini(&l);
	}
	CHECK_INT(fixture_request(db, "p", ARM64 " " X64, "", false), both);
	CHECK_INT(fixture_request(db, "p", X64 " " ARM64, "napi-v6", false), both);
	/* Other jobs are another build, which is the same the next time. */
	one = fixture_request(db, "p", X64, "napi-v6", false);
	CHECK(one != both);
	CHECK_INT(fixture_request(db, "p", X64, "", false), one);
	CHECK_INT(jobs_build_cancel(db, one, 40, &e), 0);
	CHECK(fixture_request(db, "p", X64, "", false) != one);
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
	struct db *db = fixture_db("db");
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

TEST(the_same_bytes_of_two_packages_are_two_artifacts)
{
	struct db *db = fixture_db("db");
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
