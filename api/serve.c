/*
 * serve.c - `prebuildd serve`: reads the flags, opens catalog, store and server on one loop, starts
 * the embedded worker, and stops all of it in order.
 *
 *   SIGTERM ─► worker hands its leases back and ends ─► server drains ─► catalog closes ─► exit 0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <uv.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/catalog.h"
#include "api/catalog/db.h"
#include "api/catalog/deliveries.h"
#include "api/catalog/events.h"
#include "api/catalog/leases.h"
#include "api/catalog/tokens.h"
#include "api/embedded.h"
#include "api/front.h"
#include "api/routes/policy.h"
#include "api/routes/service.h"
#include "api/routes/upstreams.h"
#include "api/settings.h"
#include "api/sign/key.h"
#include "api/store/store.h"
#include "api/webhooks/webhooks.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/cli/program.h"

#define TICK_MS         1000
#define PRUNE_TICKS     60
#define WORKER_GRACE_MS 10000
#define TOKEN_FILE_MAX  4096

struct serve {
	struct service service;
	struct settings settings;
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	uv_timer_t tick;
	struct embedded *embedded;
	struct fronts *fronts; /* NULL unless it was told to have some */
	char **front_argv;
	struct webhooks *webhooks;
	int lock; /* descriptor of DATA/lock */
	char *worker_token_file;
	char **worker_argv;
	int64_t expired; /* what the last look for leases that ran out found */
	bool expiring;   /* … whether one is under way */
	bool unseen;     /* … and whether it failed */
	unsigned ticks;
	bool stopping;
};

/* ---- the data folder ---- */

static int
lock_data(struct serve *s, struct err *e)
{
	char *path = xasprintf("%s/lock", s->settings.data);

	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->lock < 0)
		err_sys(e, -errno, "open %s", path);
	else if (flock(s->lock, LOCK_EX | LOCK_NB) != 0)
		err_set(e, ERR_BUSY, "another prebuildd serves from %s; stop it or give --data",
			s->settings.data);
	free(path);
	return e->code;
}

static int
make_folders(struct serve *s, struct err *e)
{
	char *keys = xasprintf("%s/keys", s->settings.data);
	const char *const all[] = {s->settings.data, s->settings.logs, s->settings.cache,
				   s->settings.spool};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (file_mkdirs(all[i], 0755, e) != 0)
			break;
	if (e->code == 0)
		file_mkdirs(keys, 0700, e);
	free(keys);
	return e->code;
}

static int
open_key(struct serve *s, struct err *e)
{
	char *keys = xasprintf("%s/keys", s->settings.data);

	signing_key_open(keys, &s->service.signing_key, e);
	free(keys);
	return e->code;
}

/* The token in a file of keys/, made at the first start. */
static int
load_own_token(struct serve *s, const char *path, unsigned scopes, struct err *e)
{
	char token[GRANT_TOKEN_SIZE], hash[DIGEST_HEX_SIZE];
	struct buf text = {0};

	if (!file_exists(path)) {
		grant_token(token);
		file_write_atomic(path, token, strlen(token), 0600, e);
	}
	if (e->code == 0 && file_read(path, TOKEN_FILE_MAX, &text, e) == 0) {
		buf_adds(&text, "\n");
		text.data[strcspn(text.data, "\r\n")] = '\0';
		if (text.data[0] == '\0')
			err_set(e, ERR_INVALID, "%s is empty; remove it to get a new token", path);
		grant_hash(text.data, hash);
		grants_add(s->service.grants, hash, scopes, 0);
	}
	buf_fini(&text);
	return e->code;
}

static int
add_made_token(const struct token *t, void *arg)
{
	struct serve *s = arg;
	unsigned scopes;
	struct err e = {0};

	if (scopes_parse(t->scopes, &scopes, &e) != 0)
		log_error("token", "name=\"%s\" error=\"%s\"", t->name, e.msg);
	else
		grants_add(s->service.grants, t->hash, scopes, t->expires);
	return 0;
}

static int
catalog_context(const struct serve *s, struct err *e)
{
	char *shown = db_shown(s->settings.database);

	err_context(e, "catalog %s", shown);
	free(shown);
	return e->code;
}

/* Before the first request, which may bring one of them. */
static int
load_made_tokens(struct serve *s, struct err *e)
{
	struct db *db;

	if (db_open(s->settings.database, &db, e) != 0)
		return catalog_context(s, e);
	tokens_each(db, clock_wall_ms(), add_made_token, s, e);
	db_close(db);
	return e->code;
}

static int
load_tokens(struct serve *s, struct err *e)
{
	char *admin;

	s->service.grants = grants_new();
	if (!s->service.tokens)
		return 0;
	admin = xasprintf("%s/keys/admin.token", s->settings.data);
	s->worker_token_file = xasprintf("%s/keys/worker.token", s->settings.data);
	if (load_own_token(s, admin, SCOPE_ADMIN, e) == 0 &&
	    load_own_token(s, s->worker_token_file, SCOPE_WORKER, e) == 0)
		load_made_tokens(s, e);
	free(admin);
	return e->code;
}

