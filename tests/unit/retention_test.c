#include "api/retention/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/npm.h"
#include "api/catalog/retention.h"
#include "api/catalog/sources.h"
#include "api/store/store.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/catalog_fixture.h"
#include "tests/lib/test.h"

#define X64  "x86_64-linux-gnu"
#define DAY  INT64_C(86400000)
#define HOUR INT64_C(3600000)

struct place {
	struct db *db;
	struct store *store;
	int64_t now; /* the clock's, in two hours: what is put now is older than the grace */
};

static struct place
open_place(void)
{
	struct place p = {.db = fixture_db("db"), .now = clock_wall_ms() + 2 * HOUR};
	char *url = xasprintf("file:%s", test_path("store"));
	struct err e = {0};

	CHECK_MSG(store_open(&(struct store_config){.url = url}, &p.store, &e) == 0, "%s", e.msg);
	CHECK_INT(file_mkdirs(test_path("logs"), 0755, &e), 0);
	free(url);
	return p;
}

static void
close_place(struct place *p)
{
	db_close(p->db);
	store_close(p->store);
}

/* Puts a text; its digest, which lasts for 15 more calls. */
static const char *
put(struct place *p, const char *text)
{
	static char hex[16][DIGEST_HEX_SIZE];
	static int next;
	char *path = xasprintf("%s/upload", store_temp_dir(p->store));
	struct digest d = {0};
	struct err e = {0};

	CHECK_INT(file_write(path, text, strlen(text), 0600, &e), 0);
	CHECK_INT(store_put(p->store, path, &d, &e), 0);
	free(path);
	next = (next + 1) % 16;
	digest_hex(&d, hex[next]);
	return hex[next];
}

static bool
is_there(struct place *p, const char *hex)
{
	struct store_file f;
	bool there = store_open_blob(p->store, hex, &f, NULL) == 0;

	if (there)
		close(f.fd);
	return there;
}

static bool
is_named(struct place *p, const char *name)
{
	char hex[DIGEST_HEX_SIZE];

	return store_resolve(p->store, name, hex, NULL) == 0;
}

/* An addon with these bytes, under the name "/prebuilds/PACKAGE/VERSION", with a tarball that is twice as
 * long. */
static void
publish(struct place *p, const char *package, const char *version, const char *bytes, int64_t at)
{
	char *path = xasprintf("/prebuilds/%s/%s", package, version);
	char *key = xasprintf("key of %s %s", package, version);
	char *twice = xasprintf("%s%s", bytes, bytes);
	struct artifact_name name = {path, put(p, twice), "prebuild-install",
				     (int64_t)strlen(twice)};
	struct artifact a = {.digest = put(p, bytes),
			     .key = key,
			     .package = package,
			     .version = version,
			     .abi = "napi-v6",
			     .target = X64,
			     .file = "a.node",
			     .report = "{}",
			     .source = "s",
			     .toolchain = "t",
			     .size = (int64_t)strlen(bytes)};
	struct err e = {0};

	CHECK_MSG(artifacts_put(p->db, &a, &name, 1, at, &e) == 0, "%s", e.msg);
	CHECK_INT(store_link(p->store, path, name.digest, &e), 0);
	free(path);
	free(key);
	free(twice);
}

/* "versions/artifacts/contents/bytes/logs of what was removed, contents/bytes left". */
static const char *
run(struct place *p, struct retention *want)
{
	static char text[256];
	struct json *o = NULL;
	struct err e = {0};
	const struct json *removed, *left;

	CHECK_MSG(retention_run(want, p->db, p->store, test_path("logs"), p->now, &o, &e) == 0,
		  "%s", e.msg);
	CHECK_INT(atomic_load(&want->phase), RETENTION_OVER);
	removed = json_get(o, "removed");
	left = json_get(o, "left");
	CHECK_INT((int64_t)json_count(json_get(o, "versions")), json_int(removed, "versions", -1));
	snprintf(text, sizeof text, "%lld/%lld/%lld/%lld/%lld, %lld/%lld",
		 (long long)json_int(removed, "versions", -1),
		 (long long)json_int(removed, "artifacts", -1),
		 (long long)json_int(removed, "contents", -1),
		 (long long)json_int(removed, "bytes", -1),
		 (long long)json_int(removed, "logs", -1),
		 (long long)json_int(left, "contents", -1), (long long)json_int(left, "bytes", -1));
	json_free(o);
	return text;
}

