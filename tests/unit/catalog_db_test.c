#include "api/catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "api/catalog/db.h"
#include "builder/base/mem.h"
#include "tests/lib/catalog_fixture.h"
#include "tests/lib/test.h"

#define X64 "x86_64-linux-gnu"

TEST(a_database_is_opened_again_and_a_newer_one_is_refused)
{
	char *url = fixture_url("db");
	struct db *db = fixture_db("db");
	struct err e = {0};

	fixture_request(db, "p", X64, "", true);
	db_close(db);
	db = fixture_db("db");
	CHECK_STR(fixture_jobs(db, 1), "j1 " X64 " - queued");
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
	char *url = fixture_url("db");
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
	db = fixture_db("db");
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
	char *url = fixture_url("db");
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