/* ---- running ---- */

/* Leases that ran out, looked for at every tick, one look at a time. */
static int
expire_work(struct db *db, void *arg, struct err *e)
{
	struct serve *s = arg;
	int64_t now = clock_wall_ms();

	s->expired = 0;
	return s->unseen ? jobs_keep_leases(db, now + (int64_t)s->service.lease_ms, e)
			 : jobs_expire(db, now, &s->expired, e);
}

static void
expire_done(int r, void *arg, const struct err *e)
{
	struct serve *s = arg;

	(void)e;
	s->expiring = false;
	s->unseen = r != 0;
	if (r != 0 || s->expired == 0)
		return;
	log_warn("lease", "expired=%lld", (long long)s->expired);
	service_job_ended(&s->service);
}

/* What nobody needs any more. */
static int
prune_work(struct db *db, void *arg, struct err *e)
{
	int64_t now = clock_wall_ms();

	(void)arg;
	return events_prune(db, now, e) != 0 ? e->code : deliveries_prune(db, now, e);
}

static void
on_tick(uv_timer_t *timer)
{
	struct serve *s = timer->data;

	if (++s->ticks % PRUNE_TICKS == 0)
		catalog_submit(s->service.catalog, prune_work, NULL, s);
	if (!s->expiring) {
		s->expiring = true;
		catalog_submit(s->service.catalog, expire_work, expire_done, s);
	}
	service_tick(&s->service);
}

/* The leases of an embedded worker that has gone. */
struct release {
	struct serve *serve;
	char owner[32];
	int64_t n;
};

static int
release_work(struct db *db, void *arg, struct err *e)
{
	struct release *r = arg;

	return jobs_release(db, r->owner, &r->n, e);
}

static void
release_done(int code, void *arg, const struct err *e)
{
	struct release *r = arg;

	(void)e;
	if (code == 0 && r->n > 0) {
		log_info("lease", "owner=%s released=%lld", r->owner, (long long)r->n);
		service_queue_changed(&r->serve->service);
	}
	free(r);
}

static void
on_worker_exit(int pid, void *data)
{
	struct release *r = xcalloc(1, sizeof *r);

	/* They need not run out: nobody else has its name. */
	r->serve = data;
	snprintf(r->owner, sizeof r->owner, "embedded-%d-", pid);
	catalog_submit(r->serve->service.catalog, release_work, release_done, r);
}

struct show {
	struct store *store;
	int64_t n;
};

static void
show_name(const char *path, const char *digest, void *arg)
{
	struct show *show = arg;
	char hex[DIGEST_HEX_SIZE];
	struct err e = {0};

	if (store_resolve(show->store, path, hex, NULL) == 0)
		return;
	if (store_link(show->store, path, digest, &e) == 0)
		show->n++;
	else
		log_error("publish", "path=%s error=\"%s\"", path, e.msg);
}

/* What a crash between the catalog's commit and the store's link left open. */
static int
recover_work(struct db *db, void *arg, struct err *e)
{
	struct serve *s = arg;
	struct show show = {.store = s->service.store};
	int64_t n = 0;

	if (jobs_release(db, "embedded-", &n, e) != 0 ||
	    artifacts_each_name(db, show_name, &show, e) != 0)
		return e->code;
	if (n > 0 || show.n > 0)
		log_info("recover", "leases=%lld names=%lld", (long long)n, (long long)show.n);
	return 0;
}

static void
on_catalog_closed(void *arg)
{
	(void)arg;
}

/* The end of a start that did not come as far as to serve. */
static void
on_unopened(void *arg)
{
	struct serve *s = arg;

	catalog_close(s->service.catalog, on_catalog_closed, s);
}

static void
on_webhooks_closed(void *arg)
{
	struct serve *s = arg;

	catalog_close(s->service.catalog, on_catalog_closed, s);
	uv_close((uv_handle_t *)&s->tick, NULL);
	uv_close((uv_handle_t *)&s->term, NULL);
	uv_close((uv_handle_t *)&s->interrupt, NULL);
}

static void
on_server_closed(void *arg)
{
	struct serve *s = arg;

	webhooks_close(s->webhooks, on_webhooks_closed, s);
}

static void
on_worker_stopped(void *arg)
{
	struct serve *s = arg;

	service_end_waits(&s->service);
	http_server_close(s->service.server, on_server_closed, s);
}

static void
on_fronts_stopped(void *arg)
{
	struct serve *s = arg;

	s->fronts = NULL;
	if (s->embedded != NULL)
		embedded_stop(s->embedded, WORKER_GRACE_MS, on_worker_stopped, s);
	else
		on_worker_stopped(s);
}

static void
stop(struct serve *s)
{
	s->stopping = true;
	log_info("serve", "stopping");
	fronts_stop(s->fronts, (unsigned)s->settings.limits.drain_ms + TICK_MS, on_fronts_stopped,
		    s);
}

static void
on_signal(uv_signal_t *signal, int number)
{
	struct serve *s = signal->data;

	if (s->stopping)
		_exit(128 + number);
	stop(s);
}

