#include "api/catalog/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/deliveries.h"
#include "api/catalog/field.h"
#include "api/catalog/jobs.h"
#include "api/catalog/tally.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

#define PRUNE_STEP 20000
#define WALK_STEP  500

/* Builds, collected before other statements touch their table. */
struct builds {
	int64_t *at;
	size_t n;
};

static int
on_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int
on_build(const struct db_row *row, void *arg)
{
	struct builds *b = arg;

	b->at = xrealloc(b->at, (b->n + 1) * sizeof *b->at);
	b->at[b->n++] = row_int(row, 0);
	return 0;
}

/* Takes payload over. */
static int
add(struct db *db, const char *kind, int64_t job, struct json *payload, int64_t now, struct err *e)
{
	char *text = json_text(payload);
	int r = DB_EXEC(db, e, NULL, NULL,
			"INSERT INTO event (kind, job, payload, created) VALUES (?1, ?2, ?3, ?4)",
			db_text(kind), db_int(job), db_text(text), db_int(now));

	json_free(payload);
	free(text);
	return r;
}

/* ---- jobs ---- */

/* A job as its event tells it. */
struct told {
	struct json *payload; /* NULL for a resolve job: no build shows it */
	enum job_state state;
	char *target, *code;
};

static int
on_told(const struct db_row *row, void *arg)
{
	struct told *t = arg;
	const char *abi = row_text(row, 3), *code = row_text(row, 6);

	if (strcmp(row_text(row, 1), "resolve") == 0)
		return 0;
	t->state = job_state_parse(row_text(row, 4));
	t->target = xstrdup(row_text(row, 2));
	t->code = xstrdup(code != NULL ? code : "");
	t->payload = json_object();
	field_id(t->payload, "job", 'j', row_int(row, 0));
	json_set_str(t->payload, "target", t->target);
	json_set_str(t->payload, "abi", abi[0] != '\0' ? abi : NULL);
	json_set_str(t->payload, "state",
		     t->state < JOB_STATE_COUNT ? job_state_shown(t->state) : "unknown");
	json_set_int(t->payload, "attempt", row_int(row, 5));
	json_set_str(t->payload, "error", NULL);
	if (code != NULL) {
		struct json *error = json_object();

		json_set_str(error, "code", code);
		json_set_str(error, "message", row_text(row, 7));
		json_set(t->payload, "error", error);
	}
	return 0;
}

/* Adds the event of a job as it is now. *told says what that was; told_fini frees it. */
static int
tell(struct db *db, int64_t job, int64_t now, struct told *t, struct err *e)
{
	int r = DB_EXEC(db, e, on_told, t,
			"SELECT id, kind, target, abi, state, attempt, code, error FROM job"
			" WHERE id = ?1",
			db_int(job));

	if (r == 0 && t->payload != NULL)
		r = add(db, "job", job, json_copy(t->payload), now, e);
	return r;
}

static void
told_fini(struct told *t)
{
	json_free(t->payload);
	free(t->target);
	free(t->code);
}

int
events_job_new(struct db *db, int64_t job, int64_t now, struct err *e)
{
	struct told t = {0};
	int r = tell(db, job, now, &t, e);

	told_fini(&t);
	return r;
}

int
events_end_builds(struct db *db, int64_t job, int64_t now, struct err *e)
{
	struct builds builds = {0};
	int r = DB_EXEC(
		db, e, on_build, &builds,
		"SELECT build.id FROM build JOIN build_job ON build_job.build = build.id"
		" WHERE build_job.job = ?1 AND build.ended IS NULL AND NOT EXISTS ("
		"SELECT 1 FROM build_job o JOIN job ON job.id = o.job WHERE o.build = build.id"
		" AND job.state IN ('waiting', 'queued', 'running'))",
		db_int(job));

	for (size_t i = 0; r == 0 && i < builds.n; i++)
		r = events_build_ended(db, builds.at[i], now, e);
	free(builds.at);
	return r;
}

int
events_jobs_changed(struct db *db, const int64_t *jobs, size_t n, int64_t now, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct told t = {0};

		r = tell(db, jobs[i], now, &t, e);
		if (r == 0 && t.payload != NULL && job_state_final(t.state)) {
			r = tally_job(db, t.target, t.state, t.code, e);
			if (r == 0)
				r = events_end_builds(db, jobs[i], now, e);
		}
		told_fini(&t);
	}
	return r;
}

int
events_progress(struct db *db, int64_t job, const char *stage, int64_t step, int64_t steps,
		int64_t now, struct err *e)
{
	struct json *o = json_object();

	field_id(o, "job", 'j', job);
	json_set_str(o, "stage", stage);
	json_set_int(o, "step", step);
	json_set_int(o, "steps", steps);
	return add(db, "progress", job, o, now, e);
}

/* How much of text one event takes: whole lines, if the first ends early enough. */
static size_t
piece_of(const char *text, size_t len)
{
	const char *end;

	if (len <= EVENT_LOG_MAX)
		return len;
	end = memrchr(text, '\n', EVENT_LOG_MAX);
	return end != NULL ? (size_t)(end - text) + 1 : EVENT_LOG_MAX;
}

