#include "api/catalog/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/db.h"
#include "api/catalog/deliveries.h"
#include "api/catalog/jobs.h"
#include "api/catalog/leases.h"
#include "api/catalog/sources.h"
#include "api/catalog/matrix.h"
#include "api/catalog/tally.h"
#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/catalog_fixture.h"
#include "tests/lib/test.h"

#define X64   "x86_64-linux-gnu"
#define ARM64 "aarch64-linux-gnu"
#define MUSL  "x86_64-linux-musl"
#define NOW   1000000

static int64_t
request(struct db *db, const char *version, const char *target, const char *other)
{
	struct build_request want = {.requester = "test",
				     .package = "p",
				     .version = version,
				     .targets = {target, other},
				     .target_count = other != NULL ? 2 : 1,
				     .queue_max = 100};
	int64_t id = 0;
	bool created;
	struct err e = {0};

	CHECK_MSG(jobs_request(db, &want, NOW, &id, &created, &e) == 0, "%s", e.msg);
	return id;
}

static struct lease
lease(struct db *db, const char *target)
{
	struct lease_request req = {.worker = "w",
				    .targets = {target},
				    .toolchains = {"toolchain"},
				    .target_count = 1,
				    .now = NOW,
				    .lease_ms = 1000};
	struct lease l;
	struct err e = {0};

	CHECK_MSG(jobs_lease(db, &req, &l, &e) == 0, "%s", e.msg);
	CHECK(l.job != 0);
	return l;
}

static void
resolve(struct db *db)
{
	struct lease l = lease(db, "");
	struct source_found found = {
		.digest = "source", .origin = "npm", .lock = "lock", .abi = "napi-v6", .size = 7};

	CHECK_STR(l.kind, "resolve");
	CHECK_INT(jobs_resolved(db, l.job, l.fence, &found, NOW, NULL), 0);
	lease_fini(&l);
}

static void
fail(struct db *db, const char *target, enum job_outcome outcome, const char *code)
{
	struct lease l = lease(db, target);

	CHECK_INT(jobs_fail(db, l.job, l.fence, outcome, code, "why", NOW, NULL), 0);
	lease_fini(&l);
}

static void
publish(struct db *db, const char *target, const char *digest, const char *report)
{
	struct lease l = lease(db, target);
	struct artifact a = {.digest = digest,
			     .key = l.key,
			     .package = l.package,
			     .version = l.version,
			     .abi = l.abi,
			     .target = target,
			     .file = "p.node",
			     .report = report,
			     .source = "source",
			     .toolchain = "toolchain",
			     .size = 9};

	CHECK_INT(artifacts_put(db, &a, NULL, 0, NOW, NULL), 0);
	CHECK_INT(jobs_succeed(db, l.job, l.fence, digest, NOW, NULL), 0);
	lease_fini(&l);
}

/* The events of a build as words: "kind:state" of a job's, "kind:stage" or "kind:start+size". */
static int
on_event(const struct event *event, void *arg)
{
	struct buf *text = arg;
	struct json *v = json_parse(event->payload, strlen(event->payload), NULL);

	if (text->len > 0)
		buf_adds(text, " ");
	if (event->size > 0)
		buf_addf(text, "%s:%lld+%lld", event->kind, (long long)event->start,
			 (long long)event->size);
	else
		buf_addf(text, "%s:%s", event->kind,
			 json_str(v, "state", json_str(v, "stage", "?")));
	json_free(v);
	return 0;
}

static const char *
events_of(struct db *db, int64_t build, int64_t after)
{
	static char shown[4096];
	struct buf text = {0};

	CHECK_INT(events_each(db, build, after, INT64_MAX, on_event, &text, NULL), 0);
	snprintf(shown, sizeof shown, "%s", text.len > 0 ? text.data : "");
	buf_fini(&text);
	return shown;
}

static const char *
end_of(struct db *db, int64_t build)
{
	static struct build_end end;

	CHECK_INT(events_build_end(db, build, &end, NULL), 0);
	return end.ended ? end.state : "open";
}

static int
on_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int64_t
count(struct db *db, const char *sql)
{
	int64_t n = -1;

	CHECK_INT(db_exec(db, sql, NULL, 0, on_int, &n, NULL), 0);
	return n;
}

