#include "workers/slot.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/engine/compiled.h"
#include "builder/engine/engine.h"
#include "builder/engine/resolve.h"
#include "builder/model/target.h"
#include "builder/remote/remote.h"
#include "builder/toolchain/toolchain.h"
#include "workers/inventory.h"
#include "workers/quota.h"
#include "workers/reported.h"
#include "workers/sources.h"

#define LEASE_SECONDS   40
#define ANSWER_SECONDS  30
#define PUMP_MS         500
#define PAUSE_MS        1000
#define BEATS_PER_LEASE 4
#define DELIVER_TRIES   10
#define LOG_PIECE       (512 * 1024)
#define LOG_MAX         (12 << 20)
#define OBJECTS_DIR     "objects" /* in the cache */

enum state { PAUSE, REST, LEASE, PREPARE, RUN, FLUSH, DELIVER, CLEAN };

struct slot {
	uv_loop_t *loop;
	const struct slot_config *config;
	enum state state;
	unsigned number;
	char *worker, *scratch, *objects;
	struct remote remote;     /* for what must be said to the end */
	struct remote lease_only; /* the same server, but ended at once when the slot stops */
	atomic_bool no_lease;     /* … by this */
	struct quota_waiter turn; /* to lease */
	uv_work_t work;
	uv_timer_t timer;
	bool stopping;
	void (*stopped)(void *);
	void *stopped_arg;

	/* The job that is held. */
	struct json *job;     /* the lease's answer, NULL if there is none */
	struct err e;         /* of the work under way */
	char *source;         /* path of the bundle, or of an upload to resolve */
	struct origin origin; /* of a resolve job */
	struct engine *engine;
	struct resolve *resolve;
	struct json *result; /* what will be delivered */
	char *upload, upload_digest[DIGEST_HEX_SIZE];
	bool lost;

	/* The pump. */
	uv_work_t pump;
	bool pumping;
	struct buf log, sending; /* collected on the loop; being sent on the pool */
	int64_t log_sent, log_seen;
	char stage[64];
	unsigned step, steps;
	uint64_t last_beat;
	bool beat_due;
	struct err pump_e;
};

static void go(struct slot *s, enum state next);

/* ---- talking ---- */

static char *
job_path(const struct slot *s, const char *rest)
{
	return xasprintf("/v1/worker/jobs/%s/%s", json_str(s->job, "job", ""), rest);
}

static int64_t
fence_of(const struct slot *s)
{
	return json_int(s->job, "fence", 0);
}

static void
send_log(struct slot *s, struct err *e)
{
	char *path;
	char query[96];

	if (s->sending.len == 0)
		return;
	snprintf(query, sizeof query, "log?fence=%lld&offset=%lld", (long long)fence_of(s),
		 (long long)s->log_sent);
	path = job_path(s, query);
	if (remote_send(&s->remote, "POST", path, s->sending.data, s->sending.len, e) == 0) {
		s->log_sent += (int64_t)s->sending.len;
		s->sending.len = 0;
	}
	free(path);
}

static void
send_beat(struct slot *s, struct err *e)
{
	struct json *body = json_object();
	char *path = job_path(s, "heartbeat");

	json_set_int(body, "fence", fence_of(s));
	json_set_str(body, "stage", s->stage);
	json_set_int(body, "step", s->step);
	json_set_int(body, "steps", s->steps);
	remote_json(&s->remote, "POST", path, body, ANSWER_SECONDS, NULL, e);
	free(path);
	json_free(body);
}

static void
pump_on_pool(uv_work_t *w)
{
	struct slot *s = w->data;

	s->pump_e = (struct err){0};
	send_log(s, &s->pump_e);
	if (s->beat_due && s->pump_e.code == 0)
		send_beat(s, &s->pump_e);
}

