/*
 * queue.c - the catalog's part in a job, timed: leasing it, and publishing what it has built.
 *
 *	queue fill DATABASE QUEUED ARTIFACTS [OTHERS]
 *	queue time DATABASE JOBS
 *
 * `fill` adds so many queued jobs, in builds of ten, and so many artifacts with a name each, after OTHERS queued
 * jobs for a target that no worker of ours has. `time` prints the median of microseconds that a lease and its
 * completion take, each in a transaction of its own, over JOBS jobs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/db.h"
#include "api/catalog/leases.h"
#include "builder/base/digest.h"
#include "builder/base/mem.h"

#define TARGET    "x86_64-linux-gnu"
#define OTHER     "riscv64-linux-gnu"
#define TOOLCHAIN "c36c83fbd21acb0ac10da09f6dc7c0ea1a6d2d3b9fdd1b4ae4c14b1bdb3a5fd2"

static _Noreturn void
die(const struct err *e)
{
	fprintf(stderr, "queue: %s\n", e->msg);
	exit(1);
}

static void
run(struct db *db, const char *sql)
{
	struct err e = {0};

	if (db_exec(db, sql, NULL, 0, NULL, NULL, &e) != 0)
		die(&e);
}

/* ---- fill ---- */

#define SERIES "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "

static void
run_n(struct db *db, const char *sql, int64_t n, const char *target, int64_t first)
{
	struct err e = {0};

	if (DB_EXEC(db, &e, NULL, NULL, sql, db_int(n), db_text(target), db_int(first)) != 0)
		die(&e);
}

static void
fill_queue(struct db *db, int64_t n, const char *target, int64_t first)
{
	if (n == 0)
		return;
	run_n(db,
	      SERIES
	      "INSERT INTO source (digest, package, version, origin, lock, size, abi, created)"
	      " SELECT 's' || i, ?2 || i, '1.0.0', 'npm', 'lock', 7, 'napi-v6', i - ?3 FROM n",
	      n, target, first);
	run_n(db,
	      SERIES
	      "INSERT INTO job (kind, intent, package, version, target, abi, state, created,"
	      " priority)"
	      " SELECT 'build', 'build ' || ?2 || i, ?2 || i, '1.0.0', ?2, 'napi-v6', 'queued', i - ?3,"
	      " ?3 - i"
	      " FROM n",
	      n, target, first);
}

static void
fill(struct db *db, int64_t queued, int64_t artifacts, int64_t others)
{
	run(db, "BEGIN IMMEDIATE");
	fill_queue(db, others, OTHER, 0);
	fill_queue(db, queued, TARGET, -others);
	run(db, "INSERT INTO build (requester, package, version, created)"
		" SELECT 'bench', package, version, created FROM job WHERE id % 10 = 0");
	run(db, "INSERT INTO build_job (build, job) SELECT build.id, job.id FROM build"
		" JOIN job ON job.id > build.id * 10 - 10 AND job.id <= build.id * 10");
	run_n(db,
	      SERIES
	      "INSERT INTO artifact (digest, key, package, version, abi, target, file, size, report,"
	      " source, toolchain, created) SELECT 'd' || i, 'k' || i, 'old' || (i / 10), '1.0.0',"
	      " 'napi-v' || (i % 10), ?2, 'addon.node', 7, '{}', 's', 't', i - ?3 FROM n",
	      artifacts, TARGET, 0);
	run(db, "INSERT INTO name (path, digest, size, artifact)"
		" SELECT 'old/' || id, digest, size, id FROM artifact");
	run(db, "COMMIT");
	run(db, "ANALYZE");
}

/* ---- time ---- */

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
lease(struct db *db, struct lease *l)
{
	struct lease_request want = {
		.worker = "bench",
		.targets = {TARGET},
		.toolchains = {TOOLCHAIN},
		.target_count = 1,
		.now = now_us() / 1000,
		.lease_ms = 30000,
	};
	struct err e = {0};

	run(db, "BEGIN IMMEDIATE");
	if (jobs_lease(db, &want, l, &e) != 0)
		die(&e);
	run(db, "COMMIT");
	if (l->job == 0)
		err_set(&e, ERR_NOT_FOUND, "there is no queued job left");
	if (e.code != 0)
		die(&e);
}

static void
complete(struct db *db, const struct lease *l)
{
	char digest[DIGEST_HEX_SIZE], *path = xasprintf("new/%s", l->package);
	struct digest d;
	struct err e = {0};

	digest_bytes(path, strlen(path), &d);
	digest_hex(&d, digest);
	run(db, "BEGIN IMMEDIATE");
	if (artifacts_put(db,
			  &(struct artifact){.digest = digest,
					     .key = l->key,
					     .package = l->package,
					     .version = l->version,
					     .abi = l->abi,
					     .target = l->target,
					     .file = "addon.node",
					     .report = "{}",
					     .source = l->source,
					     .toolchain = TOOLCHAIN,
					     .size = 7},
			  &(struct artifact_name){
				  .path = path, .digest = digest, .layout = "l", .size = 7},
			  1, now_us() / 1000, &e) != 0 ||
	    jobs_succeed(db, l->job, l->fence, digest, now_us() / 1000, &e) != 0)
		die(&e);
	run(db, "COMMIT");
	free(path);
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
time_jobs(struct db *db, size_t n)
{
	int64_t *took = xcalloc(n, sizeof *took);

	for (size_t i = 0; i < n; i++) {
		int64_t start = now_us();
		struct lease l;

		lease(db, &l);
		complete(db, &l);
		took[i] = now_us() - start;
		lease_fini(&l);
	}
	qsort(took, n, sizeof *took, by_size);
	printf("%lld\n", (long long)took[n / 2]);
	free(took);
}

int
main(int argc, char **argv)
{
	struct db *db = NULL;
	struct err e = {0};

	if (argc < 4 || (strcmp(argv[1], "fill") == 0) != (argc > 4)) {
		fprintf(stderr,
			"usage: queue fill DATABASE QUEUED ARTIFACTS [OTHERS] | queue time DATABASE JOBS\n");
		return 2;
	}
	if (db_open(argv[2], &db, &e) != 0)
		die(&e);
	if (argc > 4)
		fill(db, atoll(argv[3]), atoll(argv[4]), argc > 5 ? atoll(argv[5]) : 0);
	else
		time_jobs(db, (size_t)atoll(argv[3]));
	db_close(db);
	return 0;
}