TEST(what_nothing_refers_to)
{
	struct place p = open_place();
	const char *of_none = put(&p, "nothing refers to this");
	struct retention dry = {.dry_run = true}, all = {0};

	publish(&p, "a", "1.0.0", "12345", p.now - 1000 * DAY);
	CHECK_STR(run(&p, &dry), "0/0/1/22/0, 2/15");
	CHECK(is_there(&p, of_none));
	/* What was put just now may be about to be referred to. */
	p.now -= 2 * HOUR;
	CHECK_STR(run(&p, &all), "0/0/0/0/0, 3/37");
	/* Put again: it is as if it were new. */
	p.now += 2 * HOUR;
	CHECK_STR(run(&p, &all), "0/0/1/22/0, 2/15");
	CHECK(!is_there(&p, of_none));
	CHECK(is_named(&p, "/prebuilds/a/1.0.0"));
	CHECK_STR(run(&p, &all), "0/0/0/0/0, 2/15");
	close_place(&p);
}

TEST(a_catalog_that_is_not_the_stores)
{
	struct place p = open_place();
	struct retention all = {0};
	struct json *o = NULL;
	struct err e = {0};
	const char *hex = put(&p, "of another catalog");

	CHECK_INT(retention_run(&all, p.db, p.store, test_path("logs"), p.now, &o, &e),
		  ERR_CONFLICT);
	CHECK(strstr(e.msg, "belongs to this store") != NULL);
	CHECK(is_there(&p, hex));
	json_free(o);
	publish(&p, "a", "1.0.0", "1", p.now);
	CHECK_STR(run(&p, &all), "0/0/1/18/0, 2/3");
	close_place(&p);
}

TEST(versions_that_are_too_old)
{
	struct place p = open_place();
	struct retention dry = {.max_age_ms = 90 * DAY, .dry_run = true},
			 month = {.max_age_ms = 90 * DAY}, second = {.max_age_ms = 1000};

	publish(&p, "a", "1.0.0", "1", p.now - 91 * DAY);
	publish(&p, "a", "2.0.0", "22", p.now - 89 * DAY);
	publish(&p, "b", "1.0.0", "333", p.now - 91 * DAY);
	/* The same bytes under another package's name. */
	publish(&p, "c", "1.0.0", "333", p.now - 1 * DAY);
	CHECK_STR(run(&p, &dry), "2/2/0/12/0, 6/18");
	CHECK(is_named(&p, "/prebuilds/a/1.0.0"));
	CHECK_STR(run(&p, &month), "2/2/2/3/0, 4/15");
	CHECK(!is_named(&p, "/prebuilds/a/1.0.0"));
	CHECK(is_named(&p, "/prebuilds/a/2.0.0"));
	CHECK(!is_named(&p, "/prebuilds/b/1.0.0"));
	CHECK(is_named(&p, "/prebuilds/c/1.0.0"));
	CHECK_STR(run(&p, &month), "0/0/0/0/0, 4/15");
	/* It can be published again, also with other bytes. */
	publish(&p, "a", "1.0.0", "other", p.now - HOUR / 2);
	CHECK_STR(run(&p, &second), "2/2/4/15/0, 2/15");
	CHECK(is_named(&p, "/prebuilds/a/1.0.0"));
	close_place(&p);
}

TEST(more_than_is_wanted)
{
	struct place p = open_place();
	struct retention size = {.max_size = 40}, dry = {.max_size = 40, .dry_run = true},
			 none = {.max_size = 1};

	publish(&p, "a", "1.0.0", "1234567", p.now - 3 * DAY);
	publish(&p, "a", "2.0.0", "abcdefg", p.now - 2 * DAY);
	publish(&p, "b", "1.0.0", "ABCDEFG", p.now - 4 * DAY);
	publish(&p, "b", "2.0.0", "(just now)", p.now);
	/* 63 and 30 bytes: the two oldest are 42, and what is left is more than 40 as long as one is. */
	CHECK_STR(run(&p, &dry), "3/3/0/63/0, 8/93");
	size.max_size = 93;
	CHECK_STR(run(&p, &size), "0/0/0/0/0, 8/93");
	size.max_size = 92;
	CHECK_STR(run(&p, &size), "1/1/2/21/0, 6/72");
	CHECK(!is_named(&p, "/prebuilds/b/1.0.0"));
	size.max_size = 51;
	CHECK_STR(run(&p, &size), "1/1/2/21/0, 4/51");
	CHECK(!is_named(&p, "/prebuilds/a/1.0.0"));
	/* What is new stays, however much it is. */
	CHECK_STR(run(&p, &none), "1/1/2/21/0, 2/30");
	CHECK(is_named(&p, "/prebuilds/b/2.0.0"));
	close_place(&p);
}

