/*
 * gc.c - POST and GET /v1/gc: removes what is too old or too much, and what nothing refers to
 * (retention.h). One run at a time, on the pool: who has asked for it looks how far it is.
 */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "api/catalog/db.h"
#include "api/catalog/field.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/retention/retention.h"
#include "api/routes/service.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

#define AGE_MAX INT64_C(315360000) /* seconds: 10 years */

struct gc {
	struct service *service;
	struct retention want;
	bool running;
	int64_t started, finished;
	struct json *result; /* of the run; NULL before its end */
	struct err e;
	uv_work_t work;
};

static void
set_progress(struct json *o, const struct gc *gc)
{
	static const char *const phases[] = {
		[RETENTION_VERSIONS] = "versions",
		[RETENTION_CONTENT] = "content",
		[RETENTION_LOGS] = "logs",
	};
	int phase = atomic_load(&gc->want.phase);
	struct json *progress;

	if (!gc->running || phase == RETENTION_OVER) {
		json_set_str(o, "progress", NULL);
		return;
	}
	progress = json_object();
	json_set_str(progress, "phase", phases[phase]);
	json_set_int(progress, "step",
		     phase == RETENTION_CONTENT ? atomic_load(&gc->want.done) : 0);
	json_set_int(progress, "steps", phase == RETENTION_CONTENT ? RETENTION_PARTS : 0);
	json_set(o, "progress", progress);
}

static struct json *
status(const struct gc *gc)
{
	static const char *const results[] = {"versions", "removed", "left"};
	struct json *o = json_object(), *error = NULL;

	json_set_str(o, "state",
		     gc == NULL        ? "none"
		     : gc->running     ? "running"
		     : gc->e.code != 0 ? "failed"
				       : "succeeded");
	if (gc == NULL)
		return o;
	json_set_bool(o, "dry_run", gc->want.dry_run);
	field_time(o, "started", gc->started);
	field_time(o, "finished", gc->finished);
	set_progress(o, gc);
	/* Until it is over, it is the pool's. */
	for (size_t i = 0; !gc->running && gc->result != NULL && i < ARRAY_SIZE(results); i++)
		json_set(o, results[i], json_copy(json_get(gc->result, results[i])));
	if (!gc->running && gc->e.code != 0) {
		error = json_object();
		json_set_str(error, "code", err_name(gc->e.code));
		json_set_str(error, "message", gc->e.msg);
		json_set(o, "error", error);
	} else {
		json_set_str(o, "error", NULL);
	}
	return o;
}

static void
run(uv_work_t *w)
{
	struct gc *gc = w->data;
	const struct service *s = gc->service;
	struct db *db;

	if (db_open(s->database, &db, &gc->e) != 0)
		return;
	retention_run(&gc->want, db, s->store, s->log_dir, gc->started, &gc->result, &gc->e);
	db_close(db);
}

static void
done(uv_work_t *w, int canceled)
{
	struct gc *gc = w->data;
	const struct json *removed = json_get(gc->result, "removed");

	(void)canceled;
	gc->running = false;
	gc->finished = clock_wall_ms();
	log_info("gc", "%sversions=%lld contents=%lld bytes=%lld logs=%lld error=\"%s\"",
		 gc->want.dry_run ? "dry-run " : "", (long long)json_int(removed, "versions", 0),
		 (long long)json_int(removed, "contents", 0),
		 (long long)json_int(removed, "bytes", 0), (long long)json_int(removed, "logs", 0),
		 gc->e.msg);
}

/* A number from 1 to max, or 0 if it is not there. */
static int
read_number(const struct json *body, const char *name, int64_t max, int64_t *out, struct err *e)
{
	const struct json *v = json_get(body, name);

	*out = json_number(v, 0);
	if (v == NULL || json_is_null(v) || (*out >= 1 && *out <= max))
		return 0;
	return err_set(e, ERR_INVALID, "%s: a number from 1 to %lld is needed", name,
		       (long long)max);
}

static int
read_body(struct http_request *r, struct retention *want, struct err *e)
{
	static const char *const known[] = {"max_age", "max_size", "dry_run"};
	struct json *body = http_body_json(r, e);
	const char *other = json_other(body, known, ARRAY_SIZE(known));

	if (body == NULL)
		return e->code;
	if (other != NULL)
		err_set(e, ERR_INVALID, "unknown field \"%.40s\"", other);
	if (read_number(body, "max_age", AGE_MAX, &want->max_age_ms, e) == 0 &&
	    read_number(body, "max_size", INT64_C(1) << 60, &want->max_size, e) == 0)
		want->max_age_ms *= 1000;
	want->dry_run = json_bool(body, "dry_run", false);
	/* What is no boolean is whatever it is asked to be. */
	if (json_get(body, "dry_run") != NULL && want->dry_run != json_bool(body, "dry_run", true))
		err_set(e, ERR_INVALID, "dry_run: true or false is needed");
	json_free(body);
	return e->code;
}

void
route_gc_start(struct http_request *r, void *data)
{
	struct service *s = data;
	struct retention want = {0};
	struct err e = {0};

	if (read_body(r, &want, &e) == 0 && s->gc != NULL && s->gc->running)
		err_set(&e, ERR_CONFLICT, "one is running already; GET /v1/gc shows how far it is");
	if (e.code == 0 && s->closing)
		err_set(&e, ERR_BUSY, "the service stops");
	if (e.code != 0) {
		reply_err(r, &e);
		return;
	}
	gc_fini(s);
	s->gc = xcalloc(1, sizeof *s->gc);
	s->gc->service = s;
	s->gc->want.max_age_ms = want.max_age_ms;
	s->gc->want.max_size = want.max_size;
	s->gc->want.dry_run = want.dry_run;
	s->gc->running = true;
	s->gc->started = clock_wall_ms();
	s->gc->work.data = s->gc;
	uv_queue_work(s->loop, &s->gc->work, run, done);
	reply_json(r, 202, status(s->gc));
}

void
route_gc_get(struct http_request *r, void *data)
{
	const struct service *s = data;

	reply_json(r, 200, status(s->gc));
}

void
gc_end(struct service *s)
{
	if (s->gc != NULL)
		atomic_store(&s->gc->want.stop, true);
}

void
gc_fini(struct service *s)
{
	if (s->gc != NULL)
		json_free(s->gc->result);
	free(s->gc);
	s->gc = NULL;
}
