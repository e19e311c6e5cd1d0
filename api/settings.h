/*
 * settings.h - what `serve` was told: its flags, read and checked.
 */
#ifndef API_SETTINGS_H
#define API_SETTINGS_H

#include "api/http/server.h"
#include "api/store/store.h"
#include "builder/base/opt.h"

struct err;
struct service;

/* Its strings belong to it. */
struct settings {
	struct opts opts; /* .help: it was all that was asked for */
	const char *listen;
	char *data, *logs, *cache, *toolchains, *spool, *store_dir; /* folders */
	char *database;
	char *store_url;
	struct store_config store; /* of both */
	long workers, processes;
	struct http_limits limits;
};

/* Fills both; of the service what flags decide. ERR_USAGE says which flag is wrong. */
int
settings_read(struct settings *s, int argc, char **argv, struct service *service, struct err *e);
void settings_fini(struct settings *s);

/* Before the first work for libuv's pool: fetches from where the store is wait for most of their time, and must not
 * keep the pool from what is here. */
void settings_widen_pool(const struct settings *s);

/* The command line of the embedded worker, ended by NULL; token_file may be NULL. The caller frees all of
 * it. */
char **settings_worker_argv(struct settings *s, const char *server, const char *token_file);

#endif
