#include "api/catalog/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/db.h"
#include "api/catalog/events.h"
#include "api/catalog/jobs.h"
#include "api/catalog/leases.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/catalog_fixture.h"
#include "tests/lib/test.h"

#define X64    "x86_64-linux-gnu"
#define URL    "https://example.org/a.git"
#define ONE    "1111111111112222222222223333333333334444"
#define OTHER  "1111111111119999999999999999999999999999" /* the same first digits */
#define TWO    "5555555555556666666666667777777777778888"
#define UPLOAD "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Requests a build for x86-64; ref: of the git repository, "sha256:…", or NULL for the registry. Returns
 * the build, or the error. */
static int64_t
request(struct db *db, const char *package, const char *version, const char *ref)
{
	struct build_request b = {.requester = "test",
				  .package = package,
				  .version = version,
				  .targets = {X64},
				  .target_count = 1,
				  .queue_max = 100};
	struct err e = {0};
	bool created;
	int64_t id = 0;

	if (ref != NULL)
		CHECK_INT(strncmp(ref, "sha256:", 7) == 0 ? origin_upload(ref, &b.origin, NULL)
							  : origin_git(URL, ref, &b.origin, NULL),
			  0);
	return jobs_request(db, &b, 5, &id, &created, &e) == 0 ? id : e.code;
}

/* A build as "package@version origin: job state code; …". */
static const char *
shown(struct db *db, int64_t build)
{
	static char text[1024];
	struct json *b = NULL;
	size_t n;

	CHECK_INT(jobs_build_json(db, build, &b, NULL), 0);
	n = (size_t)snprintf(text, sizeof text, "%s@%s %s:", json_str(b, "package", "-"),
			     json_str(b, "version", "-"), json_str(b, "origin", "-"));
	json_foreach (job, json_get(b, "jobs"))
		n += (size_t)snprintf(text + n, sizeof text - n, " %s %s%s%s",
				      json_str(job, "id", "?"), json_str(job, "state", "?"),
				      json_get(job, "error") != NULL ? " " : "",
				      json_str(json_get(job, "error"), "code", ""));
	json_free(b);
	return text;
}

static struct lease
lease(struct db *db, bool build)
{
	struct lease_request req = {.worker = "w", .now = 10, .lease_ms = 1000};
	struct err e = {0};
	struct lease l;

	if (build) {
		req.targets[0] = X64;
		req.toolchains[0] = "toolchain";
		req.target_count = 1;
	}
	CHECK_MSG(jobs_lease(db, &req, &l, &e) == 0, "%s", e.msg);
	return l;
}

/* Leases the next resolve job, which must be for this origin, and answers it. */
static void
resolve(struct db *db, const char *want, const char *origin, const char *package,
	const char *version)
{
	struct source_found found = {.digest = "bundle",
				     .origin = origin,
				     .lock = "lock",
				     .abi = "napi-v6",
				     .package = package,
				     .version = version};
	struct lease l = lease(db, false);
	struct err e = {0};

	CHECK_STR(l.kind, "resolve");
	CHECK_STR(l.origin, want);
	CHECK_MSG(jobs_resolved(db, l.job, l.fence, &found, 11, &e) == 0, "%s", e.msg);
	lease_fini(&l);
}

/* Leases the next build job and publishes something for it; returns its key. */
static char *
build(struct db *db, const char *version)
{
	struct lease l = lease(db, true);
	struct artifact a = {.digest = "addon",
			     .key = l.key,
			     .package = l.package,
			     .version = l.version,
			     .abi = l.abi,
			     .target = l.target,
			     .file = "a.node",
			     .report = "{}",
			     .source = "bundle",
			     .toolchain = "toolchain",
			     .size = 1};
	struct err e = {0};
	char *key;

	CHECK_STR(l.kind, "build");
	CHECK_STR(l.version, version);
	CHECK_MSG(artifacts_put(db, &a, NULL, 0, 12, &e) == 0 &&
			  jobs_succeed(db, l.job, l.fence, "addon", 12, &e) == 0,
		  "%s", e.msg);
	key = xstrdup(l.key);
	lease_fini(&l);
	return key;
}