static void
run(struct db *db, const char *sql)
{
	struct err e = {0};

	CHECK_MSG(db_exec(db, sql, NULL, 0, NULL, NULL, &e) == 0, "%s", e.msg);
}

static void
on_tally(const char *target, const char *outcome, int64_t n, void *arg)
{
	struct buf *text = arg;

	buf_addf(text, "%s%s %s %lld", text->len > 0 ? "; " : "", target, outcome, (long long)n);
}

static const char *
tally(struct db *db)
{
	static char shown[512];
	struct buf text = {0};

	CHECK_INT(tally_each(db, on_tally, &text, NULL), 0);
	snprintf(shown, sizeof shown, "%s", text.len > 0 ? text.data : "");
	buf_fini(&text);
	return shown;
}

TEST(a_build_is_told_from_its_request_to_its_end)
{
	struct db *db = fixture_db("db");
	int64_t a = request(db, "1.0.0", X64, ARM64);
	struct lease l;

	CHECK_STR(events_of(db, a, 0), "job:queued job:queued");
	resolve(db);
	l = lease(db, X64);
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, NOW, "build", 1, 3, NULL), 0);
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, NOW, "build", 1, 3, NULL), 0);
	CHECK_INT(jobs_heartbeat(db, l.job, l.fence, NOW, "build", 2, 3, NULL), 0);
	CHECK_INT(events_log(db, l.job, 0, "one\n", 4, NOW, NULL), 0);
	CHECK_STR(events_of(db, a, 4), "job:running progress:build progress:build log:0+4");
	CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_FAILED, "build-failed", "x", NOW, NULL), 0);
	CHECK_STR(end_of(db, a), "open");
	fail(db, ARM64, OUTCOME_REFUSED, "load-failed");
	CHECK_STR(end_of(db, a), "failed");
	CHECK_STR(tally(db), ARM64 " refused 1; " X64 " failed 1");
	lease_fini(&l);
	db_close(db);
}

TEST(a_job_tells_every_build_that_wants_it)
{
	struct db *db = fixture_db("db");
	int64_t a = request(db, "1.0.0", X64, ARM64), b = request(db, "1.0.0", X64, NULL);

	resolve(db);
	publish(db, X64, "digest", "{}");
	CHECK_STR(end_of(db, a), "open");
	CHECK_STR(end_of(db, b), "succeeded");
	CHECK_STR(events_of(db, b, 0), "job:queued job:queued job:running job:succeeded");
	/* One that finds everything there has ended at once. */
	CHECK_STR(end_of(db, request(db, "1.0.0", X64, NULL)), "succeeded");
	db_close(db);
}

TEST(a_build_that_was_cancelled_stays_so)
{
	struct db *db = fixture_db("db");
	int64_t a = request(db, "1.0.0", X64, NULL), b = request(db, "1.0.0", X64, NULL);
	struct build_end before, after;
	struct json *v = NULL;

	CHECK_INT(jobs_build_cancel(db, a, NOW, NULL), 0);
	CHECK_STR(end_of(db, a), "cancelled");
	CHECK_STR(end_of(db, b), "open");
	CHECK_INT(events_build_end(db, a, &before, NULL), 0);
	resolve(db);
	publish(db, X64, "digest", "{}");
	CHECK_STR(end_of(db, b), "succeeded");
	CHECK_INT(jobs_build_cancel(db, a, NOW, NULL), 0);
	CHECK_INT(events_build_end(db, a, &after, NULL), 0);
	CHECK_INT(after.last_event, before.last_event);
	CHECK_INT(jobs_build_json(db, a, &v, NULL), 0);
	CHECK_STR(json_str(v, "state", ""), "cancelled");
	CHECK(json_str(v, "finished", NULL) != NULL);
	json_free(v);
	/* One that is cancelled as the last takes its jobs along. */
	a = request(db, "2.0.0", X64, NULL);
	CHECK_INT(jobs_build_cancel(db, a, NOW, NULL), 0);
	CHECK_STR(end_of(db, a), "cancelled");
	CHECK_STR(events_of(db, a, 0), "job:queued job:cancelled");
	CHECK_INT(events_build_end(db, 99, &after, NULL), ERR_NOT_FOUND);
	db_close(db);
}

