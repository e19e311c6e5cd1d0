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
#include "api/catalog/deliveries.h"
#include "api/catalog/events.h"
#include "api/catalog/leases.h"
#include "api/embedded.h"
#include "api/routes/policy.h"
#include "api/routes/service.h"
#include "api/routes/upstreams.h"
#include "api/sign/key.h"
#include "api/store/store.h"
#include "api/webhooks/webhooks.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/base/opt.h"
#include "builder/cli/program.h"
#include "builder/model/git_hosts.h"
#include "builder/model/job_limits.h"
#include "builder/toolchain/electron.h"

#define TICK_MS         1000
#define PRUNE_TICKS     60
#define LEASE_MS        30000
#define WORKER_GRACE_MS 10000
#define TOKEN_BYTES     32

struct serve {
	struct service service;
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	uv_timer_t tick;
	struct embedded *embedded;
	struct webhooks *webhooks;
	int lock; /* descriptor of DATA/lock */
	char *data, *logs, *cache, *toolchains, *database, *store_url, *spool, *worker_token_file;
	char **worker_argv;
	long workers;
	int64_t expired; /* what the last look for leases that ran out found */
	bool expiring;   /* … and whether one is under way */
	unsigned ticks;
	bool stopping;
};

static struct opt table[] = {
	{.name = "listen",
	 .arg = "ADDR:PORT",
	 .value = "127.0.0.1:8377",
	 .text = "address; port 0 picks a free one, IPv6 as [::1]:8377"},
	{.name = "data",
	 .arg = "DIR",
	 .value = "./var",
	 .text = "catalog, store, logs, caches, keys"},
	{.name = "database", .arg = "URL", .text = "sqlite:PATH (default sqlite:DATA/catalog.db)"},
	{.name = "store", .arg = "URL", .text = "file:DIR (default file:DATA/store)"},
	{.name = "toolchains",
	 .arg = "DIR",
	 .text = "assembled toolchains (default DATA/toolchains)"},
	{.name = "electron-headers",
	 .arg = "DIR",
	 .text = "headers of Electron, as VERSION/include/node, for addons that use its V8"},
	{.name = "workers",
	 .arg = "N",
	 .text = "embedded worker slots; 0 for none (default: number of cores)"},
	{.name = "auth",
	 .arg = "open|tokens",
	 .text = "who may build and publish (default: open on loopback, else tokens)"},
	{.name = "i-know-this-is-open",
	 .text = "allow --auth open on another address than loopback"},
	{.name = "on-miss",
	 .arg = "build|404",
	 .value = "build",
	 .text = "what a client's request for a missing prebuild does"},
	{.name = "hold",
	 .arg = "SECONDS",
	 .value = "25",
	 .text = "how long such a request may wait for its build"},
	{.name = "processing",
	 .text = "send 102 Processing every 10 s while it waits, and let it wait until the build ends"},
	{.name = "mirror-packages",
	 .arg = "LIST",
	 .value = "sqlite3,better-sqlite3",
	 .text = "packages that such requests may have built without a token; any for all"},
	{.name = "keep-failures",
	 .arg = "SECONDS",
	 .value = "86400",
	 .text = "for how long a failed build answers such requests before it is tried again"},
	{.name = "upstream",
	 .arg = "NAME=URL-TEMPLATE",
	 .many = true,
	 .text = "where a package's own prebuilds are, for targets that no worker here builds; "
		 "may be given several times"},
	{.name = "registry",
	 .arg = "URL",
	 .text = "where package sources come from (default: npm's configured registry)"},
	{.name = "git-hosts",
	 .arg = "LIST",
	 .text = "hosts from which git sources may come, or none (default: all of the public "
		 "internet, over https)"},
	{.name = "max-body", .arg = "SIZE", .value = "1M", .text = "limit of a JSON body"},
	{.name = "max-header", .arg = "SIZE", .value = "16K", .text = "limit of a header block"},
	{.name = "max-upload", .arg = "SIZE", .value = "512M", .text = "limit of an upload"},
	{.name = "max-connections",
	 .arg = "N",
	 .value = "4096",
	 .text = "limit of open connections"},
	{.name = "max-queue", .arg = "N", .value = "10000", .text = "limit of queued jobs"},
	{.name = "max-builds-per-minute",
	 .arg = "N",
	 .value = "60",
	 .text = "limit of builds that one address without a token may start"},
	{.name = "webhook",
	 .arg = "URL",
	 .many = true,
	 .text = "gets a signed POST when a build has ended; may be given several times"},
	{.name = "webhook-secret-file",
	 .arg = "FILE",
	 .text = "its first line signs deliveries (default: DATA/keys/webhook.secret, made if "
		 "missing)"},
	{.name = "verbose", .text = "log more"},
	JOB_LIMITS(JOB_LIMIT_FLAG)};