/* The lease is not ours any more: what runs is worth nothing. */
static void
lose(struct slot *s)
{
	if (s->lost)
		return;
	log_warn("worker", "%s %s: %s", json_str(s->job, "job", "?"), s->worker, s->pump_e.msg);
	s->lost = true;
	if (s->engine != NULL)
		engine_cancel(s->engine);
	if (s->resolve != NULL)
		resolve_cancel(s->resolve);
}

static void
pumped(uv_work_t *w, int status)
{
	struct slot *s = w->data;

	(void)status;
	s->pumping = false;
	if (s->pump_e.code == ERR_STALE || s->pump_e.code == ERR_CANCELLED)
		lose(s);
	if (s->state == FLUSH)
		go(s, FLUSH);
}

static void
pump(struct slot *s)
{
	uint64_t now = uv_now(s->loop);
	uint64_t every = (uint64_t)json_int(s->job, "lease_ms", 30000) / BEATS_PER_LEASE;

	if (s->pumping)
		return;
	s->beat_due = s->beat_due || now - s->last_beat >= every;
	if (s->sending.len == 0 && s->log.len > 0) {
		size_t n = s->log.len < LOG_PIECE ? s->log.len : LOG_PIECE;

		buf_add(&s->sending, s->log.data, n);
		buf_drop(&s->log, n);
	}
	if (s->sending.len == 0 && !s->beat_due)
		return;
	if (s->beat_due)
		s->last_beat = now;
	s->pumping = true;
	s->pump.data = s;
	uv_queue_work(s->loop, &s->pump, pump_on_pool, pumped);
}

static void
on_log(const char *text, size_t len, void *arg)
{
	static const char cut[] = "\n==> the log is longer than its limit; the rest is left out\n";
	struct slot *s = arg;

	if (s->log_seen > LOG_MAX)
		return;
	s->log_seen += (int64_t)len;
	buf_add(&s->log, text, len);
	if (s->log_seen > LOG_MAX)
		buf_add(&s->log, cut, sizeof cut - 1);
}

static void
on_progress(const char *stage, unsigned step, unsigned steps, void *arg)
{
	struct slot *s = arg;

	snprintf(s->stage, sizeof s->stage, "%s", stage);
	s->step = step;
	s->steps = steps;
	s->beat_due = true;
}

/* ---- LEASE ---- */

static void
lease_on_pool(uv_work_t *w)
{
	struct slot *s = w->data;
	struct json *body = json_object(), *targets = inventory_scan(s->config->inventory);

	if (json_count(targets) == 0)
		err_set(&s->e, ERR_NOT_FOUND,
			"no toolchains here yet; run: prebuildctl toolchain assemble TARGET…");
	json_set_str(body, "worker", s->worker);
	json_set(body, "targets", targets);
	json_set_bool(body, "due", s->turn.due_only);
	if (s->e.code == 0)
		remote_json(&s->lease_only, "POST", "/v1/worker/lease", body, LEASE_SECONDS,
			    &s->job, &s->e);
	json_free(body);
}

/* ---- PREPARE ---- */

static void
prepare_on_pool(uv_work_t *w)
{
	struct slot *s = w->data;

	if (file_remove_tree(s->scratch, &s->e) != 0 || file_mkdirs(s->scratch, 0755, &s->e) != 0)
		return;
	if (strcmp(json_str(s->job, "kind", ""), "build") == 0)
		sources_get(s->config->sources, &s->remote, json_str(s->job, "source", ""),
			    &s->source, &s->e);
	else if (origin_parse(json_str(s->job, "origin", ""), &s->origin, &s->e) == 0 &&
		 s->origin.kind == ORIGIN_UPLOAD)
		sources_get(s->config->sources, &s->remote, s->origin.digest, &s->source, &s->e);
}

/* ---- RUN ---- */

static void
set_failure(struct slot *s, enum job_outcome outcome, const char *code, const char *error)
{
	json_set_str(s->result, "outcome", job_outcome_name(outcome));
	json_set_str(s->result, "code", code);
	json_set_str(s->result, "error", error);
}