static void
start_worker(struct serve *s)
{
	s->worker_argv = settings_worker_argv(&s->settings, http_server_address(s->service.server),
					      s->worker_token_file);
	s->embedded = embedded_start(&s->loop, &(struct embedded_config){
						       .what = "worker",
						       .argv = s->worker_argv,
						       .on_exit = on_worker_exit,
						       .data = s,
					       });
}

static int
open_webhooks(struct serve *s, struct err *e)
{
	const struct opt *urls = opts_get(&s->settings.opts, "webhook");
	char *own = xasprintf("%s/keys/webhook.secret", s->settings.data);
	struct webhooks_config config = {
		.urls = urls->values,
		.count = urls->count,
		.secret_file = opts_get(&s->settings.opts, "webhook-secret-file")->value,
		.own_file = own,
	};

	webhooks_open(&s->loop, s->service.catalog, &config, &s->webhooks, e);
	free(own);
	return e->code;
}

/* argv: the flags, ended by NULL. */
static void
start_fronts(struct serve *s, int argc, char **argv)
{
	char **all = xcalloc((size_t)argc + 3, sizeof *all);

	all[0] = (char *)(uintptr_t) "/proc/self/exe";
	all[1] = (char *)(uintptr_t) "serve-front";
	memcpy(all + 2, argv, (size_t)argc * sizeof *all);
	s->front_argv = all;
	fronts_start(s->fronts, &s->loop, &s->service, all);
}

static int
listen_on(struct serve *s, struct err *e)
{
	int fd = -1;

	if (s->settings.processes > 1)
		return fronts_open(s->settings.listen, s->settings.processes, &s->fronts, &fd, e) ==
				       0
			       ? fd
			       : e->code;
	return http_listen(s->settings.listen, false, e);
}

static int
open_server(struct serve *s, const struct http_config *config, struct err *e)
{
	int fd = listen_on(s, e);

	return fd < 0 ? fd : http_server_open_on(&s->loop, fd, config, &s->service.server, e);
}

static void
do_nothing(void *arg)
{
	(void)arg;
}

static int
run(struct serve *s, int argc, char **argv, struct err *e)
{
	struct http_config config = {
		.limits = s->settings.limits,
		.spool_dir = s->settings.spool,
		.routes = service_routes,
		.route_count = service_route_count,
		.data = &s->service,
		.authorize = service_authorize,
		.on_done = metrics_count,
	};

	settings_widen_pool(&s->settings);
	uv_loop_init(&s->loop);
	s->service.loop = &s->loop;
	if (catalog_open(&s->loop, s->settings.database, &s->service.catalog, e) != 0)
		return catalog_context(s, e);
	if (open_webhooks(s, e) != 0 || open_server(s, &config, e) != 0) {
		fronts_stop(s->fronts, 0, do_nothing, NULL);
		if (s->webhooks != NULL)
			webhooks_close(s->webhooks, on_unopened, s);
		else
			on_unopened(s);
		uv_run(&s->loop, UV_RUN_DEFAULT);
		return e->code;
	}
	catalog_submit(s->service.catalog, recover_work, NULL, s);
	uv_signal_init(&s->loop, &s->term);
	uv_signal_init(&s->loop, &s->interrupt);
	uv_timer_init(&s->loop, &s->tick);
	s->term.data = s->interrupt.data = s->tick.data = s;
	uv_signal_start(&s->term, on_signal, SIGTERM);
	uv_signal_start(&s->interrupt, on_signal, SIGINT);
	uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
	if (s->fronts != NULL)
		start_fronts(s, argc, argv);
	if (s->settings.workers > 0)
		start_worker(s);
	printf("listening on http://%s\n", http_server_address(s->service.server));
	fflush(stdout);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	return 0;
}

int
serve_main(int argc, char **argv)
{
	struct serve s = {.lock = -1};
	struct err e = {0};
	int r;

	if (sodium_init() < 0)
		abort();
	if (settings_read(&s.settings, argc, argv, &s.service, &e) == 0 && !s.settings.opts.help &&
	    make_folders(&s, &e) == 0 && lock_data(&s, &e) == 0 && open_key(&s, &e) == 0 &&
	    load_tokens(&s, &e) == 0 && store_open(&s.settings.store, &s.service.store, &e) == 0)
		run(&s, argc, argv, &e);
	r = e.code == 0 ? 0 : err_exit(e.code);
	if (s.service.loop != NULL && uv_loop_close(&s.loop) != 0)
		log_error("serve", "error=\"handles were still open\"");
	if (e.code != 0)
		fprintf(stderr, "prebuildd serve: %s\n", e.msg);
	store_close(s.service.store);
	metrics_fini(&s.service);
	gc_fini(&s.service);
	for (char **a = s.worker_argv; a != NULL && *a != NULL; a++)
		free(*a);
	free(s.worker_argv);
	free(s.front_argv);
	policy_free(s.service.policy);
	signing_key_close(s.service.signing_key);
	upstreams_free(s.service.upstreams);
	grants_free(s.service.grants);
	free(s.worker_token_file);
	if (s.lock >= 0)
		close(s.lock);
	settings_fini(&s.settings);
	return r;
}
