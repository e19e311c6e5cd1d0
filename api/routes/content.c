#include "api/routes/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "api/http/reply.h"
#include "api/routes/service.h"
#include "api/store/store.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

/* Fetches at one time; others wait for one of them. The pool has more threads (settings_widen_pool). */
#define FETCHES_MAX 8

struct content_waiter {
	struct content_waiter *next;
	struct http_request *request;
	const char *type;
};

/* Content that is on its way to this disk. */
struct content_fetch {
	struct content_fetch *next;
	struct service *service;
	uv_work_t work;
	bool begun;
	char hex[DIGEST_HEX_SIZE];
	struct content_waiter *waiters;
	struct store_file file;
	struct err e;
};

/* Install clients take 206 for a failure or, worse, for the whole: a range is only answered to who asked for
 * one, which they never do. */
static void
reply(const struct service *s, struct http_request *r, const struct store_file *f, const char *type)
{
	reply_file(r, &(struct reply_file){
			      .fd = f->fd,
			      .size = f->size,
			      .type = type,
			      .etag = f->hex,
			      .cache_control = s->cache_for_ever,
		      });
}

static void
fetch_on_pool(uv_work_t *work)
{
	struct content_fetch *f = work->data;

	store_open_blob(f->service->store, f->hex, &f->file, &f->e);
}

static void fetched(uv_work_t *work, int status);

/* As many as may be, the oldest first: it is at the list's end. */
static void
begin_fetches(struct service *s)
{
	struct content_fetch *next;
	int running;

	do {
		next = NULL;
		running = 0;
		for (struct content_fetch *f = s->fetches; f != NULL; f = f->next) {
			running += f->begun;
			if (!f->begun)
				next = f;
		}
		if (next == NULL || running >= FETCHES_MAX)
			return;
		next->begun = true;
		uv_queue_work(s->loop, &next->work, fetch_on_pool, fetched);
	} while (true);
}

/* What exactly the store's service said is for who runs us. */
static void
reply_failed(const struct err *e, struct http_request *r)
{
	if (e->code == ERR_BUSY)
		reply_problem(r, 503, "busy", NULL, "the store does not answer; try again");
	else
		reply_err(r, e);
}

static void
reply_fetched(const struct content_fetch *f, struct http_request *r, const char *type)
{
	struct store_file own = f->file;
	struct err e = {0};

	own.fd = fcntl(f->file.fd, F_DUPFD_CLOEXEC, 0);
	if (own.fd >= 0) {
		reply(f->service, r, &own, type);
		return;
	}
	err_sys(&e, -errno, "open %s", f->hex);
	reply_err(r, &e);
}

/* Takes it from the list, answers all who wait for it, and frees it. */
static void
end_fetch(struct content_fetch *f)
{
	struct content_fetch **at = &f->service->fetches;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	while (f->waiters != NULL) {
		struct content_waiter *w = f->waiters;

		f->waiters = w->next;
		if (f->e.code != 0)
			reply_failed(&f->e, w->request);
		else
			reply_fetched(f, w->request, w->type);
		free(w);
	}
	free(f);
}

static void
fetched(uv_work_t *work, int status)
{
	struct content_fetch *f = work->data;
	struct service *s = f->service;
	int fd = f->e.code == 0 ? f->file.fd : -1;

	(void)status;
	if (f->e.code == ERR_BUSY)
		log_warn("store", "content=%s error=\"%s\"", f->hex, f->e.msg);
	end_fetch(f);
	if (fd >= 0)
		close(fd);
	begin_fetches(s);
}

void
content_end_waits(struct service *s)
{
	for (struct content_fetch *f = s->fetches, *next; f != NULL; f = next) {
		next = f->next;
		if (f->begun)
			continue;
		err_set(&f->e, ERR_BUSY, "the service stops");
		end_fetch(f);
	}
}

static struct content_fetch *
fetch_of(struct service *s, const char *hex)
{
	struct content_fetch *f;

	for (f = s->fetches; f != NULL; f = f->next)
		if (strcmp(f->hex, hex) == 0)
			return f;
	f = xcalloc(1, sizeof *f);
	f->service = s;
	f->work.data = f;
	snprintf(f->hex, sizeof f->hex, "%s", hex);
	f->next = s->fetches;
	s->fetches = f;
	begin_fetches(s);
	return f;
}

void
content_reply(struct service *s, struct http_request *r, const char *hex, const char *type)
{
	struct content_fetch *fetch;
	struct content_waiter *w;
	struct store_file f;
	struct err e = {0};

	if (store_open_here(s->store, hex, &f, &e) == 0) {
		reply(s, r, &f, type);
		return;
	}
	if (e.code != ERR_NOT_FOUND || !store_is_remote(s->store)) {
		reply_err(r, &e);
		return;
	}
	fetch = fetch_of(s, hex);
	w = xcalloc(1, sizeof *w);
	w->request = r;
	w->type = type;
	w->next = fetch->waiters;
	fetch->waiters = w;
}
