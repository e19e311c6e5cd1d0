#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/catalog.h"
#include "api/catalog/jobs.h"
#include "api/catalog/toolchains.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/build_request.h"
#include "api/routes/electron.h"
#include "api/routes/service.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/target.h"

#define LIST_USUAL 50

/* How long a request for all targets waits for the first worker: one that starts together with the
 * server needs a moment to say what it has. */
#define ALL_WAIT_MS 10000

/* A request on its way to the catalog, or, for all targets, waiting until a worker is known. body
 * owns every string that want points to. */
struct create {
	struct create *next; /* … that waits */
	struct service *service;
	struct http_request *request;
	struct json *body, *reply;
	struct build_request want;
	char requester[64];
	bool all;
	uint64_t deadline; /* of waiting, clock_mono_ms */
	bool created;
};

static void
create_free(struct create *c)
{
	json_free(c->body);
	free(c);
}

/* "all" are those that can be built now: what nobody has a toolchain for would only wait. */
static void
add_buildable(const char *target, void *arg)
{
	const struct target *t = target_find(target);

	if (t != NULL)
		build_request_add_target(arg, t->triple, NULL);
}

static struct json *
left_out(const struct build_request *want)
{
	struct json *list = json_array();

	for (size_t i = 0; i < target_count(); i++) {
		size_t t = 0;

		while (t < want->target_count &&
		       strcmp(want->targets[t], target_at(i)->triple) != 0)
			t++;
		if (t == want->target_count)
			json_add_str(list, target_at(i)->triple);
	}
	return list;
}

static int
create_work(struct db *db, void *arg, struct err *e)
{
	struct create *c = arg;
	int64_t build = 0, now = clock_wall_ms();

	if (c->all && toolchains_each_target(db, now, add_buildable, &c->want, e) != 0)
		return e->code;
	if (c->want.target_count == 0)
		return err_set(
			e, ERR_BUSY,
			"no worker with a toolchain is known; start one, or run: prebuildctl "
			"toolchain assemble TARGET");
	if (jobs_request(db, &c->want, now, &build, &c->created, e) != 0 ||
	    jobs_build_json(db, build, &c->reply, e) != 0)
		return e->code;
	if (c->all)
		json_set(c->reply, "left_out", left_out(&c->want));
	return 0;
}

static void create_done(int r, void *arg, const struct err *e);

static void
create_submit(struct create *c)
{
	catalog_submit(c->service->catalog, create_work, create_done, c);
}

static void
create_done(int r, void *arg, const struct err *e)
{
	struct create *c = arg;
	struct service *s = c->service;

	if (r != 0 && c->want.target_count == 0 && !s->closing && !http_gone(c->request) &&
	    clock_mono_ms() < c->deadline) {
		c->next = s->creates;
		s->creates = c;
		return;
	}
	if (r != 0) {
		json_free(c->reply);
		reply_err(c->request, e);
	} else {
		if (c->created)
			service_queue_changed(s);
		reply_json(c->request, c->created ? 202 : 200, c->reply);
	}
	create_free(c);
}

void
creates_retry(struct service *s)
{
	struct create *list = s->creates;

	s->creates = NULL;
	while (list != NULL) {
		struct create *next = list->next;

		create_submit(list);
		list = next;
	}
}

/* Nobody would ever lease such a job. */
static int
check_electron(const struct create *c, struct err *e)
{
	for (size_t i = 0; i < c->want.abi_count; i++) {
		struct abi abi;

		if (abi_parse(c->want.abis[i], &abi) == 0 && abi.kind == ABI_ELECTRON &&
		    !electron_known(c->service, abi))
			return err_set(e, ERR_UNSUPPORTED, "abis: %s: %s", c->want.abis[i],
				       ELECTRON_MISSING);
	}
	return 0;
}

void
route_build_create(struct http_request *r, void *data)
{
	struct create *c = xcalloc(1, sizeof *c);
	struct err e = {0};

	c->service = data;
	c->request = r;
	c->body = http_body_json(r, &e);
	snprintf(c->requester, sizeof c->requester, "%s", http_peer(r));
	c->want.requester = c->requester;
	c->want.queue_max = c->service->queue_max;
	if (c->body == NULL || build_request_read(c->body, &c->want, &c->all, &e) != 0 ||
	    check_electron(c, &e) != 0) {
		reply_err(r, &e);
		create_free(c);
		return;
	}
	c->deadline = clock_mono_ms() + ALL_WAIT_MS;
	create_submit(c);
}

static int64_t *
boxed(int64_t id)
{
	int64_t *box = xmalloc(sizeof *box);

	*box = id;
	return box;
}

static int
get_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	return jobs_build_json(db, *(int64_t *)arg, out, e);
}

void
route_build_get(struct http_request *r, void *data)
{
	int64_t id = service_id(r, "id", 'b');

	if (id != 0)
		service_reply_query(data, r, get_query, boxed(id));
}

struct list {
	int64_t cursor;
	int limit;
};

static int
list_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	const struct list *l = arg;

	return jobs_build_list(db, l->cursor, l->limit, out, e);
}

void
route_build_list(struct http_request *r, void *data)
{
	struct list *l = xcalloc(1, sizeof *l);

	if (service_page(r, LIST_USUAL, &l->cursor, &l->limit))
		service_reply_query(data, r, list_query, l);
	else
		free(l);
}

static int
cancel_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	int64_t id = *(int64_t *)arg;

	if (jobs_build_cancel(db, id, clock_wall_ms(), e) != 0)
		return e->code;
	return jobs_build_json(db, id, out, e);
}

void
route_build_cancel(struct http_request *r, void *data)
{
	int64_t id = service_id(r, "id", 'b');

	if (id != 0)
		service_reply_query(data, r, cancel_query, boxed(id));
}
