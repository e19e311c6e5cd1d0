#include "tests/lib/catalog_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/sources.h"
#include "builder/base/digest.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* A schema of PostgreSQL for the file that SQLite would have had. */
static char *
schema_url(const char *server, const char *path)
{
	char hex[DIGEST_HEX_SIZE], *sql;
	struct db *db = NULL;
	struct digest d;
	struct err e = {0};

	digest_bytes(path, strlen(path), &d);
	digest_hex(&d, hex);
	sql = xasprintf("CREATE SCHEMA IF NOT EXISTS s%.16s", hex);
	CHECK_MSG(db_open(server, &db, &e) == 0, "%s", e.msg);
	CHECK_MSG(db_exec(db, sql, NULL, 0, NULL, NULL, &e) == 0, "%s", e.msg);
	db_close(db);
	free(sql);
	return xasprintf("%s%coptions=-csearch_path%%3Ds%.16s", server,
			 strchr(server, '?') != NULL ? '&' : '?', hex);
}

char *
fixture_url(const char *name)
{
	const char *server = getenv("PREBUILDD_TEST_DATABASE");

	return server != NULL ? schema_url(server, test_path(name))
			      : xasprintf("sqlite:%s", test_path(name));
}

struct db *
fixture_db(const char *name)
{
	char *url = fixture_url(name);
	struct db *db = NULL;
	struct err e = {0};

	CHECK_MSG(db_open(url, &db, &e) == 0, "%s", e.msg);
	free(url);
	return db;
}

int64_t
fixture_request(struct db *db, const char *package, const char *targets, const char *abis, int want)
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

const char *
fixture_jobs(struct db *db, int64_t build)
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

const char *
fixture_state(struct db *db, int64_t job)
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

struct lease
fixture_lease(struct db *db, const char *worker, const char *target, int64_t now)
{
	struct lease_request req = {.worker = worker, .now = now, .lease_ms = FIXTURE_LEASE_MS};
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

void
fixture_resolve(struct db *db, const char *abi)
{
	struct lease l = fixture_lease(db, "w", NULL, 10);
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