TEST(an_unknown_version_ends_the_builds_that_waited_for_it)
{
	struct db *db = fixture_db("db");
	int64_t a = request(db, "1.0.0", X64, ARM64);

	fail(db, "", OUTCOME_FAILED, "unknown-version");
	CHECK_STR(end_of(db, a), "failed");
	CHECK_STR(events_of(db, a, 0), "job:queued job:queued job:failed job:failed");
	db_close(db);
}

TEST(a_log_is_told_in_whole_lines_and_again_from_where_it_was_written_again)
{
	struct db *db = fixture_db("db");
	int64_t a = request(db, "1.0.0", X64, NULL), newest;
	size_t n = EVENT_LOG_MAX + 1000;
	char *text = xmalloc(n), want[64];

	memset(text, 'x', n);
	text[EVENT_LOG_MAX - 10] = '\n';
	CHECK_INT(events_log(db, 1, 0, text, n, NOW, NULL), 0);
	snprintf(want, sizeof want, "log:0+%u log:%u+%u", EVENT_LOG_MAX - 9, EVENT_LOG_MAX - 9,
		 (unsigned)n - (EVENT_LOG_MAX - 9));
	CHECK_STR(events_of(db, a, 1), want);
	/* A line that is too long is cut. */
	text[EVENT_LOG_MAX - 10] = 'x';
	CHECK_INT(events_log(db, 1, 0, text, n, NOW, NULL), 0);
	snprintf(want, sizeof want, "log:0+%u log:%u+1000", EVENT_LOG_MAX, EVENT_LOG_MAX);
	CHECK_STR(events_of(db, a, 1), want);
	/* A number that a client has seen is not given to another piece. */
	newest = count(db, "SELECT max(seq) FROM event");
	CHECK_INT(events_log(db, 1, EVENT_LOG_MAX, "a\n", 2, NOW, NULL), 0);
	CHECK_INT(count(db, "SELECT max(seq) FROM event"), newest + 1);
	snprintf(want, sizeof want, "log:0+%u log:%u+2", EVENT_LOG_MAX, EVENT_LOG_MAX);
	CHECK_STR(events_of(db, a, 1), want);
	free(text);
	db_close(db);
}

TEST(old_events_go_and_the_newest_number_stays)
{
	struct db *db = fixture_db("db");
	int64_t a = request(db, "1.0.0", X64, ARM64);

	CHECK_INT(events_prune(db, NOW, NULL), 0);
	CHECK_STR(events_of(db, a, 0), "job:queued job:queued");
	CHECK_INT(events_prune(db, NOW + EVENTS_AGE_MS + 1, NULL), 0);
	CHECK_STR(events_of(db, a, 0), "job:queued");
	CHECK_INT(count(db, "SELECT max(seq) FROM event"), 2);
	run(db,
	    "INSERT INTO event (seq, kind, payload, created) VALUES (200002, 'x', '', 1000000)");
	CHECK_INT(events_prune(db, NOW, NULL), 0);
	CHECK_INT(count(db, "SELECT min(seq) FROM event"), 200002);
	db_close(db);
}

TEST(builds_that_ended_before_there_were_events_have_ended)
{
	struct db *db = fixture_db("db");
	int64_t a = request(db, "1.0.0", X64, NULL), open = request(db, "2.0.0", X64, NULL);
	char *url = fixture_url("db");

	resolve(db);
	fail(db, X64, OUTCOME_REFUSED, "audit-failed");
	run(db, "DELETE FROM migration WHERE number >= 4");
	run(db, "DROP TABLE event");
	run(db, "DROP TABLE webhook");
	run(db, "DROP TABLE delivery");
	run(db, "DROP TABLE tally");
	run(db, "DROP TABLE npm_version");
	run(db, "DROP TABLE asked");
	run(db, "DROP INDEX job_mirror");
	run(db, "DROP INDEX job_state");
	run(db, "DROP INDEX job_package");
	run(db, "DROP INDEX name_digest");
	run(db, "DROP INDEX source_digest");
	run(db, "ALTER TABLE build DROP COLUMN ended");
	run(db, "ALTER TABLE build DROP COLUMN finished");
	run(db, "ALTER TABLE build DROP COLUMN last_event");
	db_close(db);
	CHECK_INT(db_open(url, &db, NULL), 0);
	CHECK_STR(end_of(db, a), "failed");
	CHECK_STR(end_of(db, open), "open");
	CHECK_STR(tally(db), X64 " refused 1");
	CHECK_INT(count(db, "SELECT finished FROM build WHERE id = 1"), NOW);
	db_close(db);
	free(url);
}

