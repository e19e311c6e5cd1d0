/*
 * events.c - GET /v1/builds/{id}/events: what happens to a build, as server-sent events
 * (WHATWG HTML, section 9.2), from its beginning or from after Last-Event-ID, to its end.
 *
 *   ask (catalog) ─► send ─► ask again at once if there is more, else at the next tick
 *                      └──► the build has ended and all is sent: its last event, end
 *
 * A client that comes back after the last event hears 204, which tells it to stay away.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/catalog/catalog.h"
#include "api/catalog/events.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "builder/base/buf.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/base/utf8.h"

#define STREAMS_MAX 256

/* What is taken from the catalog at a time, and what may wait for a slow client before more is. */
#define STREAM_PAGE (256 * 1024)

/* After so much silence a comment keeps proxies from closing the connection. */
#define SILENCE_MS 15000

/* How soon a client may come back when the connection breaks. */
#define RETRY_MS 2000

struct event_stream {
	struct event_stream *next;
	struct service *service;
	struct http_request *request;
	int64_t build, seen; /* the last event that the client has */
	bool resumes;        /* the client says what it has seen */
	bool begun, asking;
	uint64_t spoke; /* clock_mono_ms of the last byte */

	/* What the catalog found; its thread's own while asking. */
	struct build_end end;
	struct buf text;
	int64_t last;
	bool more;
};

static void
stream_free(struct event_stream *s)
{
	struct event_stream **at = &s->service->streams;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	buf_fini(&s->text);
	free(s);
}

/* ---- on the catalog's thread ---- */

/* The data of a log event; NULL if these bytes are not there any more. */
static char *
log_data(const struct service *s, const struct event *event)
{
	char *path = xasprintf("%s/j%lld.log", s->log_dir, (long long)event->job), *data = NULL;
	char *piece = xmalloc(EVENT_LOG_MAX), id[24];
	size_t want = event->size < EVENT_LOG_MAX ? (size_t)event->size : EVENT_LOG_MAX;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? pread(fd, piece, want, (off_t)event->start) : -1;

	if (n > 0) {
		struct json *o = json_object();
		struct buf text = {0};

		/* A log holds what a package's build prints: any bytes. */
		utf8_add(&text, piece, (size_t)n);
		snprintf(id, sizeof id, "j%lld", (long long)event->job);
		json_set_str(o, "job", id);
		json_set_str(o, "text", text.data);
		data = json_text(o);
		json_free(o);
		buf_fini(&text);
	}
	if (fd >= 0)
		close(fd);
	free(piece);
	free(path);
	return data;
}

static int
on_event(const struct event *event, void *arg)
{
	struct event_stream *s = arg;
	char *data;

	s->more = s->text.len >= STREAM_PAGE;
	if (s->more)
		return 1;
	data = event->size > 0 ? log_data(s->service, event) : xstrdup(event->payload);
	if (data != NULL)
		buf_addf(&s->text, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)event->seq,
			 event->kind, data);
	s->last = event->seq;
	free(data);
	return 0;
}

static int
page_work(struct db *db, void *arg, struct err *e)
{
	struct event_stream *s = arg;

	s->text.len = 0;
	s->more = false;
	if (events_build_end(db, s->build, &s->end, e) != 0)
		return e->code;
	return events_each(db, s->build, s->seen, s->end.ended ? s->end.last_event : INT64_MAX,
			   on_event, s, e);
}

/* ---- on the loop ---- */

static void
begin(struct event_stream *s)
{
	char retry[32];
	int n = snprintf(retry, sizeof retry, "retry: %d\n\n", RETRY_MS);

	s->begun = true;
	s->spoke = clock_mono_ms();
	reply_header(s->request, "Cache-Control", "no-store");
	/* nginx would collect what should arrive at once. */
	reply_header(s->request, "X-Accel-Buffering", "no");
	reply_stream_begin(s->request, 200, "text/event-stream");
	reply_stream_add(s->request, retry, (size_t)n);
}

