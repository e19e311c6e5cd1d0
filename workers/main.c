/*
 * main.c - `prebuildd worker`: slots on one loop that build for a service, on this machine or
 * another.
 */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/base/opt.h"
#include "builder/cli/program.h"
#include "builder/engine/configured.h"
#include "builder/engine/share.h"
#include "builder/model/git_hosts.h"
#include "builder/remote/remote.h"
#include "builder/source/registry.h"
#include "builder/toolchain/electron.h"
#include "workers/inventory.h"
#include "workers/privilege.h"
#include "workers/quota.h"
#include "workers/scratch.h"
#include "workers/slot.h"
#include "workers/sources.h"

#define BUILDS_MAX  256
#define POOL_A_SLOT 2 /* a piece of work and the pump */
#define POOL_MAX    1000

struct worker {
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	struct slot_config config;
	struct share share;
	struct electron electron;
	struct quota quota;
	struct slot *slots[BUILDS_MAX * QUOTA_SLOTS];
	unsigned slot_count, running;
	char *name, *toolchains, *cache, *registry, *token;
	bool stopping;
};

static struct opt table[] = {
	{.name = "server", .arg = "URL", .value = "http://127.0.0.1:8377", .text = "the service"},
	{.name = "token-file", .arg = "FILE", .text = "token with scope \"worker\""},
	{.name = "slots",
	 .arg = "N",
	 .text = "jobs that build at the same time (default: number of cores); more are held that "
		 "begin, end or stand by"},
	{.name = "targets", .arg = "LIST", .text = "targets, separated by commas (default: all)"},
	{.name = "toolchains",
	 .arg = "DIR",
	 .text = "assembled toolchains (default: in the cache)"},
	{.name = "electron-headers",
	 .arg = "DIR",
	 .text = "headers of Electron, as VERSION/include/node, for addons that use its V8"},
	{.name = "cache", .arg = "DIR", .text = "scratch folders, downloaded sources"},
	{.name = "registry",
	 .arg = "URL",
	 .text = "where package sources come from (default: npm's configured registry)"},
	{.name = "git-hosts",
	 .arg = "LIST",
	 .text = "hosts from which git sources may come, or none (default: all of the public "
		 "internet, over https)"},
	{.name = "embedded", .text = "ends with its parent, which is the service"},
	{.name = "verbose", .text = "log more"},
	JOB_LIMITS(JOB_LIMIT_FLAG)};

static char *
cache_home(const char *rest)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (xdg != NULL && xdg[0] == '/')
		return xasprintf("%s/prebuildd/%s", xdg, rest);
	return xasprintf("%s/.cache/prebuildd/%s", home != NULL ? home : "", rest);
}

static int
read_targets(const char *list, const struct target **out, size_t *count, struct err *e)
{
	char *copy = xstrdup(list), *save = NULL;

	for (char *name = strtok_r(copy, ", ", &save); name != NULL && e->code == 0;
	     name = strtok_r(NULL, ", ", &save)) {
		const struct target *t = target_find(name);

		if (t == NULL)
			err_set(e, ERR_USAGE, "--targets: \"%s\" is not known", name);
		else if (*count < 32)
			out[(*count)++] = t;
	}
	free(copy);
	return e->code;
}

static void
on_slot_stopped(void *arg)
{
	struct worker *w = arg;

	if (--w->running > 0)
		return;
	uv_close((uv_handle_t *)&w->term, NULL);
	uv_close((uv_handle_t *)&w->interrupt, NULL);
}

static void
on_signal(uv_signal_t *signal, int number)
{
	struct worker *w = signal->data;

	if (w->stopping)
		_exit(128 + number);
	w->stopping = true;
	log_info("worker", "%s stopping", w->name);
	for (unsigned i = 0; i < w->slot_count; i++)
		slot_stop(w->slots[i], on_slot_stopped, w);
}

static int
start_slots(struct worker *w, struct err *e)
{
	uv_loop_init(&w->loop);
	uv_signal_init(&w->loop, &w->term);
	uv_signal_init(&w->loop, &w->interrupt);
	w->term.data = w->interrupt.data = w;
	uv_signal_start(&w->term, on_signal, SIGTERM);
	uv_signal_start(&w->interrupt, on_signal, SIGINT);
	for (unsigned i = 0; i < w->quota.builds * QUOTA_SLOTS; i++) {
		struct slot *s = slot_start(&w->loop, &w->config, i, e);

		if (s == NULL)
			break;
		w->slots[w->slot_count++] = s;
		w->running++;
	}
	if (w->slot_count == 0) {
		uv_close((uv_handle_t *)&w->term, NULL);
		uv_close((uv_handle_t *)&w->interrupt, NULL);
	}
	uv_run(&w->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&w->loop) != 0)
		log_error("worker", "error=\"handles were still open\"");
	return e->code;
}