static bool
is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]:", 6) == 0 ||
	       strncmp(address, "localhost:", 10) == 0;
}

/* ---- set-up ---- */

static int
lock_data(struct serve *s, struct err *e)
{
	char *path = xasprintf("%s/lock", s->data);

	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->lock < 0)
		err_sys(e, -errno, "open %s", path);
	else if (flock(s->lock, LOCK_EX | LOCK_NB) != 0)
		err_set(e, ERR_BUSY, "another prebuildd serves from %s; stop it or give --data",
			s->data);
	free(path);
	return e->code;
}

static int
make_folders(struct serve *s, struct err *e)
{
	char *keys = xasprintf("%s/keys", s->data);
	const char *const all[] = {s->data, s->logs, s->cache, s->spool};

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
	char *keys = xasprintf("%s/keys", s->data);

	signing_key_open(keys, &s->service.signing_key, e);
	free(keys);
	return e->code;
}

/* Reads the token from keys/NAME.token, made at the first start; keeps the hex of its SHA-256. */
static int
load_token(struct serve *s, const char *name, char **hash, char **path_out, struct err *e)
{
	char *path = xasprintf("%s/keys/%s.token", s->data, name);
	unsigned char random[TOKEN_BYTES];
	struct buf text = {0};
	struct digest d;
	char hex[2 * TOKEN_BYTES + 1];

	if (!file_exists(path)) {
		randombytes_buf(random, sizeof random);
		sodium_bin2hex(hex, sizeof hex, random, sizeof random);
		file_write_atomic(path, hex, strlen(hex), 0600, e);
	}
	if (e->code == 0 && file_read(path, 4096, &text, e) == 0) {
		text.data[strcspn(text.data, "\r\n")] = '\0';
		digest_bytes(text.data, strlen(text.data), &d);
		*hash = xmalloc(DIGEST_HEX_SIZE);
		digest_hex(&d, *hash);
	}
	buf_fini(&text);
	if (path_out != NULL)
		*path_out = path;
	else
		free(path);
	return e->code;
}

