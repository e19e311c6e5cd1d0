#include <stdlib.h>
#include <unistd.h>

#include "api/catalog/jobs.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "api/store/store.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/base/version.h"
#include "builder/model/target.h"

void
route_health(struct http_request *r, void *data)
{
	struct json *o = json_object();

	(void)data;
	json_set_str(o, "status", "ok");
	json_set_str(o, "version", PREBUILDD_VERSION);
	reply_json(r, 200, o);
}

/* Ready means: the catalog answers and the store can be written. */
static int
ready_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	const struct service *s = *(struct service **)arg;
	struct json *jobs = NULL;

	if (access(store_temp_dir(s->store), W_OK) != 0)
		return err_set(e, ERR_BUSY, "the store cannot be written");
	if (jobs_counts(db, &jobs, e) != 0) {
		json_free(jobs);
		return e->code;
	}
	*out = json_object();
	json_set_str(*out, "status", "ready");
	json_set(*out, "jobs", jobs);
	return 0;
}

void
route_ready(struct http_request *r, void *data)
{
	struct service **box = xmalloc(sizeof *box);

	*box = data;
	service_reply_query(data, r, ready_query, box);
}

void
route_targets(struct http_request *r, void *data)
{
	struct json *o = json_object(), *list = json_array();

	(void)data;
	for (size_t i = 0; i < target_count(); i++) {
		const struct target *t = target_at(i);
		struct json *one = json_object();
		char *node = xasprintf("%s-%s", t->node_platform, t->node_arch);
		char *floor = xasprintf("%u.%u", t->floor_major, t->floor_minor);

		json_set_str(one, "target", t->triple);
		json_set_str(one, "node", node);
		json_set_str(one, "libc", t->libc == LIBC_GLIBC ? "glibc" : "musl");
		json_set_str(one, "floor", floor);
		json_add(list, one);
		free(node);
		free(floor);
	}
	json_set(o, "targets", list);
	reply_json(r, 200, o);
}
