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
#include "builder/model/abi.h"
#include "builder/remote/remote.h"
#include "builder/toolchain/electron.h"
#include "workers/inventory.h"
#include "workers/quota.h"
#include "workers/scratch.h"
#include "workers/sources.h"
#include "workers/task.h"

#define LEASE_SECONDS   40
#define ANSWER_SECONDS  30
#define PUMP_MS         500
#define PAUSE_MS        1000
#define BEATS_PER_LEASE 4
#define DELIVER_TRIES   10
#define LOG_PIECE       (512 * 1024)
#define LOG_MAX         (12 << 20)

enum state { PAUSE, REST, LEASE, PREPARE, RUN, FLUSH, DELIVER, CLEAN };

struct slot {
	uv_loop_t *loop;
	const struct slot_config *config;
	enum state state;
	unsigned number;
	char *worker, *scratch;
	struct remote remote;     /* for what must be said to the end */
	struct remote lease_only; /* the same server, but ended at once when the slot stops */
	atomic_bool no_lease;     /* … by this */
	struct quota_waiter turn; /* to lease */
	uv_work_t work;
	uv_timer_t timer;
	atomic_bool stopping;
	void (*stopped)(void *);
	void *stopped_arg;

	struct err said; /* why it waits: logged once, not with every try */

	/* The job that is held. */
	struct task task;
	struct json *leased; /* the answer, on its way from the pool */
	struct err e;        /* of the work under way */
	char upload_digest[DIGEST_HEX_SIZE];
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
	struct json *beat; /* being sent on the pool; NULL for none */
	struct err pump_e;
};

static void go(struct slot *s, enum state next);

/* ---- talking ---- */

static char *
job_path(const struct slot *s, const char *rest)
{
	return xasprintf("/v1/worker/jobs/%s/%s", task_job(&s->task), rest);
}

static void
send_log(struct slot *s, struct err *e)
{
	char *path;
	char query[96];

	if (s->sending.len == 0)
		return;
	snprintf(query, sizeof query, "log?fence=%lld&offset=%lld", (long long)task_fence(&s->task),
		 (long long)s->log_sent);
	path = job_path(s, query);
	if (remote_send(&s->remote, "POST", path, s->sending.data, s->sending.len, e) == 0) {
		s->log_sent += (int64_t)s->sending.len;
		s->sending.len = 0;
	}
	free(path);
}

static struct json *
next_beat(const struct slot *s)
{
	struct json *beat = json_object();

	json_set_int(beat, "fence", task_fence(&s->task));
	json_set_str(beat, "stage", s->stage);
	json_set_int(beat, "step", s->step);
	json_set_int(beat, "steps", s->steps);
	return beat;
}

static void
send_beat(struct slot *s, struct err *e)
{
	char *path;

	if (s->beat == NULL)
		return;
	path = job_path(s, "heartbeat");
	remote_json(&s->remote, "POST", path, s->beat, ANSWER_SECONDS, NULL, e);
	free(path);
	json_free(s->beat);
	s->beat = NULL;
}

static bool
is_over(const struct err *e)
{
	return e->code == ERR_STALE || e->code == ERR_CANCELLED;
}

/* The heartbeat first: a log that nobody can take at the moment must not cost the lease. */
static void
pump_on_pool(uv_work_t *w)
{
	struct slot *s = w->data;
	struct err log_e = {0};

	s->pump_e = (struct err){0};
	send_beat(s, &s->pump_e);
	if (is_over(&s->pump_e))
		return;
	send_log(s, &log_e);
	if (log_e.code != 0)
		s->pump_e = log_e;
}

/* The lease is not ours any more: what runs is worth nothing. */
static void
lose(struct slot *s)
{
	if (s->lost)
		return;
	log_warn("worker", "%s %s: %s", task_job(&s->task), s->worker, s->pump_e.msg);
	s->lost = true;
	task_cancel(&s->task);
}

static void
pumped(uv_work_t *w, int status)
{
	struct slot *s = w->data;

	(void)status;
	s->pumping = false;
	if (s->pump_e.code != 0)
		s->beat_due = true; /* soon again */
	/* What is delivered hears it from its own answer, and may have ended the lease itself. */
	if (is_over(&s->pump_e) && s->state != DELIVER && s->state != CLEAN)
		lose(s);
	if (s->state == FLUSH || s->state == CLEAN)
		go(s, s->state);
}