static void
set_outcome(struct slot *s, enum job_outcome outcome, const char *code, const char *error)
{
	s->result = json_object();
	json_set_int(s->result, "fence", fence_of(s));
	if (s->stopping && outcome == OUTCOME_CANCELLED)
		set_failure(s, OUTCOME_RELEASED, "worker-stopped", "the worker was stopped");
	else if (outcome != OUTCOME_SUCCEEDED)
		set_failure(s, outcome, code, error);
	else
		json_set_str(s->result, "outcome", job_outcome_name(outcome));
}

static void
set_upload(struct slot *s, const char *path)
{
	s->upload = xstrdup(path);
}

static void
on_built(const struct engine_result *r, void *arg)
{
	struct slot *s = arg;
	struct json *addon;

	s->engine = NULL;
	set_outcome(s, r->outcome, r->code, r->error);
	if (r->outcome == OUTCOME_SUCCEEDED) {
		addon = json_object();
		json_set_str(addon, "file", r->file);
		json_set_str(addon, "source", json_str(s->job, "source", ""));
		json_set(addon, "load", json_copy(r->load));
		json_set(
			addon, "provenance",
			reported_make(r->commands,
				      inventory_find(s->config->inventory,
						     target_find(json_str(s->job, "target", "")))));
		json_set(s->result, "addon", addon);
		set_upload(s, r->addon);
	}
	go(s, FLUSH);
}

static void
on_resolved(const struct resolve_result *r, void *arg)
{
	struct slot *s = arg;
	struct json *source;

	s->resolve = NULL;
	set_outcome(s, r->outcome, r->code, r->error);
	if (r->outcome == OUTCOME_SUCCEEDED) {
		source = json_object();
		json_set_str(source, "origin", r->origin);
		json_set_str(source, "lock", r->lock);
		json_set_str(source, "abi", r->abi);
		json_set_str(source, "package", r->package);
		json_set_str(source, "version", r->version);
		json_set(s->result, "source", source);
		set_upload(s, r->bundle);
	}
	go(s, FLUSH);
}

static void
run_resolve(struct slot *s)
{
	struct resolve_spec spec = {
		.package = json_str(s->job, "package", ""),
		.version = json_str(s->job, "version", ""),
		.origin = s->origin,
		.upload = s->source,
		.git_hosts = s->config->git_hosts,
		.registry = s->config->registry,
		.toolchain = inventory_find(s->config->inventory, NULL),
		.scratch = s->scratch,
		.limits = s->config->limits,
		.on_log = on_log,
		.on_progress = on_progress,
		.on_done = on_resolved,
		.arg = s,
	};

	s->resolve = resolve_start(s->loop, &spec);
}

static void
run_build(struct slot *s)
{
	struct engine_spec spec = {
		.package = json_str(s->job, "package", ""),
		.version = json_str(s->job, "version", ""),
		.bundle = s->source,
		.source = json_str(s->job, "source", ""),
		.scratch = s->scratch,
		.share = s->config->share,
		.configured = s->config->configured,
		.limits = s->config->limits,
		.on_log = on_log,
		.on_progress = on_progress,
		.on_done = on_built,
		.arg = s,
	};
	const struct target *t = target_find(json_str(s->job, "target", ""));

	free(s->objects);
	s->objects = NULL;
	/* What anybody calls by the package's name (sources of git and uploads) shares nothing with it. */
	if (strchr(spec.version, '+') == NULL)
		s->objects = xasprintf("%s/" OBJECTS_DIR "/%s", s->config->cache, spec.package);
	spec.objects = s->objects;
	spec.toolchain = t != NULL ? inventory_find(s->config->inventory, t) : NULL;
	if (spec.toolchain == NULL || abi_parse(json_str(s->job, "abi", ""), &spec.abi) != 0) {
		set_outcome(s, OUTCOME_ERROR, "worker-failed", "this worker has no such toolchain");
		go(s, FLUSH);
		return;
	}
	s->engine = engine_start(s->loop, &spec);
}