/* ---- deliveries ---- */

#define ONE "http://one/"
#define TWO "http://two/"

static struct delivery
claim(struct db *db, const char *busy, int64_t now)
{
	struct delivery d;
	struct err e = {0};

	CHECK_MSG(deliveries_claim(db, busy, now, &d, &e) == 0, "%s", e.msg);
	return d;
}

/* The newest delivery as "state attempts status". */
static const char *
delivery(struct db *db, const char *state)
{
	static char text[64];
	struct json *page = NULL;
	const struct json *one;

	CHECK_INT(deliveries_list(db, state, 0, 1, &page, NULL), 0);
	one = json_first(json_get(page, "deliveries"));
	snprintf(text, sizeof text, "%s %d %d", json_str(one, "state", "none"),
		 (int)json_int(one, "attempts", 0), (int)json_int(one, "status", 0));
	json_free(page);
	return text;
}

TEST(every_url_is_told_of_a_build_that_has_ended)
{
	static const char *const urls[] = {ONE, TWO, ONE};
	struct db *db = fixture_db("db");
	struct delivery a, b, none;
	struct json *body;
	int64_t build;

	CHECK_INT(deliveries_configure(db, urls, 3, NOW, NULL), 0);
	build = request(db, "1.0.0", X64, NULL);
	none = claim(db, "", NOW);
	CHECK_INT(none.id, 0);
	fail(db, "", OUTCOME_FAILED, "unknown-version");
	CHECK_STR(end_of(db, build), "failed");
	a = claim(db, "", NOW);
	CHECK_STR(a.url, ONE);
	b = claim(db, TWO, NOW);
	CHECK_INT(b.id, 0);
	b = claim(db, ONE, NOW);
	CHECK_STR(b.url, TWO);
	none = claim(db, "", NOW);
	CHECK_INT(none.id, 0);
	body = json_parse(a.body, strlen(a.body), NULL);
	CHECK_STR(json_str(body, "event", ""), "build.finished");
	CHECK_STR(json_str(body, "delivery", ""), "d1");
	CHECK_STR(json_str(json_get(body, "build"), "state", ""), "failed");
	json_free(body);
	CHECK_INT(deliveries_tried(db, a.id, 200, NULL, NOW, NULL), 0);
	CHECK_STR(delivery(db, "delivered"), "delivered 1 200");
	/* Who has claimed one and died loses it. */
	delivery_fini(&b);
	b = claim(db, "", NOW + DELIVERY_CLAIM_MS);
	CHECK_STR(b.url, TWO);
	CHECK_INT(b.attempt, 2);
	/* One that was broken off does not count. */
	CHECK_INT(deliveries_release(db, b.id, NOW, NULL), 0);
	CHECK_STR(delivery(db, "pending"), "pending 1 0");
	/* What is not configured any more is not tried any more. */
	CHECK_INT(deliveries_configure(db, urls, 1, NOW, NULL), 0);
	CHECK_STR(delivery(db, "failed"), "failed 1 0");
	CHECK_INT(deliveries_prune(db, NOW + DELIVERY_AGE_MS + 1, NULL), 0);
	CHECK_INT(count(db, "SELECT count(*) FROM delivery"), 0);
	delivery_fini(&a);
	delivery_fini(&b);
	db_close(db);
}

TEST(a_delivery_is_tried_with_growing_pauses_until_it_has_failed)
{
	static const char *const urls[] = {ONE};
	struct db *db = fixture_db("db");
	int64_t now = NOW, pause = DELIVERY_PAUSE_MS, all = 0;
	struct delivery d;

	CHECK_INT(deliveries_configure(db, urls, 1, NOW, NULL), 0);
	request(db, "1.0.0", X64, NULL);
	fail(db, "", OUTCOME_FAILED, "unknown-version");
	for (int attempt = 1; attempt < DELIVERY_ATTEMPTS_MAX; attempt++) {
		d = claim(db, "", now);
		CHECK_INT(d.attempt, attempt);
		CHECK_INT(deliveries_tried(db, d.id, 500, "no", now, NULL), 0);
		delivery_fini(&d);
		d = claim(db, "", now + pause - 1);
		CHECK_INT(d.id, 0);
		now += pause;
		all += pause;
		pause *= 2;
	}
	CHECK(all > 2 * 3600 * 1000 && all < 4 * 3600 * 1000);
	d = claim(db, "", now);
	CHECK_INT(deliveries_tried(db, d.id, 0, "no", now, NULL), 0);
	CHECK_STR(delivery(db, NULL), "failed 12 0");
	delivery_fini(&d);
	d = claim(db, "", now + DELIVERY_AGE_MS);
	CHECK_INT(d.id, 0);
	db_close(db);
}