TEST(a_branch_gets_the_version_of_its_commit)
{
	struct db *db = fixture_db("db");
	int64_t registry = request(db, "p", "1.0.0", NULL), git = request(db, "p", "1.0.0", "main");
	char *first, *second;
	struct build_end end;

	CHECK_STR(shown(db, registry), "p@1.0.0 -: j1 queued ");
	CHECK_STR(shown(db, git), "p@1.0.0+git git+" URL "#main: j3 queued ");
	resolve(db, "", "npm:p@1.0.0", "", "");
	resolve(db, "git+" URL "#main", "git+" URL "#" ONE, "p", "1.0.0");
	CHECK_STR(shown(db, registry), "p@1.0.0 -: j1 queued ");
	CHECK_STR(shown(db, git), "p@1.0.0+git.111111111111 git+" URL "#main: j3 queued ");
	/* The same bundle, and yet not the same: each has its own names. */
	first = build(db, "1.0.0");
	second = build(db, "1.0.0+git.111111111111");
	CHECK(strcmp(first, second) != 0);
	/* The branch moves: resolved anew, another version. */
	git = request(db, "", "", "main");
	CHECK_STR(shown(db, git), "-@- git+" URL "#main: j5 queued ");
	resolve(db, "git+" URL "#main", "git+" URL "#" TWO, "p", "1.0.0");
	CHECK_STR(shown(db, git), "p@1.0.0+git.555555555555 git+" URL "#main: j5 queued ");
	/* It moves back: what was built is there. */
	git = request(db, "p", "1.0.0", "main");
	resolve(db, "git+" URL "#main", "git+" URL "#" ONE, "p", "1.0.0");
	CHECK_STR(shown(db, git), "p@1.0.0+git.111111111111 git+" URL "#main: j3 succeeded ");
	/* … and that ends the build, which was open until then. */
	CHECK_INT(events_build_end(db, git, &end, NULL), 0);
	CHECK(end.ended);
	CHECK_STR(end.state, "succeeded");
	free(first);
	free(second);
	db_close(db);
}

TEST(two_requests_for_a_branch_are_resolved_each)
{
	struct db *db = fixture_db("db");
	int64_t a = request(db, "p", "1.0.0", "main"), b = request(db, "p", "1.0.0", "main");

	CHECK_STR(shown(db, b), "p@1.0.0+git git+" URL "#main: j3 queued ");
	resolve(db, "git+" URL "#main", "git+" URL "#" ONE, "p", "1.0.0");
	CHECK_STR(shown(db, a), "p@1.0.0+git.111111111111 git+" URL "#main: j1 queued ");
	CHECK_STR(shown(db, b), "p@1.0.0+git git+" URL "#main: j3 queued ");
	resolve(db, "git+" URL "#main", "git+" URL "#" ONE, "p", "1.0.0");
	CHECK_STR(shown(db, b), "p@1.0.0+git.111111111111 git+" URL "#main: j1 queued ");
	db_close(db);
}

TEST(a_commit_is_resolved_once)
{
	struct db *db = fixture_db("db");
	int64_t a = request(db, "p", "1.0.0", ONE), b = request(db, "p", "1.0.0", ONE);

	CHECK_STR(shown(db, a), "p@1.0.0+git.111111111111 git+" URL "#" ONE ": j1 queued ");
	CHECK_STR(shown(db, b), "p@1.0.0+git.111111111111 git+" URL "#" ONE ": j1 queued ");
	resolve(db, "git+" URL "#" ONE, "git+" URL "#" ONE, "p", "1.0.0");
	free(build(db, "1.0.0+git.111111111111"));
	CHECK_STR(shown(db, request(db, "p", "1.0.0", ONE)),
		  "p@1.0.0+git.111111111111 git+" URL "#" ONE ": j1 succeeded ");
	CHECK_STR(shown(db, request(db, "", "", ONE)),
		  "p@1.0.0+git.111111111111 git+" URL "#" ONE ": j1 succeeded ");
	/* By its version, as any other; one that nobody built is not the registry's. */
	CHECK_STR(shown(db, request(db, "p", "1.0.0+git.111111111111", NULL)),
		  "p@1.0.0+git.111111111111 -: j1 succeeded ");
	CHECK_INT(request(db, "p", "1.0.0+git.222222222222", NULL), ERR_NOT_FOUND);
	CHECK_INT(request(db, "q", "1.0.0+src.111111111111", NULL), ERR_NOT_FOUND);
	db_close(db);
}

