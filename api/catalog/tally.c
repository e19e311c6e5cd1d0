#include "api/catalog/tally.h"

#include <string.h>

#include "api/catalog/db.h"

int
tally_job(struct db *db, const char *target, enum job_state state, const char *code, struct err *e)
{
	const char *outcome = job_state_name(state);

	if (state == JOB_FAILED &&
	    (strcmp(code, "audit-failed") == 0 || strcmp(code, "load-failed") == 0))
		outcome = job_outcome_name(OUTCOME_REFUSED);
	return DB_EXEC(db, e, NULL, NULL,
		       "INSERT INTO tally (target, outcome, jobs) VALUES (?1, ?2, 1)"
		       " ON CONFLICT (target, outcome) DO UPDATE SET jobs = tally.jobs + 1",
		       db_text(target), db_text(outcome));
}

struct walk {
	void (*on_count)(const char *target, const char *outcome, int64_t n, void *arg);
	void *arg;
};

static int
on_row(const struct db_row *row, void *arg)
{
	const struct walk *w = arg;

	w->on_count(row_text(row, 0), row_text(row, 1), row_int(row, 2), w->arg);
	return 0;
}

int
tally_each(struct db *db,
	   void (*on_count)(const char *target, const char *outcome, int64_t n, void *arg),
	   void *arg, struct err *e)
{
	struct walk w = {on_count, arg};

	return db_exec(db, "SELECT target, outcome, jobs FROM tally ORDER BY target, outcome", NULL,
		       0, on_row, &w, e);
}