TEST(by_age_and_by_size_at_once)
{
	struct place p = open_place();
	struct retention dry = {.max_age_ms = 10 * DAY, .max_size = 30, .dry_run = true},
			 both = {.max_age_ms = 10 * DAY, .max_size = 30};

	publish(&p, "a", "1.0.0", "1234567", p.now - 11 * DAY);
	publish(&p, "a", "2.0.0", "abcdefg", p.now - 2 * DAY);
	publish(&p, "a", "3.0.0", "ABCDEFG", p.now - 1 * DAY);
	CHECK_STR(run(&p, &dry), "2/2/0/42/0, 6/63");
	CHECK_STR(run(&p, &both), "2/2/4/42/0, 2/21");
	close_place(&p);
}

/* What makes two versions share content is counted for both, and looked at again. */
TEST(content_that_is_shared)
{
	struct place p = open_place();
	struct retention size = {.max_size = 25};

	publish(&p, "a", "1.0.0", "1234567", p.now - 4 * DAY);
	publish(&p, "a", "2.0.0", "1234567", p.now - 3 * DAY);
	publish(&p, "a", "3.0.0", "abcdefg", p.now - 2 * DAY);
	CHECK_STR(run(&p, &size), "2/2/2/21/0, 2/21");
	CHECK(is_named(&p, "/prebuilds/a/3.0.0"));
	close_place(&p);
}

static void
write_log(const char *name)
{
	char *path = xasprintf("logs/%s", name);

	CHECK_INT(file_write(test_path(path), "x", 1, 0644, NULL), 0);
	free(path);
}

static bool
log_is_there(const char *name)
{
	char *path = xasprintf("logs/%s", name);
	bool there = file_exists(test_path(path));

	free(path);
	return there;
}

TEST(builds_jobs_and_logs)
{
	struct place p = open_place();
	struct retention old = {.max_age_ms = DAY};
	struct lease l;
	struct json *list = NULL;
	int64_t first = fixture_request(p.db, "p", X64, "napi-v6", true), second, third;

	/* j1 builds p, j2 finds its source: both wait, and stay. */
	write_log("j1.log");
	write_log("j999.log");
	write_log("jx.log");
	write_log("j5.log.old");
	CHECK_STR(run(&p, &old), "0/0/0/0/1, 0/0");
	CHECK(log_is_there("j1.log"));
	CHECK(!log_is_there("j999.log"));
	CHECK(log_is_there("jx.log"));
	CHECK(log_is_there("j5.log.old"));

	/* Over, but of what was asked for last. */
	CHECK_INT(jobs_build_cancel(p.db, first, 6, NULL), 0);
	l = fixture_lease(p.db, "w", NULL, 7);
	if (l.job != 0) /* what a cancelled build's source was looked for with */
		CHECK_INT(jobs_fail(p.db, l.job, l.fence, OUTCOME_FAILED, "unknown-package", "none",
				    8, NULL),
			  0);
	lease_fini(&l);
	CHECK_STR(run(&p, &old), "0/0/0/0/0, 0/0");

	second = fixture_request(p.db, "q", X64, "napi-v6", true);
	CHECK_STR(run(&p, &old), "1/0/0/0/1, 0/0");
	CHECK(!log_is_there("j1.log"));
	CHECK_STR(fixture_state(p.db, 1), "gone");
	CHECK_INT(jobs_build_json(p.db, first, &list, NULL), ERR_NOT_FOUND);
	json_free(list);
	list = NULL;

	/* No number is given twice. */
	CHECK_INT(jobs_build_cancel(p.db, second, 9, NULL), 0);
	third = fixture_request(p.db, "r", X64, "napi-v6", true);
	CHECK_INT(third, second + 1);
	close_place(&p);
}