TEST(an_upload_has_its_version_at_once)
{
	struct db *db = fixture_db("db");
	bool known;

	CHECK_INT(request(db, "p", "1.0.0", "sha256:" UPLOAD), ERR_NOT_FOUND);
	CHECK_INT(uploads_put(db, UPLOAD, 7, 1, NULL), 0);
	CHECK_INT(uploads_put(db, UPLOAD, 7, 2, NULL), 0);
	CHECK_INT(uploads_known(db, UPLOAD, &known, NULL), 0);
	CHECK(known);
	CHECK_STR(shown(db, request(db, "p", "1.0.0", "sha256:" UPLOAD)),
		  "p@1.0.0+src.0123456789ab sha256:" UPLOAD ": j1 queued ");
	resolve(db, "sha256:" UPLOAD, "sha256:" UPLOAD, "p", "1.0.0");
	CHECK_STR(shown(db, request(db, "", "", "sha256:" UPLOAD)),
		  "p@1.0.0+src.0123456789ab sha256:" UPLOAD ": j1 queued ");
	db_close(db);
}

TEST(what_was_found_must_be_what_was_asked_for)
{
	static const struct {
		const char *package, *version, *ref, *origin, *found_package, *found_version;
	} cases[] = {
		/* A worker that knows no origins resolves the registry's. */
		{"p", "1.0.0", "main", "npm:p@1.0.0 sha512-x", "", ""},
		{"p", "1.0.0", "main", "git+https://example.org/b.git#" ONE, "p", "1.0.0"},
		{"p", "1.0.0", "main", "git+" URL "#main", "p", "1.0.0"},
		{"p", "1.0.0", ONE, "git+" URL "#" TWO, "p", "1.0.0"},
		{"p", "1.0.0", "main", "git+" URL "#" ONE, "q", "1.0.0"},
		{"p", "1.0.0", "main", "git+" URL "#" ONE, "p", "1.0.1"},
		{"", "", "main", "git+" URL "#" ONE, "../p", "1.0.0"},
		{"", "", "main", "git+" URL "#" ONE, "p", "latest"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char name[] = {(char)('a' + i), '\0'};
		struct db *db = fixture_db(name);
		int64_t id = request(db, cases[i].package, cases[i].version, cases[i].ref);
		char want[200];

		snprintf(want, sizeof want, "git+" URL "#%s", cases[i].ref);
		resolve(db, want, cases[i].origin, cases[i].found_package, cases[i].found_version);
		CHECK_MSG(strstr(shown(db, id), "j1 failed conflict") != NULL, "%zu: %s", i,
			  shown(db, id));
		/* Nothing is known of it, and the registry's package is as free as before. */
		id = request(db, "p", "1.0.0", NULL);
		CHECK_MSG(strstr(shown(db, id), "queued") != NULL, "%s", shown(db, id));
		db_close(db);
	}
}

TEST(another_commit_with_the_same_first_digits)
{
	struct db *db = fixture_db("db");
	int64_t id;

	request(db, "p", "1.0.0", "main");
	resolve(db, "git+" URL "#main", "git+" URL "#" ONE, "p", "1.0.0");
	id = request(db, "p", "1.0.0", "main");
	resolve(db, "git+" URL "#main", "git+" URL "#" OTHER, "p", "1.0.0");
	CHECK_MSG(strstr(shown(db, id), "failed conflict") != NULL, "%s", shown(db, id));
	/* Nor does a request for that very commit get the first one's. */
	id = request(db, "p", "1.0.0", OTHER);
	CHECK_MSG(strstr(shown(db, id), "queued") != NULL, "%s", shown(db, id));
	resolve(db, "git+" URL "#" OTHER, "git+" URL "#" OTHER, "p", "1.0.0");
	CHECK_MSG(strstr(shown(db, id), "failed conflict") != NULL, "%s", shown(db, id));
	db_close(db);
}

TEST(a_resolve_job_that_fails_takes_only_its_own_jobs_along)
{
	struct db *db = fixture_db("db");
	int64_t registry = request(db, "p", "1.0.0", NULL), a = request(db, "p", "1.0.0", "main"),
		b = request(db, "p", "1.0.0", "dev");
	struct err e = {0};
	struct lease l;

	resolve(db, "", "npm:p@1.0.0", "", "");
	l = lease(db, false);
	CHECK_STR(l.origin, "git+" URL "#main");
	CHECK_INT(jobs_fail(db, l.job, l.fence, OUTCOME_FAILED, "not-found", "m", 30, &e), 0);
	lease_fini(&l);
	CHECK_MSG(strstr(shown(db, registry), "queued") != NULL, "%s", shown(db, registry));
	CHECK_MSG(strstr(shown(db, a), "failed not-found") != NULL, "%s", shown(db, a));
	CHECK_MSG(strstr(shown(db, b), "queued") != NULL, "%s", shown(db, b));
	db_close(db);
}
