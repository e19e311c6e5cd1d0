/*
 * service.h - what the routes share: one struct for the whole service, owned by serve.c.
 */
#ifndef API_ROUTES_SERVICE_H
#define API_ROUTES_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/http/server.h"
#include "api/routes/grants.h"
#include "builder/base/err.h"
#include "builder/model/abi.h"
#include "builder/model/package.h"

struct catalog;
struct db;
struct http_request;
struct json;
struct policy;
struct signing_key;
struct store;
struct upstreams;
struct uv_loop_s;

/* An ABI of Electron whose headers a worker has (electron.h). */
struct electron_seen {
	char abi[ABI_TEXT_SIZE];
	uint64_t seen; /* clock_mono_ms */
};

struct service {
	struct uv_loop_s *loop;
	struct catalog *catalog;
	struct store *store;
	struct signing_key *signing_key;
	struct http_server *server;
	const char *data_dir, *log_dir, *toolchains_dir, *database;
	bool build_on_miss;
	bool processing; /* 102 Processing to clients that wait for a build */
	struct policy
		*policy; /* what clients without a token may have built; the catalog's thread's */
	struct upstreams *upstreams;
	long builds_per_minute;
	int64_t failures_ms;        /* for how long a failed build answers for its prebuild */
	bool tokens;                /* --auth tokens */
	bool private;               /* … for reading, too */
	const char *cache_for_ever; /* Cache-Control of what never changes */
	bool closing;
	int64_t queue_max;
	uint64_t source_max; /* bytes of an uploaded source */
	uint64_t hold_ms, lease_ms;
	int checks; /* processes of POST /v1/check */
	struct electron_seen electron[64];
	struct lease_waiter *waiters;  /* workers that wait for a job */
	struct create *creates;        /* requests for all targets that wait for a worker */
	struct miss_waiter *misses;    /* clients that wait for a build */
	struct follower *followers;    /* clients that follow a log */
	struct content_fetch *fetches; /* content that is fetched from where the store is */
	struct event_stream *streams;  /* clients that follow the events of a build */
	struct requests *requests;     /* counted, for metrics */
	unsigned front_connections;    /* of the processes beside this one */
	struct grants *grants;         /* what each token may do */
	struct gc *gc;                 /* the newest run of what removes; or NULL */
};

/* All routes, for http_config. */
extern const struct http_route service_routes[];
extern const size_t service_route_count;

/* Handlers, one resource a file; data is the struct service. */
void route_build_create(struct http_request *r, void *data);
void route_build_list(struct http_request *r, void *data);
void route_build_get(struct http_request *r, void *data);
void route_build_cancel(struct http_request *r, void *data);
void route_job_get(struct http_request *r, void *data);
void route_job_log(struct http_request *r, void *data);
void route_prebuild(struct http_request *r, void *data);
void route_artifact_list(struct http_request *r, void *data);
void route_artifact_get(struct http_request *r, void *data);
void route_artifact_file(struct http_request *r, void *data);
void route_artifact_report(struct http_request *r, void *data);
void route_artifact_provenance(struct http_request *r, void *data);
void route_key(struct http_request *r, void *data);
void route_npm(struct http_request *r, void *data);
void route_check(struct http_request *r, void *data);
void route_publish(struct http_request *r, void *data);
void route_dist_index(struct http_request *r, void *data);
void route_dist_file(struct http_request *r, void *data);
void route_targets(struct http_request *r, void *data);
void route_health(struct http_request *r, void *data);
void route_ready(struct http_request *r, void *data);
void route_build_events(struct http_request *r, void *data);
void route_matrix(struct http_request *r, void *data);
void route_gc_start(struct http_request *r, void *data);
void route_gc_get(struct http_request *r, void *data);
void route_token_create(struct http_request *r, void *data);
void route_token_list(struct http_request *r, void *data);
void route_token_revoke(struct http_request *r, void *data);
void route_deliveries(struct http_request *r, void *data);
void route_metrics(struct http_request *r, void *data);
void route_page(struct http_request *r, void *data);
void route_page_style(struct http_request *r, void *data);
void route_page_script(struct http_request *r, void *data);
void route_openapi(struct http_request *r, void *data);
void route_source_get(struct http_request *r, void *data);
void route_source_put(struct http_request *r, void *data);
void route_lease(struct http_request *r, void *data);
void route_heartbeat(struct http_request *r, void *data);
void route_worker_log(struct http_request *r, void *data);
void route_upload(struct http_request *r, void *data);
void route_result(struct http_request *r, void *data);

/* --- shared by routes --- */

/* Splits "name/v1.2.3/file", "@scope/name/v1.2.3/file" or, as old node-pre-gyp asks, "name/name/…"; file
 * points into path. False if it is not like that. */
bool prebuild_split(const char *path, char package[PACKAGE_NAME_MAX + 1],
		    char version[PACKAGE_VERSION_MAX + 1], const char **file);

/* Whether a request for /prebuilds/… can be answered from the store alone. */
bool prebuild_is_here(const struct service *s, const struct http_request *r);

/* Runs `query` on the catalog's thread and replies with the JSON that it makes, or with its
 * error. arg is handed to query and freed with free() after it. */
typedef int (*service_query)(struct db *db, void *arg, struct json **out, struct err *e);
void service_reply_query(struct service *s, struct http_request *r, service_query query, void *arg);

/* "j42", "b7": the number behind the prefix; 0 and a 404 reply if it is none (the request is
 * consumed then). */
int64_t service_id(struct http_request *r, const char *param, char prefix);

/* ?limit= (1 to PAGE_MAX, else usual) and ?cursor= (0 if it is not there) of a list; false and a 400
 * reply if they are none. */
bool service_limit(struct http_request *r, int usual, int *limit);
bool service_page(struct http_request *r, int usual, int64_t *cursor, int *limit);

/* Called on the loop after anything that may have queued a job or ended one. */
void service_queue_changed(struct service *s);
void service_job_ended(struct service *s);

/* Starts what waits and follows again at a tick (every second), and ends all of it at shutdown. */
void service_tick(struct service *s);
void service_end_waits(struct service *s);

/* The pieces of the above that live in the routes' files. */
void leases_retry(struct service *s);
void leases_end(struct service *s, bool all);
void creates_retry(struct service *s);
void misses_retry(struct service *s);
void misses_end(struct service *s, bool all);
void followers_tick(struct service *s, bool end);
void event_streams_tick(struct service *s, bool end);
void gc_end(struct service *s);

/* http_config.on_done: counts requests for GET /metrics. metrics_fini frees what was counted. */
void metrics_count(const char *method, const char *route, int status, uint64_t bytes, uint64_t ms,
		   void *data);
void metrics_fini(struct service *s);

/* What one process has counted, for another to add to its own: metrics_take gives it away. */
#define METRICS_PAIRS_MAX 512
struct metrics_counts {
	uint64_t bytes;
	uint32_t connections; /* open now */
	uint32_t count;
	struct {
		uint16_t route,
			status; /* route: its place in the table, or UINT16_MAX for "none" */
		uint32_t n;
	} pairs[METRICS_PAIRS_MAX];
};
void metrics_take(struct service *s, struct metrics_counts *out);
void metrics_add(struct service *s, const struct metrics_counts *counts);

/* After the loop has ended. */
void gc_fini(struct service *s);

/* Whether the request brings a token with that scope; false with --auth open, which has none. */
bool service_brings_token(const struct http_request *r, const struct service *s, enum scope scope);

/* http_config.authorize. */
int service_authorize(struct http_request *r, const char *scope, void *data, struct err *e);

#endif