/* ---- matrix ---- */

/* The cells of a version as "target abi state load reason; …". */
static const char *
cells(const struct json *matrix, const char *version)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	json_foreach (v, json_get(matrix, "versions")) {
		if (strcmp(json_str(v, "version", ""), version) != 0)
			continue;
		json_foreach (c, json_get(v, "cells")) {
			const struct json *load = json_get(c, "load");

			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s %s %s %s",
					      n > 0 ? "; " : "", json_str(c, "target", "?"),
					      json_str(c, "abi", "-"), json_str(c, "state", "?"),
					      json_is_null(load) ? "-"
					      : json_bool(load, "ran", false)
						      ? json_str(load, "runtime", "?")
						      : "not run",
					      json_str(json_get(c, "reason"), "code", "-"));
		}
	}
	return text;
}

TEST(the_matrix_says_what_there_is_and_what_loaded_it)
{
	struct db *db = fixture_db("db");
	struct matrix_filter f = {.package = "p", .limit = 20};
	struct json *m = NULL;
	struct err e = {0};

	CHECK_INT(matrix_json(db, &f, &m, &e), ERR_NOT_FOUND);
	json_free(m);
	request(db, "1.0.0", X64, ARM64);
	resolve(db);
	publish(db, X64, "digest", "{\"load\":{\"ran\":true,\"ok\":true,\"runtime\":\"node 20\"}}");
	fail(db, ARM64, OUTCOME_FAILED, "build-failed");
	/* Asked for again, and another one that nothing could run. */
	request(db, "1.0.0", ARM64, MUSL);
	publish(db, MUSL, "digest2", "{\"load\":{\"ran\":false}}");
	request(db, "2.0.0", X64, NULL);
	CHECK_INT(matrix_json(db, &f, &m, NULL), 0);
	CHECK_STR(cells(m, "1.0.0"),
		  X64 " napi-v6 succeeded node 20 -; " MUSL " napi-v6 succeeded not run -; " ARM64
		      " napi-v6 queued - -");
	CHECK_STR(cells(m, "2.0.0"), X64 " - queued - -");
	CHECK(json_is_null(json_get(m, "cursor")));
	json_free(m);
	/* Pages, and one version. */
	f.limit = 1;
	CHECK_INT(matrix_json(db, &f, &m, NULL), 0);
	CHECK_STR(json_str(m, "cursor", ""), "1.0.0");
	CHECK_STR(cells(m, "2.0.0"), "");
	json_free(m);
	f.after = "1.0.0";
	CHECK_INT(matrix_json(db, &f, &m, NULL), 0);
	CHECK_STR(cells(m, "1.0.0"), "");
	CHECK_STR(cells(m, "2.0.0"), X64 " - queued - -");
	json_free(m);
	f = (struct matrix_filter){.package = "p", .version = "3.0.0", .limit = 20};
	CHECK_INT(matrix_json(db, &f, &m, NULL), ERR_NOT_FOUND);
	json_free(m);
	/* A request that failed before the ABI was known does not hide what came after. */
	fail(db, "", OUTCOME_FAILED, "unknown-version");
	f.version = "2.0.0";
	CHECK_INT(matrix_json(db, &f, &m, NULL), 0);
	CHECK_STR(cells(m, "2.0.0"), X64 " - failed - unknown-version");
	json_free(m);
	request(db, "2.0.0", X64, NULL);
	resolve(db);
	CHECK_INT(matrix_json(db, &f, &m, NULL), 0);
	CHECK_STR(cells(m, "2.0.0"), X64 " napi-v6 queued - -");
	json_free(m);
	db_close(db);
}