static int
read_flags(struct serve *s, struct opts *o, struct http_limits *limits, struct err *e)
{
	const struct opt *listen = opts_get(o, "listen"), *auth = opts_get(o, "auth");
	const struct opt *upstream = opts_get(o, "upstream");
	const struct opt *electron = opts_get(o, "electron-headers");
	struct electron releases;
	unsigned long long size;
	struct job_limits jobs;
	long n;
	bool loopback = is_loopback(listen->value);

	if (o->arg_count > 0)
		return err_set(e, ERR_USAGE, "unexpected \"%s\"", o->args[0]);
	s->data = realpath(opts_get(o, "data")->value, NULL);
	if (s->data == NULL) {
		if (file_mkdirs(opts_get(o, "data")->value, 0755, e) != 0)
			return e->code;
		s->data = realpath(opts_get(o, "data")->value, NULL);
	}
	s->logs = xasprintf("%s/logs", s->data);
	s->cache = xasprintf("%s/cache", s->data);
	s->spool = xasprintf("%s/store/tmp", s->data);
	s->database = opts_get(o, "database")->given ? xstrdup(opts_get(o, "database")->value)
						     : xasprintf("sqlite:%s/catalog.db", s->data);
	s->store_url = opts_get(o, "store")->given ? xstrdup(opts_get(o, "store")->value)
						   : xasprintf("file:%s/store", s->data);
	s->toolchains = opts_get(o, "toolchains")->given ? xstrdup(opts_get(o, "toolchains")->value)
							 : xasprintf("%s/toolchains", s->data);
	s->workers = sysconf(_SC_NPROCESSORS_ONLN);
	if (opts_get(o, "workers")->given &&
	    opt_number(opts_get(o, "workers"), 0, 256, &s->workers, e) != 0)
		return e->code;
	if (auth->given && strcmp(auth->value, "open") != 0 && strcmp(auth->value, "tokens") != 0)
		return err_set(e, ERR_USAGE, "--auth is open or tokens, not \"%s\"", auth->value);
	s->service.tokens = auth->given ? strcmp(auth->value, "tokens") == 0 : !loopback;
	if (!s->service.tokens && !loopback && !opts_get(o, "i-know-this-is-open")->given)
		return err_set(e, ERR_USAGE,
			       "--auth open on %s would let anybody build and publish; use "
			       "--auth tokens, or add --i-know-this-is-open",
			       listen->value);
	if (strcmp(opts_get(o, "on-miss")->value, "build") != 0 &&
	    strcmp(opts_get(o, "on-miss")->value, "404") != 0)
		return err_set(e, ERR_USAGE, "--on-miss is build or 404, not \"%s\"",
			       opts_get(o, "on-miss")->value);
	s->service.build_on_miss = strcmp(opts_get(o, "on-miss")->value, "build") == 0;
	if (opt_number(opts_get(o, "hold"), 0, 3600, &n, e) != 0)
		return e->code;
	s->service.hold_ms = (uint64_t)n * 1000;
	if (opt_number(opts_get(o, "max-queue"), 1, 100000000, &n, e) != 0)
		return e->code;
	s->service.queue_max = n;
	s->service.processing = opts_get(o, "processing")->given;
	if (opt_number(opts_get(o, "keep-failures"), 0, 31536000, &n, e) != 0)
		return e->code;
	s->service.failures_ms = n * 1000;
	if (opt_number(opts_get(o, "max-builds-per-minute"), 1, 60000,
		       &s->service.builds_per_minute, e) != 0)
		return e->code;
	if (policy_open(opts_get(o, "mirror-packages")->value,
			(unsigned)s->service.builds_per_minute, &s->service.policy, e) != 0)
		return err_context(e, "--mirror-packages");
	if (upstreams_open(upstream->values, upstream->count, &s->service.upstreams, e) != 0)
		return err_context(e, "--upstream");
	if (opt_size(opts_get(o, "max-body"), &size, e) != 0)
		return e->code;
	limits->body = (size_t)size;
	if (opt_size(opts_get(o, "max-header"), &size, e) != 0)
		return e->code;
	limits->header_bytes = (size_t)size;
	if (opt_size(opts_get(o, "max-upload"), &size, e) != 0)
		return e->code;
	limits->upload = size;
	if (job_limits_read(o, &jobs, e) != 0)
		return e->code;
	s->service.source_max = jobs.source_packed;
	if (opts_get(o, "git-hosts")->given &&
	    git_hosts_check(opts_get(o, "git-hosts")->value, e) != 0)
		return e->code;
	/* Its worker would end with this again and again. */
	if (electron->given && electron_list(electron->value, &releases, e) != 0)
		return err_context(e, "--electron-headers");
	if (opt_number(opts_get(o, "max-connections"), 1, 1000000, &n, e) != 0)
		return e->code;
	limits->connections = (unsigned)n;
	if (limits->per_address > limits->connections)
		limits->per_address = limits->connections;
	s->service.lease_ms = LEASE_MS;
	s->service.data_dir = s->data;
	s->service.log_dir = s->logs;
	s->service.toolchains_dir = s->toolchains;
	if (opts_get(o, "verbose")->given)
		log_set_level(LOG_DEBUG);
	return 0;
}

/* ---- running ---- */

/* Leases that ran out, looked for at every tick, one look at a time. */
static int
expire_work(struct db *db, void *arg, struct err *e)
{
	struct serve *s = arg;

	return jobs_expire(db, clock_wall_ms(), &s->expired, e);
}

