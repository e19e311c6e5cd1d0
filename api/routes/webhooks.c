/*
 * webhooks.c - GET /v1/webhooks/deliveries: what was told to the configured webhooks, and what could
 * not be.
 */
#include <stdlib.h>
#include <string.h>

#include "api/catalog/deliveries.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "builder/base/mem.h"

#define LIST_USUAL 50

struct list {
	const char *state; /* static; NULL: any */
	int64_t cursor;
	int limit;
};

static int
list_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	const struct list *l = arg;

	return deliveries_list(db, l->state, l->cursor, l->limit, out, e);
}

void
route_deliveries(struct http_request *r, void *data)
{
	static const char *const states[] = {"pending", "delivered", "failed"};
	const char *state = http_query(r, "state");
	struct list *l = xcalloc(1, sizeof *l);

	for (size_t i = 0; state != NULL && i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i], state) == 0)
			l->state = states[i];
	if (state != NULL && l->state == NULL) {
		reply_problem(r, 400, "invalid", NULL,
			      "state: \"%.40s\" is none of pending, delivered and failed", state);
		free(l);
	} else if (service_page(r, LIST_USUAL, &l->cursor, &l->limit)) {
		service_reply_query(data, r, list_query, l);
	} else {
		free(l);
	}
}