/* The build's own event is made from what is recorded with the build, which is there for longer. */
static void
add_end(struct event_stream *s)
{
	buf_addf(&s->text,
		 "id: %lld\nevent: build\ndata: {\"build\":\"b%lld\",\"state\":\"%s\","
		 "\"finished\":\"%s\"}\n\n",
		 (long long)s->end.last_event, (long long)s->build, s->end.state, s->end.finished);
}

static void ask(struct event_stream *s);

static void
page_done(int r, void *arg, const struct err *e)
{
	struct event_stream *s = arg;
	bool last = r != 0 || (s->end.ended && !s->more);

	s->asking = false;
	if (!s->begun && r != 0) {
		reply_err(s->request, e);
		stream_free(s);
		return;
	}
	if (!s->begun && s->resumes && s->end.ended && s->seen >= s->end.last_event) {
		reply_empty(s->request, 204);
		stream_free(s);
		return;
	}
	if (!s->begun)
		begin(s);
	if (r == 0 && last)
		add_end(s);
	s->seen = s->last;
	if (s->text.len > 0)
		s->spoke = clock_mono_ms();
	if (!reply_stream_add(s->request, s->text.data, s->text.len) || last ||
	    s->service->closing) {
		reply_stream_end(s->request);
		stream_free(s);
		return;
	}
	if (s->more && reply_stream_pending(s->request) <= STREAM_PAGE)
		ask(s);
}

static void
ask(struct event_stream *s)
{
	s->asking = true;
	catalog_submit(s->service->catalog, page_work, page_done, s);
}

/* A comment after a long silence; false if nobody is there to hear it. */
static bool
keep_alive(struct event_stream *s)
{
	if (http_gone(s->request))
		return false;
	if (clock_mono_ms() - s->spoke < SILENCE_MS || reply_stream_pending(s->request) > 0)
		return true;
	s->spoke = clock_mono_ms();
	return reply_stream_add(s->request, ":\n\n", 3);
}

void
event_streams_tick(struct service *service, bool end)
{
	struct event_stream *next;

	for (struct event_stream *s = service->streams; s != NULL; s = next) {
		next = s->next;
		if (s->asking)
			continue;
		if (end || !keep_alive(s)) {
			reply_stream_end(s->request);
			stream_free(s);
		} else if (reply_stream_pending(s->request) <= STREAM_PAGE) {
			ask(s);
		}
	}
}

/* Last-Event-ID: a number of ours, or -1. */
static int64_t
last_event_id(const char *text)
{
	char *end = NULL;
	int64_t n = text[0] >= '0' && text[0] <= '9' && strlen(text) < 18 ? strtoll(text, &end, 10)
									  : -1;

	return end != NULL && *end == '\0' ? n : -1;
}

void
route_build_events(struct http_request *r, void *data)
{
	struct service *service = data;
	const char *seen = http_header(r, "last-event-id");
	int64_t id = service_id(r, "id", 'b');
	struct event_stream *s;
	size_t n = 0;

	if (id == 0)
		return;
	if (seen != NULL && last_event_id(seen) < 0) {
		reply_problem(r, 400, "invalid", NULL,
			      "Last-Event-ID: \"%.40s\" is no id of an event here", seen);
		return;
	}
	for (s = service->streams; s != NULL; s = s->next)
		n++;
	if (n >= STREAMS_MAX) {
		reply_header(r, "Retry-After", "5");
		reply_problem(r, 503, "busy", NULL, "%d clients follow builds; try again in 5 s",
			      STREAMS_MAX);
		return;
	}
	s = xcalloc(1, sizeof *s);
	s->service = service;
	s->request = r;
	s->build = id;
	s->resumes = seen != NULL;
	s->seen = s->last = seen != NULL ? last_event_id(seen) : 0;
	s->next = service->streams;
	service->streams = s;
	ask(s);
}