static void
expire_done(int r, void *arg, const struct err *e)
{
	struct serve *s = arg;

	(void)e;
	s->expiring = false;
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
	struct store_file f;
	struct err e = {0};

	if (store_open_name(show->store, path, &f, NULL) == 0) {
		close(f.fd);
		return;
	}
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
stop(struct serve *s)
{
	s->stopping = true;
	log_info("serve", "stopping");
	if (s->embedded != NULL)
		embedded_stop(s->embedded, WORKER_GRACE_MS, on_worker_stopped, s);
	else
		on_worker_stopped(s);
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
start_worker(struct serve *s, const struct opts *o)
{
	const struct opt *registry = opts_get((struct opts *)(uintptr_t)o, "registry");
	const struct opt *hosts = opts_get((struct opts *)(uintptr_t)o, "git-hosts");
	const struct opt *electron = opts_get((struct opts *)(uintptr_t)o, "electron-headers");
	static const char *const limits[] = {
#define X(field, kind, flag, value, text) flag,
		JOB_LIMITS(X)
#undef X
	};
	char **argv = xcalloc(20 + ARRAY_SIZE(limits), sizeof *argv);
	size_t n = 0;

	argv[n++] = xstrdup("/proc/self/exe");
	argv[n++] = xstrdup("worker");
	argv[n++] = xstrdup("--embedded");
	argv[n++] = xasprintf("--server=http://%s", http_server_address(s->service.server));
	argv[n++] = xasprintf("--slots=%ld", s->workers);
	argv[n++] = xasprintf("--toolchains=%s", s->toolchains);
	argv[n++] = xasprintf("--cache=%s", s->cache);
	if (s->worker_token_file != NULL)
		argv[n++] = xasprintf("--token-file=%s", s->worker_token_file);
	if (registry->given)
		argv[n++] = xasprintf("--registry=%s", registry->value);
	if (hosts->given)
		argv[n++] = xasprintf("--git-hosts=%s", hosts->value);
	if (electron->given)
		argv[n++] = xasprintf("--electron-headers=%s", electron->value);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		argv[n++] = xasprintf("--%s=%s", limits[i],
				      opts_get((struct opts *)(uintptr_t)o, limits[i])->value);
	s->worker_argv = argv;
	s->embedded = embedded_start(&s->loop, &(struct embedded_config){
						       .argv = argv,
						       .on_exit = on_worker_exit,
						       .data = s,
					       });
}

static int
open_webhooks(struct serve *s, struct opts *o, struct err *e)
{
	const struct opt *urls = opts_get(o, "webhook");
	char *own = xasprintf("%s/keys/webhook.secret", s->data);
	struct webhooks_config config = {
		.urls = urls->values,
		.count = urls->count,
		.secret_file = opts_get(o, "webhook-secret-file")->value,
		.own_file = own,
	};

	webhooks_open(&s->loop, s->service.catalog, &config, &s->webhooks, e);
	free(own);
	return e->code;
}

static int
run(struct serve *s, struct opts *o, struct http_limits limits, struct err *e)
{
	struct http_config config = {
		.limits = limits,
		.spool_dir = s->spool,
		.routes = service_routes,
		.route_count = service_route_count,
		.data = &s->service,
		.authorize = service_authorize,
		.on_done = metrics_count,
	};

	uv_loop_init(&s->loop);
	s->service.loop = &s->loop;
	if (catalog_open(&s->loop, s->database, &s->service.catalog, e) != 0)
		return err_context(e, "catalog %s", s->database);
	if (open_webhooks(s, o, e) != 0 ||
	    http_server_open(&s->loop, opts_get(o, "listen")->value, false, &config,
			     &s->service.server, e) != 0) {
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
	if (s->workers > 0)
		start_worker(s, o);
	printf("listening on http://%s\n", http_server_address(s->service.server));
	fflush(stdout);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	return 0;
}

int
serve_main(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildd serve [FLAG…]",
		.about =
			"The service: HTTP API, mirror for install hooks, catalog, store, and an "
			"embedded worker.\nPrints \"listening on http://ADDR:PORT\" when it is ready.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
		.env = true,
		.config = true,
	};
	struct serve s = {.lock = -1};
	struct http_limits limits = http_limits_default();
	struct err e = {0};
	int r;

	if (sodium_init() < 0)
		abort();
	if (opts_parse(&o, argc, argv, &e) == 0 && !o.help &&
	    read_flags(&s, &o, &limits, &e) == 0 && make_folders(&s, &e) == 0 &&
	    lock_data(&s, &e) == 0 && open_key(&s, &e) == 0 &&
	    (!s.service.tokens ||
	     (load_token(&s, "admin", &s.service.admin_token, NULL, &e) == 0 &&
	      load_token(&s, "worker", &s.service.worker_token, &s.worker_token_file, &e) == 0)) &&
	    store_open(s.store_url, &s.service.store, &e) == 0)
		run(&s, &o, limits, &e);
	r = e.code == 0 ? 0 : err_exit(e.code);
	if (s.service.loop != NULL && uv_loop_close(&s.loop) != 0)
		log_error("serve", "error=\"handles were still open\"");
	if (e.code != 0)
		fprintf(stderr, "prebuildd serve: %s\n", e.msg);
	store_close(s.service.store);
	metrics_fini(&s.service);
	for (char **a = s.worker_argv; a != NULL && *a != NULL; a++)
		free(*a);
	free(s.worker_argv);
	policy_free(s.service.policy);
	signing_key_close(s.service.signing_key);
	upstreams_free(s.service.upstreams);
	free(s.service.admin_token);
	free(s.service.worker_token);
	free(s.worker_token_file);
	free(s.data);
	free(s.logs);
	free(s.cache);
	free(s.spool);
	free(s.toolchains);
	free(s.database);
	free(s.store_url);
	if (s.lock >= 0)
		close(s.lock);
	opts_fini(&o);
	return r;
}
