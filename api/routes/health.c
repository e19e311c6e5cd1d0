#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/catalog/jobs.h"
#include "api/catalog/toolchains.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "api/store/store.h"
#include "builder/base/clock.h"
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

/* Marks a target of a list of flags, by its position. */
static void
mark(const char *target, void *arg)
{
	bool *buildable = arg;

	for (size_t i = 0; i < target_count(); i++)
		if (strcmp(target_at(i)->triple, target) == 0)
			buildable[i] = true;
}

static int
targets_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	bool *buildable = arg;
	struct json *list;

	if (toolchains_each_target(db, clock_wall_ms(), mark, buildable, e) != 0)
		return e->code;
	list = json_array();
	for (size_t i = 0; i < target_count(); i++) {
		struct json *one = target_json(target_at(i));

		json_set_bool(one, "buildable", buildable[i]);
		json_add(list, one);
	}
	*out = json_object();
	json_set(*out, "targets", list);
	return 0;
}

/* All that the program knows; "buildable" are those for which a worker has announced a toolchain. */
void
route_targets(struct http_request *r, void *data)
{
	service_reply_query(data, r, targets_query, xcalloc(target_count(), sizeof(bool)));
}