static int
copy_electron(struct worker *w, const char *from, struct err *e)
{
	char *to = xasprintf("%s/" ELECTRON_HEADERS_NAME, w->cache);

	w->config.electron = &w->electron;
	if (from != NULL && electron_copy(from, to, &w->electron, e) != 0)
		err_context(e, "--electron-headers");
	for (size_t i = 0; i < w->electron.count && e->code == 0; i++)
		log_info("worker", "electron=%s abi=%u headers=%s", w->electron.at[i].version,
			 w->electron.at[i].abi, w->electron.at[i].digest);
	free(to);
	return e->code;
}

static int
set_up(struct worker *w, struct opts *o, struct err *e)
{
	long builds = sysconf(_SC_NPROCESSORS_ONLN), pool;
	const struct target *only[32];
	size_t only_count = 0;
	char host[64] = "worker", size[32], *path;
	bool embedded = opts_get(o, "embedded")->given;

	if (opts_get(o, "slots")->given &&
	    opt_number(opts_get(o, "slots"), 1, BUILDS_MAX, &builds, e) != 0)
		return e->code;
	if (o->arg_count > 0)
		return err_set(e, ERR_USAGE, "unexpected \"%s\"", o->args[0]);
	if (opts_get(o, "targets")->given &&
	    read_targets(opts_get(o, "targets")->value, only, &only_count, e) != 0)
		return e->code;
	if (opts_get(o, "verbose")->given)
		log_set_level(LOG_DEBUG);
	w->toolchains = opts_get(o, "toolchains")->given ? xstrdup(opts_get(o, "toolchains")->value)
							 : cache_home("toolchains");
	w->cache = opts_get(o, "cache")->given ? xstrdup(opts_get(o, "cache")->value)
					       : cache_home("worker");
	if (file_mkdirs(w->cache, 0755, e) != 0 || file_mkdirs(w->toolchains, 0755, e) != 0)
		return e->code;
	w->registry = opts_get(o, "registry")->given ? xstrdup(opts_get(o, "registry")->value)
						     : registry_configured();
	if (w->registry == NULL)
		return err_set(e, ERR_USAGE, "npm names no registry; give --registry URL");
	gethostname(host, sizeof host - 1);
	w->name = embedded ? xasprintf("embedded-%d", (int)getpid())
			   : xasprintf("%s-%d", host, (int)getpid());
	pool = builds * QUOTA_SLOTS * POOL_A_SLOT;
	snprintf(size, sizeof size, "%ld", pool < POOL_MAX ? pool : POOL_MAX);
	setenv("UV_THREADPOOL_SIZE", size, 1);
	w->quota.builds = (unsigned)builds;
	w->share.max = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	/* Before the privileges go, with which only its owner can read it. */
	if (remote_read_token(opts_get(o, "token-file")->value, &w->token, e) != 0)
		return e->code;
	w->config = (struct slot_config){
		.server = opts_get(o, "server")->value,
		.token = w->token,
		.name = w->name,
		.registry = w->registry,
		.share = &w->share,
		.configured = configured_new(),
		.quota = &w->quota,
	};
	if (opts_get(o, "git-hosts")->given) {
		w->config.git_hosts = opts_get(o, "git-hosts")->value;
		if (git_hosts_check(w->config.git_hosts, e) != 0)
			return e->code;
	}
	if (job_limits_read(o, &w->config.limits, e) != 0)
		return e->code;
	/* Before the privileges go, with which it may be read. */
	if (copy_electron(w, opts_get(o, "electron-headers")->value, e) != 0)
		return e->code;
	if (privilege_drop(&w->toolchains, &w->cache, e) != 0)
		return e->code;
	/* After the drop, which forgets it. */
	if (embedded) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() == 1)
			return err_set(e, ERR_INTERRUPTED, "the service has gone");
	}
	w->config.cache = w->cache;
	if (scratch_claim(w->cache, w->name, e) < 0)
		return e->code;
	scratch_sweep(w->cache);
	path = xasprintf("%s/sources", w->cache);
	w->config.sources = sources_new(path);
	free(path);
	w->config.inventory = inventory_new(w->toolchains, only, only_count);
	return 0;
}

int
worker_main(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildd worker --server URL [FLAG…]",
		.about = "Leases jobs from a service over HTTP and builds them in the sandbox.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
		.env = true,
		.config = true,
	};
	struct worker w = {0};
	struct err e = {0};

	if (sodium_init() < 0)
		abort();
	if (opts_parse(&o, argc, argv, &e) == 0 && !o.help && set_up(&w, &o, &e) == 0)
		start_slots(&w, &e);
	if (e.code != 0)
		fprintf(stderr, "prebuildd worker: %s\n", e.msg);
	inventory_free(w.config.inventory);
	configured_free(w.config.configured);
	sources_free(w.config.sources);
	free(w.name);
	free(w.toolchains);
	free(w.cache);
	free(w.registry);
	free(w.token);
	opts_fini(&o);
	return err_exit(e.code);
}