TEST(what_npm_finds)
{
	struct place p = open_place();
	struct retention old = {.max_age_ms = DAY};
	struct npm_wanted of = {.base = "1.0.0", .revision = 1, .binary_count = 1};
	struct npm_version main = {.name = "@prebuildd/a",
				   .version = "1.0.0",
				   .of = &of,
				   .path = "/npm/a.tgz",
				   .digest = put(&p, "main"),
				   .manifest = "{}"};
	struct npm_version x64 = main, other;
	struct json *found = NULL;
	char digest[65];

	snprintf(of.binaries[0].abi, sizeof of.binaries[0].abi, "napi-v6");
	x64.name = "@prebuildd/a-linux-x64";
	x64.version = "1.0.0-1";
	x64.path = "/npm/x64.tgz";
	x64.digest = put(&p, "of x64");
	other = x64;
	other.name = "@prebuildd/a-b-linux-x64";
	other.path = "/npm/other.tgz";
	publish(&p, "a", "1.0.0", "1", p.now - 2 * DAY);
	publish(&p, "b", "1.0.0", "22", p.now);
	CHECK_INT(npm_put(p.db, &main, 5, NULL), 0);
	CHECK_INT(npm_put(p.db, &x64, 5, NULL), 0);
	CHECK_INT(npm_put(p.db, &other, 5, NULL), 0);
	CHECK_STR(run(&p, &old), "1/1/3/7/0, 3/12");
	CHECK_INT(npm_tarball(p.db, main.path, digest, NULL), 0);
	CHECK_STR(digest, "");
	CHECK_INT(npm_tarball(p.db, other.path, digest, NULL), 0);
	CHECK_STR(digest, other.digest);
	CHECK_INT(npm_versions(p.db, x64.name, &found, NULL), 0);
	CHECK_INT((int64_t)json_count(json_get(found, "versions")), 0);
	json_free(found);
	/* The next version of a target has another number; the main package has the same. */
	CHECK_INT(npm_put(p.db, &x64, 6, NULL), 0);
	CHECK_INT(npm_tarball(p.db, x64.path, digest, NULL), 0);
	CHECK_STR(digest, "");
	CHECK_INT(npm_put(p.db, &main, 6, NULL), 0);
	CHECK_INT(npm_tarball(p.db, main.path, digest, NULL), 0);
	CHECK_STR(digest, main.digest);
	close_place(&p);
}

TEST(uploads)
{
	struct place p = open_place();
	struct retention none = {0}, old = {.max_age_ms = DAY};
	const char *unused = put(&p, "of nothing"), *young = put(&p, "young");
	bool known;

	CHECK_INT(uploads_put(p.db, unused, 10, p.now - 2 * DAY, NULL), 0);
	CHECK_INT(uploads_put(p.db, young, 5, p.now, NULL), 0);
	CHECK_STR(run(&p, &none), "0/0/0/0/0, 2/15");
	CHECK_STR(run(&p, &old), "0/0/1/10/0, 1/5");
	CHECK_INT(uploads_known(p.db, unused, &known, NULL), 0);
	CHECK(!known);
	CHECK_INT(uploads_known(p.db, young, &known, NULL), 0);
	CHECK(known);
	/* Uploaded again, it is as new. */
	unused = put(&p, "of nothing");
	CHECK_INT(uploads_put(p.db, unused, 10, p.now - 2 * DAY, NULL), 0);
	CHECK_INT(uploads_put(p.db, unused, 10, p.now, NULL), 0);
	CHECK_STR(run(&p, &old), "0/0/0/0/0, 2/15");
	close_place(&p);
}

TEST(unused_uploads_go_before_versions)
{
	struct place p = open_place();
	struct retention size = {.max_size = 30};
	const char *unused = put(&p, "an upload that nothing was built of");

	CHECK_INT(uploads_put(p.db, unused, 35, p.now - 2 * DAY, NULL), 0);
	publish(&p, "a", "1.0.0", "1234567", p.now - 9 * DAY);
	publish(&p, "b", "1.0.0", "7654321", p.now - 8 * DAY);
	size.max_size = 77;
	CHECK_STR(run(&p, &size), "0/0/0/0/0, 5/77");
	size.max_size = 76;
	CHECK_STR(run(&p, &size), "0/0/1/35/0, 4/42");
	size.max_size = 41;
	CHECK_STR(run(&p, &size), "1/1/2/21/0, 2/21");
	CHECK(is_named(&p, "/prebuilds/b/1.0.0"));
	close_place(&p);
}

TEST(what_is_published_again_is_young)
{
	struct place p = open_place();
	struct retention old = {.max_age_ms = 90 * DAY};

	publish(&p, "a", "1.0.0", "1", p.now - 200 * DAY);
	publish(&p, "b", "1.0.0", "22", p.now - 200 * DAY);
	publish(&p, "a", "1.0.0", "1", p.now - 2 * DAY);
	CHECK_INT(retention_asked(p.db, "a", "1.0.0", p.now - 199 * DAY, NULL), 0);
	CHECK_STR(run(&p, &old), "1/1/2/6/0, 2/3");
	CHECK(is_named(&p, "/prebuilds/a/1.0.0"));
	close_place(&p);
}

TEST(a_run_that_is_stopped)
{
	struct place p = open_place();
	struct retention want = {.max_age_ms = DAY, .stop = true};
	struct json *o = NULL;
	struct err e = {0};

	publish(&p, "a", "1.0.0", "1", p.now - 2 * DAY);
	CHECK_INT(retention_run(&want, p.db, p.store, test_path("logs"), p.now, &o, &e),
		  ERR_CANCELLED);
	CHECK(is_named(&p, "/prebuilds/a/1.0.0"));
	CHECK_INT(json_int(json_get(o, "removed"), "versions", -1), 0);
	json_free(o);
	close_place(&p);
}