static void
run(struct slot *s)
{
	if (s->stopping || s->lost) {
		set_outcome(s, OUTCOME_CANCELLED, "cancelled", "");
		go(s, FLUSH);
	} else if (strcmp(json_str(s->job, "kind", ""), "resolve") == 0) {
		run_resolve(s);
	} else {
		run_build(s);
	}
}

/* ---- DELIVER ---- */

/* Worth another try: the network, a server that is starting again, a full disk that is being
 * emptied. A stale lease, a refusal or a bad request stay what they are. */
static bool
is_passing(const struct err *e)
{
	return e->code == ERR_UNREACHABLE || e->code == ERR_TIMEOUT || e->code == ERR_BUSY ||
	       e->code == ERR_CONFLICT || e->code == ERR_INTERNAL;
}

static void
deliver_once(struct slot *s, struct err *e)
{
	char *path;

	if (s->upload != NULL) {
		struct digest d;
		char query[160];

		if (digest_path(s->upload, &d, e) != 0)
			return;
		digest_hex(&d, s->upload_digest);
		snprintf(query, sizeof query, "upload?fence=%lld&sha256=%s", (long long)fence_of(s),
			 s->upload_digest);
		path = job_path(s, query);
		remote_send_file(&s->remote, path, s->upload, NULL, e);
		free(path);
		if (e->code != 0)
			return;
	}
	path = job_path(s, "result");
	remote_json(&s->remote, "POST", path, s->result, ANSWER_SECONDS * 4, NULL, e);
	free(path);
}

static void
deliver_on_pool(uv_work_t *w)
{
	struct slot *s = w->data;

	for (unsigned i = 0; i < DELIVER_TRIES; i++) {
		s->e = (struct err){0};
		deliver_once(s, &s->e);
		if (s->e.code == 0 || !is_passing(&s->e) || s->stopping)
			break;
		sleep(i < 5 ? i + 1 : 5);
	}
}

static void
clean_on_pool(uv_work_t *w)
{
	struct slot *s = w->data;
	char *objects = xasprintf("%s/" OBJECTS_DIR, s->config->cache);

	compiled_trim(objects, s->config->limits.objects);
	file_remove_tree(s->scratch, &s->e);
	free(objects);
}

/* ---- the machine ---- */

static void
forget_job(struct slot *s)
{
	json_free(s->job);
	json_free(s->result);
	free(s->source);
	free(s->upload);
	buf_fini(&s->log);
	buf_fini(&s->sending);
	s->job = s->result = NULL;
	s->source = s->upload = NULL;
	s->lost = s->beat_due = false;
	s->log_sent = s->log_seen = 0;
	s->stage[0] = '\0';
	s->step = s->steps = 0;
}

static void
on_timer_closed(uv_handle_t *h)
{
	struct slot *s = h->data;

	if (s->stopped != NULL)
		s->stopped(s->stopped_arg);
	remote_fini(&s->remote);
	remote_fini(&s->lease_only);
	free(s->worker);
	free(s->scratch);
	free(s->objects);
	free(s);
}

static void
on_timer(uv_timer_t *timer)
{
	struct slot *s = timer->data;

	if (s->state == PAUSE)
		go(s, REST);
	else if (s->state == FLUSH && !s->pumping)
		go(s, FLUSH);
	else if (s->job != NULL && s->state != DELIVER && s->state != CLEAN)
		pump(s);
}

static void
leased(struct slot *s)
{
	quota_answered(s->config->quota, &s->turn, s->job != NULL);
	if (s->e.code != 0 && !s->stopping) {
		log_warn("worker", "%s waits: %s", s->worker, s->e.msg);
		go(s, PAUSE);
	} else if (s->job == NULL) {
		go(s, REST);
	} else {
		log_info("worker", "%s %s %s@%s %s", s->worker, json_str(s->job, "job", ""),
			 json_str(s->job, "package", ""), json_str(s->job, "version", ""),
			 json_str(s->job, "target", "source"));
		s->last_beat = uv_now(s->loop);
		go(s, PREPARE);
	}
}

