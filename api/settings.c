#include "api/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/routes/policy.h"
#include "api/routes/service.h"
#include "api/routes/upstreams.h"
#include "builder/base/err.h"
#include "builder/base/file.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/model/git_hosts.h"
#include "builder/model/job_limits.h"
#include "builder/toolchain/electron.h"

#define LEASE_MS      30000
#define PROCESSES_MAX 64

static struct opt table[] = {
	{.name = "listen",
	 .arg = "ADDR:PORT",
	 .value = "127.0.0.1:8377",
	 .text = "address; port 0 picks a free one, IPv6 as [::1]:8377"},
	{.name = "data",
	 .arg = "DIR",
	 .value = "./var",
	 .text = "catalog, store, logs, caches, keys"},
	{.name = "database",
	 .arg = "URL",
	 .text = "sqlite:PATH, or postgres://USER@HOST/DATABASE with the password in PGPASSWORD "
		 "(default sqlite:DATA/catalog.db)"},
	{.name = "store",
	 .arg = "URL",
	 .text = "file:DIR, or s3://BUCKET/PREFIX?endpoint=URL&region=R with the credentials in "
		 "AWS_ACCESS_KEY_ID … (default file:DATA/store)"},
	{.name = "max-store-cache",
	 .arg = "SIZE",
	 .value = "10G",
	 .text = "with --store s3: how much of it is kept in DATA/store, too"},
	{.name = "toolchains",
	 .arg = "DIR",
	 .text = "assembled toolchains (default DATA/toolchains)"},
	{.name = "electron-headers",
	 .arg = "DIR",
	 .text = "headers of Electron, as VERSION/include/node, for addons that use its V8"},
	{.name = "workers",
	 .arg = "N",
	 .text = "embedded worker slots; 0 for none (default: number of cores)"},
	{.name = "processes",
	 .arg = "N",
	 .value = "1",
	 .text = "serving processes on the one port; those beside the first serve downloads"},
	{.name = "auth",
	 .arg = "open|tokens",
	 .text = "who may build and publish (default: open on loopback, else tokens)"},
	{.name = "private", .text = "with --auth tokens: reading needs a token, too"},
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

static int
read_flags(struct settings *s, struct service *service, struct err *e)
{
	struct opts *o = &s->opts;
	struct http_limits *limits = &s->limits;
	const struct opt *listen = opts_get(o, "listen"), *auth = opts_get(o, "auth");
	const struct opt *upstream = opts_get(o, "upstream");
	const struct opt *electron = opts_get(o, "electron-headers");
	struct electron releases;
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];
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
	if (opt_size(opts_get(o, "max-store-cache"), &size, e) != 0)
		return e->code;
	digest_bytes(s->store_url, strlen(s->store_url), &digest);
	digest_hex(&digest, hex);
	/* What is there of another bucket, or was there before there was one, is not a copy. */
	s->store_dir = xasprintf("%s/store/s3-%.16s", s->data, hex);
	s->store =
		(struct store_config){.url = s->store_url, .dir = s->store_dir, .copies_max = size};
	s->toolchains = opts_get(o, "toolchains")->given ? xstrdup(opts_get(o, "toolchains")->value)
							 : xasprintf("%s/toolchains", s->data);
	s->workers = sysconf(_SC_NPROCESSORS_ONLN);
	if (opts_get(o, "workers")->given &&
	    opt_number(opts_get(o, "workers"), 0, 256, &s->workers, e) != 0)
		return e->code;
	if (opt_number(opts_get(o, "processes"), 1, PROCESSES_MAX, &s->processes, e) != 0)
		return e->code;
	if (auth->given && strcmp(auth->value, "open") != 0 && strcmp(auth->value, "tokens") != 0)
		return err_set(e, ERR_USAGE, "--auth is open or tokens, not \"%s\"", auth->value);
	service->tokens = auth->given ? strcmp(auth->value, "tokens") == 0 : !loopback;
	if (!service->tokens && !loopback && !opts_get(o, "i-know-this-is-open")->given)
		return err_set(e, ERR_USAGE,
			       "--auth open on %s would let anybody build and publish; use "
			       "--auth tokens, or add --i-know-this-is-open",
			       listen->value);
	service->private = opts_get(o, "private")->given;
	if (service->private && !service->tokens)
		return err_set(e, ERR_USAGE, "--private needs --auth tokens");
	/* A cache that many share would hand it to who has no token. */
	service->cache_for_ever = service->private ? "private, max-age=31536000, immutable"
						   : "public, max-age=31536000, immutable";
	if (strcmp(opts_get(o, "on-miss")->value, "build") != 0 &&
	    strcmp(opts_get(o, "on-miss")->value, "404") != 0)
		return err_set(e, ERR_USAGE, "--on-miss is build or 404, not \"%s\"",
			       opts_get(o, "on-miss")->value);
	service->build_on_miss = strcmp(opts_get(o, "on-miss")->value, "build") == 0;
	if (opt_number(opts_get(o, "hold"), 0, 3600, &n, e) != 0)
		return e->code;
	service->hold_ms = (uint64_t)n * 1000;
	if (opt_number(opts_get(o, "max-queue"), 1, 100000000, &n, e) != 0)
		return e->code;
	service->queue_max = n;
	service->processing = opts_get(o, "processing")->given;
	if (opt_number(opts_get(o, "keep-failures"), 0, 31536000, &n, e) != 0)
		return e->code;
	service->failures_ms = n * 1000;
	if (opt_number(opts_get(o, "max-builds-per-minute"), 1, 60000, &service->builds_per_minute,
		       e) != 0)
		return e->code;
	if (policy_open(opts_get(o, "mirror-packages")->value, (unsigned)service->builds_per_minute,
			&service->policy, e) != 0)
		return err_context(e, "--mirror-packages");
	if (upstreams_open(upstream->values, upstream->count, &service->upstreams, e) != 0)
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
	service->source_max = jobs.source_packed;
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
	s->listen = listen->value;
	service->lease_ms = LEASE_MS;
	service->data_dir = s->data;
	service->log_dir = s->logs;
	service->toolchains_dir = s->toolchains;
	service->database = s->database;
	if (opts_get(o, "verbose")->given)
		log_set_level(LOG_DEBUG);
	return 0;
}

