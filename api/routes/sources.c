/*
 * sources.c - PUT /v1/sources: the tarball of a source that is on no registry. It is stored by its
 * digest as it is, without a look inside: a worker unpacks it when it is built (POST /v1/builds with
 * "source").
 *
 *   spool ─► store (pool) ─► record (catalog) ─► 201
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "api/catalog/catalog.h"
#include "api/catalog/sources.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "api/store/store.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

struct source_upload {
	struct service *service;
	struct http_request *request;
	uint64_t size;
	char hex[DIGEST_HEX_SIZE];
	uv_work_t work;
	struct err e;
};

static void
finish(struct source_upload *u, int r, const struct err *e)
{
	struct json *o;
	char *text;

	if (r != 0) {
		reply_err(u->request, e);
	} else {
		o = json_object();
		text = xasprintf("sha256:%s", u->hex);
		log_info("source", "uploaded %s bytes=%llu", text, (unsigned long long)u->size);
		json_set_str(o, "source", text);
		json_set_int(o, "size", (int64_t)u->size);
		reply_json(u->request, 201, o);
		free(text);
	}
	free(u);
}

static int
record_work(struct db *db, void *arg, struct err *e)
{
	const struct source_upload *u = arg;

	return uploads_put(db, u->hex, (int64_t)u->size, clock_wall_ms(), e);
}

static void
recorded(int r, void *arg, const struct err *e)
{
	finish(arg, r, e);
}

static void
store_on_pool(uv_work_t *w)
{
	struct source_upload *u = w->data;
	struct store *store = u->service->store;
	struct digest digest;
	uint64_t size;
	const char *spool = http_spool(u->request, &size, &digest);
	char *staged;

	/* The spool's own name is nobody else's, but its folder need not be the store's. */
	staged = xasprintf("%s/source-%s", store_temp_dir(store), strrchr(spool, '/') + 1);
	if (rename(spool, staged) != 0)
		err_sys(&u->e, -errno, "keep the upload");
	else if (store_put(store, staged, &digest, &u->e) == 0)
		digest_hex(&digest, u->hex);
	free(staged);
}

static void
stored(uv_work_t *w, int status)
{
	struct source_upload *u = w->data;

	(void)status;
	if (u->e.code != 0)
		finish(u, u->e.code, &u->e);
	else
		catalog_submit(u->service->catalog, record_work, recorded, u);
}

void
route_source_put(struct http_request *r, void *data)
{
	struct source_upload *u = xcalloc(1, sizeof *u);
	struct digest digest;

	u->service = data;
	u->request = r;
	http_spool(r, &u->size, &digest);
	if (u->size == 0) {
		err_set(&u->e, ERR_INVALID, "a tarball is needed (tar, plain or with gzip)");
	} else if (u->size > u->service->source_max) {
		err_set(&u->e, ERR_TOO_LARGE, "a source has at most %llu bytes (limit max-source)",
			(unsigned long long)u->service->source_max);
	}
	if (u->e.code != 0) {
		finish(u, u->e.code, &u->e);
		return;
	}
	u->work.data = u;
	uv_queue_work(u->service->loop, &u->work, store_on_pool, stored);
}
