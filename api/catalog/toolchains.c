#include "api/catalog/toolchains.h"

#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/leases.h"

/* A row is written again after this long, not at every question for a job. */
#define REFRESH_MS 60000

int
toolchains_announce(struct db *db, const struct lease_request *req, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < req->target_count; i++)
		r = DB_EXEC(db, e, NULL, NULL,
			    "INSERT INTO toolchain (digest, target, seen) VALUES (?1, ?2, ?3)"
			    " ON CONFLICT (digest) DO UPDATE SET seen = excluded.seen,"
			    " target = excluded.target WHERE toolchain.seen < excluded.seen - ?4"
			    " OR toolchain.target <> excluded.target",
			    db_text(req->toolchains[i]), db_text(req->targets[i]), db_int(req->now),
			    db_int(REFRESH_MS));
	return r;
}

struct each {
	void (*on_target)(const char *target, void *arg);
	void *arg;
};

static int
on_row(const struct db_row *row, void *arg)
{
	const struct each *each = arg;

	each->on_target(row_text(row, 0), each->arg);
	return 0;
}

int
toolchains_each_target(struct db *db, int64_t now, void (*on_target)(const char *target, void *arg),
		       void *arg, struct err *e)
{
	struct each each = {on_target, arg};

	return DB_EXEC(db, e, on_row, &each,
		       "SELECT DISTINCT target FROM toolchain WHERE seen > ?1 ORDER BY target",
		       db_int(now - TOOLCHAIN_FRESH_MS));
}

struct search {
	const char *target;
	bool known, any;
};

static void
compare(const char *target, void *arg)
{
	struct search *s = arg;

	s->any = true;
	s->known |= strcmp(target, s->target) == 0;
}

int
toolchains_known(struct db *db, const char *target, int64_t now, bool *known, bool *any,
		 struct err *e)
{
	struct search s = {.target = target};
	int r = toolchains_each_target(db, now, compare, &s, e);

	*known = s.known;
	*any = s.any;
	return r;
}