int
events_log(struct db *db, int64_t job, int64_t start, const char *text, size_t len, int64_t now,
	   struct err *e)
{
	/* They are not deleted: the number of the newest would be given away again. */
	int r = DB_EXEC(db, e, NULL, NULL,
			"UPDATE event SET kind = 'void' WHERE job = ?1 AND kind = 'log'"
			" AND start >= ?2",
			db_int(job), db_int(start));

	for (size_t n; r == 0 && len > 0; text += n, len -= n, start += (int64_t)n) {
		n = piece_of(text, len);
		r = DB_EXEC(db, e, NULL, NULL,
			    "INSERT INTO event (kind, job, payload, start, size, created)"
			    " VALUES ('log', ?1, '', ?2, ?3, ?4)",
			    db_int(job), db_int(start), db_int((int64_t)n), db_int(now));
	}
	return r;
}

/* ---- builds ---- */

int
events_build_ended(struct db *db, int64_t build, int64_t now, struct err *e)
{
	struct json *b = NULL, *o;
	struct build_end end;
	char *text;
	int64_t seq = 0;
	int r = events_build_end(db, build, &end, e);

	if (r != 0 || end.ended)
		return r;
	r = jobs_build_json(db, build, &b, e);
	if (r != 0) {
		json_free(b);
		return r;
	}
	o = json_object();
	field_id(o, "build", 'b', build);
	json_set_str(o, "state", json_str(b, "state", ""));
	field_time(o, "finished", now);
	text = json_text(o);
	r = DB_EXEC(db, e, on_int, &seq,
		    "INSERT INTO event (kind, build, payload, created)"
		    " VALUES ('build', ?1, ?2, ?3) RETURNING seq",
		    db_int(build), db_text(text), db_int(now));
	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "UPDATE build SET ended = ?1, finished = ?2, last_event = ?3"
			    " WHERE id = ?4",
			    db_text(json_str(b, "state", "")), db_int(now), db_int(seq),
			    db_int(build));
	if (r == 0)
		r = deliveries_add(db, build, now, e);
	free(text);
	json_free(o);
	json_free(b);
	return r;
}

struct end_row {
	struct build_end *end;
	bool found;
};

static int
on_end(const struct db_row *row, void *arg)
{
	struct end_row *x = arg;

	x->found = true;
	x->end->ended = row_text(row, 0) != NULL;
	if (x->end->ended)
		snprintf(x->end->state, sizeof x->end->state, "%s", row_text(row, 0));
	clock_rfc3339(row_int(row, 1), x->end->finished);
	x->end->last_event = row_int(row, 2);
	return 0;
}

int
events_build_end(struct db *db, int64_t build, struct build_end *out, struct err *e)
{
	struct end_row x = {.end = out};
	int r;

	*out = (struct build_end){0};
	r = DB_EXEC(db, e, on_end, &x,
		    "SELECT ended, finished, last_event FROM build WHERE id = ?1", db_int(build));
	if (r == 0 && !x.found)
		return err_set(e, ERR_NOT_FOUND, "there is no build b%lld", (long long)build);
	return r;
}

/* ---- reading ---- */

struct walk {
	int (*on_event)(const struct event *event, void *arg);
	void *arg;
	int64_t last; /* seq */
	int rows;
	bool stopped;
};

static int
on_walk(const struct db_row *row, void *arg)
{
	struct walk *w = arg;
	struct event event = {
		.seq = row_int(row, 0),
		.kind = row_text(row, 1),
		.job = row_int(row, 2),
		.payload = row_text(row, 3),
		.start = row_int(row, 4),
		.size = row_int(row, 5),
	};

	w->stopped = w->on_event(&event, w->arg) != 0;
	w->last = event.seq;
	w->rows++;
	return w->stopped;
}

/* So many at a time: a database may hand over all that was asked for at once. */
int
events_each(struct db *db, int64_t build, int64_t after, int64_t before,
	    int (*on_event)(const struct event *event, void *arg), void *arg, struct err *e)
{
	struct walk w = {.on_event = on_event, .arg = arg, .last = after};
	int r;

	do {
		w.rows = 0;
		r = DB_EXEC(db, e, on_walk, &w,
			    "SELECT seq, kind, job, payload, start, size FROM event"
			    " WHERE job IN (SELECT job FROM build_job WHERE build = ?1)"
			    " AND seq > ?2 AND seq < ?3 AND kind <> 'void' ORDER BY seq LIMIT ?4",
			    db_int(build), db_int(w.last), db_int(before), db_int(WALK_STEP));
	} while (r == 0 && w.rows == WALK_STEP);
	return w.stopped ? 0 : r;
}

int
events_prune(struct db *db, int64_t now, struct err *e)
{
	/* The newest stays, so that its number is not given away a second time. */
	return DB_EXEC(db, e, NULL, NULL,
		       "DELETE FROM event WHERE seq < (SELECT max(seq) FROM event)"
		       " AND seq < (SELECT min(seq) FROM event) + ?1"
		       " AND (created < ?2 OR seq <= (SELECT max(seq) FROM event) - ?3)",
		       db_int(PRUNE_STEP), db_int(now - EVENTS_AGE_MS), db_int(EVENTS_MAX));
}