int
settings_read(struct settings *s, int argc, char **argv, struct service *service, struct err *e)
{
	s->limits = http_limits_default();
	s->opts = (struct opts){
		.usage = "prebuildd serve [FLAG…]",
		.about =
			"The service: HTTP API, mirror for install hooks, catalog, store, and an "
			"embedded worker.\nPrints \"listening on http://ADDR:PORT\" when it is ready.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
		.env = true,
		.config = true,
	};
	if (opts_parse(&s->opts, argc, argv, e) != 0 || s->opts.help)
		return e->code;
	return read_flags(s, service, e);
}

char **
settings_worker_argv(struct settings *s, const char *server, const char *token_file)
{
	const struct opt *registry = opts_get(&s->opts, "registry");
	const struct opt *hosts = opts_get(&s->opts, "git-hosts");
	const struct opt *electron = opts_get(&s->opts, "electron-headers");
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
	argv[n++] = xasprintf("--server=http://%s", server);
	argv[n++] = xasprintf("--slots=%ld", s->workers);
	argv[n++] = xasprintf("--toolchains=%s", s->toolchains);
	argv[n++] = xasprintf("--cache=%s", s->cache);
	if (token_file != NULL)
		argv[n++] = xasprintf("--token-file=%s", token_file);
	if (registry->given)
		argv[n++] = xasprintf("--registry=%s", registry->value);
	if (hosts->given)
		argv[n++] = xasprintf("--git-hosts=%s", hosts->value);
	if (electron->given)
		argv[n++] = xasprintf("--electron-headers=%s", electron->value);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		argv[n++] = xasprintf("--%s=%s", limits[i], opts_get(&s->opts, limits[i])->value);
	return argv;
}

void
settings_widen_pool(const struct settings *s)
{
	if (strncmp(s->store_url, "s3:", 3) == 0)
		setenv("UV_THREADPOOL_SIZE", "16", 0);
}

void
settings_fini(struct settings *s)
{
	free(s->data);
	free(s->logs);
	free(s->cache);
	free(s->spool);
	free(s->toolchains);
	free(s->database);
	free(s->store_dir);
	free(s->store_url);
	opts_fini(&s->opts);
}