static void
pump(struct slot *s)
{
	uint64_t now = uv_now(s->loop);
	uint64_t every = (uint64_t)json_int(s->task.lease, "lease_ms", 30000) / BEATS_PER_LEASE;

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
	if (s->beat_due) {
		s->beat = next_beat(s);
		s->beat_due = false;
		s->last_beat = now;
	}
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

static struct json *
electron_abis(const struct electron *electron)
{
	struct json *o = json_object();

	for (size_t i = 0; i < electron->count; i++) {
		char text[ABI_TEXT_SIZE];

		abi_text((struct abi){ABI_ELECTRON, electron->at[i].abi}, text);
		json_set_str(o, text, electron->at[i].digest);
	}
	return o;
}

static void
lease_on_pool(uv_work_t *w)
{
	struct slot *s = w->data;
	struct json *body = json_object(), *targets = inventory_scan(s->config->inventory);

	if (json_count(targets) == 0)
		err_set(&s->e, ERR_NOT_FOUND,
			"no toolchains in its folder yet; run: prebuildctl toolchain assemble "
			"TARGET…, with the same --toolchains");
	json_set_str(body, "worker", s->worker);
	json_set(body, "targets", targets);
	json_set(body, "electron", electron_abis(s->config->electron));
	json_set_bool(body, "due", s->turn.due_only);
	if (s->e.code == 0)
		remote_json(&s->lease_only, "POST", "/v1/worker/lease", body, LEASE_SECONDS,
			    &s->leased, &s->e);
	json_free(body);
}

/* ---- PREPARE and RUN ---- */

static void
prepare_on_pool(uv_work_t *w)
{
	struct slot *s = w->data;

	task_prepare(&s->task, &s->e);
}

static void
on_done(void *arg)
{
	go(arg, FLUSH);
}

static void
run(struct slot *s)
{
	if (s->lost)
		task_end(&s->task, OUTCOME_CANCELLED, "cancelled", "");
	if (s->lost || !task_run(&s->task))
		go(s, FLUSH);
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

	if (s->task.upload != NULL) {
		struct digest d;
		char query[160];

		if (digest_path(s->task.upload, &d, e) != 0)
			return;
		digest_hex(&d, s->upload_digest);
		snprintf(query, sizeof query, "upload?fence=%lld&sha256=%s",
			 (long long)task_fence(&s->task), s->upload_digest);
		path = job_path(s, query);
		remote_send_file(&s->remote, path, s->task.upload, NULL, e);
		free(path);
		if (e->code != 0)
			return;
	}
	path = job_path(s, "result");
	remote_json(&s->remote, "POST", path, s->task.result, ANSWER_SECONDS * 4, NULL, e);
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
	char *objects = xasprintf("%s/" TASK_OBJECTS, s->config->cache);

	compiled_trim(objects, s->config->limits.objects);
	sources_trim(s->config->sources, s->config->limits.sources);
	file_remove_tree(s->scratch, &s->e);
	free(objects);
}

/* ---- the machine ---- */

static void
forget_job(struct slot *s)
{
	task_fini(&s->task);
	buf_fini(&s->log);
	buf_fini(&s->sending);
	s->lost = s->beat_due = false;
	s->pump_e = (struct err){0};
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
	else if (s->task.lease != NULL && s->state != CLEAN)
		pump(s); /* in DELIVER too: an upload may take longer than a lease lasts */
}

static void
leased(struct slot *s)
{
	struct json *job = s->leased;

	s->leased = NULL;
	quota_answered(s->config->quota, &s->turn, job != NULL);
	if (s->e.code != 0 && !s->stopping) {
		if (strcmp(s->e.msg, s->said.msg) != 0)
			log_warn("worker", "%s waits: %s", s->worker, s->e.msg);
		s->said = s->e;
		go(s, PAUSE);
		return;
	}
	s->said = (struct err){0};
	if (job == NULL) {
		go(s, REST);
	} else {
		log_info("worker", "%s %s %s@%s %s", s->worker, json_str(job, "job", ""),
			 json_str(job, "package", ""), json_str(job, "version", ""),
			 json_str(job, "target", "source"));
		task_begin(&s->task, job);
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
		task_end(&s->task, OUTCOME_ERROR, "worker-failed", s->e.msg);
		go(s, FLUSH);
		break;
	case DELIVER:
		if (s->e.code != 0)
			log_warn("worker", "%s %s: %s", s->worker, task_job(&s->task), s->e.msg);
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
		/* A heartbeat under way still reads the job. */
		if (!s->pumping)
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
	s->scratch = scratch_path(config->cache, config->name, number);
	s->task = (struct task){
		.loop = loop,
		.config = config,
		.remote = &s->remote,
		.scratch = s->scratch,
		.on_log = on_log,
		.on_progress = on_progress,
		.on_done = on_done,
		.arg = s,
	};
	uv_timer_init(loop, &s->timer);
	s->timer.data = s;
	s->turn = (struct quota_waiter){.on_turn = on_turn, .arg = s};
	go(s, REST);
	return s;
}

void
slot_stop(struct slot *s, void (*stopped)(void *), void *arg)
{
	s->stopping = s->task.stopping = true;
	s->stopped = stopped;
	s->stopped_arg = arg;
	s->no_lease = true;
	task_cancel(&s->task);
	if (s->state == REST)
		quota_forget(s->config->quota, &s->turn);
	if (s->state == REST || s->state == PAUSE)
		go(s, REST);
}