static void
worked(uv_work_t *w, int status)
{
	struct slot *s = w->data;

	(void)status;
	switch (s->state) {
	case LEASE:
		leased(s);
		break;
	case PREPARE:
		if (s->e.code == 0) {
			go(s, RUN);
			break;
		}
		set_outcome(s, OUTCOME_ERROR, "worker-failed", s->e.msg);
		go(s, FLUSH);
		break;
	case DELIVER:
		if (s->e.code != 0)
			log_warn("worker", "%s %s: %s", s->worker, json_str(s->job, "job", ""),
				 s->e.msg);
		go(s, CLEAN);
		break;
	default:
		forget_job(s);
		quota_ended(s->config->quota);
		go(s, REST);
		break;
	}
}

static void
on_pool(struct slot *s, uv_work_cb work)
{
	s->e = (struct err){0};
	s->work.data = s;
	uv_queue_work(s->loop, &s->work, work, worked);
}

static void
on_turn(void *arg)
{
	go(arg, LEASE);
}

static void
go(struct slot *s, enum state next)
{
	s->state = next;
	switch (next) {
	case PAUSE:
		uv_timer_start(&s->timer, on_timer, PAUSE_MS, PUMP_MS);
		break;
	case REST:
		if (s->stopping)
			uv_close((uv_handle_t *)&s->timer, on_timer_closed);
		else if (quota_ask(s->config->quota, &s->turn))
			go(s, LEASE);
		break;
	case LEASE:
		on_pool(s, lease_on_pool);
		uv_timer_start(&s->timer, on_timer, PUMP_MS, PUMP_MS);
		break;
	case PREPARE:
		on_pool(s, prepare_on_pool);
		break;
	case RUN:
		run(s);
		break;
	case FLUSH:
		/* The whole log is there before the result is. */
		if (!s->pumping && !s->lost && (s->log.len > 0 || s->sending.len > 0) &&
		    s->pump_e.code == 0)
			pump(s);
		/* What a worker that stops hands back must not go to a slot of the same that still
		 * asks; the timer looks again. */
		if (!s->pumping && !(s->stopping && quota_is_asking(s->config->quota)))
			go(s, s->lost ? CLEAN : DELIVER);
		break;
	case DELIVER:
		on_pool(s, deliver_on_pool);
		break;
	case CLEAN:
		on_pool(s, clean_on_pool);
		break;
	}
}

struct slot *
slot_start(struct uv_loop_s *loop, const struct slot_config *config, unsigned number, struct err *e)
{
	struct slot *s = xcalloc(1, sizeof *s);

	if (remote_init(&s->remote, config->server, config->token, e) != 0 ||
	    remote_init(&s->lease_only, config->server, config->token, e) != 0) {
		remote_fini(&s->remote);
		free(s);
		return NULL;
	}
	s->lease_only.cancel = &s->no_lease;
	s->loop = loop;
	s->config = config;
	s->number = number;
	s->worker = xasprintf("%s-%u", config->name, number);
	s->scratch = xasprintf("%s/slots/%s", config->cache, s->worker);
	uv_timer_init(loop, &s->timer);
	s->timer.data = s;
	s->turn = (struct quota_waiter){.on_turn = on_turn, .arg = s};
	go(s, REST);
	return s;
}

void
slot_stop(struct slot *s, void (*stopped)(void *), void *arg)
{
	s->stopping = true;
	s->stopped = stopped;
	s->stopped_arg = arg;
	s->no_lease = true;
	if (s->engine != NULL)
		engine_cancel(s->engine);
	if (s->resolve != NULL)
		resolve_cancel(s->resolve);
	if (s->state == REST)
		quota_forget(s->config->quota, &s->turn);
	if (s->state == REST || s->state == PAUSE)
		go(s, REST);
}
