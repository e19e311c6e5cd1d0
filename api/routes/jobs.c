/*
 * jobs.c - one job, and its log: a file that workers append to and clients read or follow.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/catalog/catalog.h"
#include "api/catalog/jobs.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

#define FOLLOW_PIECE   (64 * 1024)
#define FOLLOW_PENDING (896 * 1024) /* less than at which a stream is given up */

/* A client that reads a log while it is written. */
struct follower {
	struct follower *next;
	struct http_request *request;
	int64_t job;
	off_t offset;
	bool asking; /* a question about the job's state is under way */
	bool ended;  /* the job is final: send the rest and stop */
	bool behind; /* there is more than the client has taken yet */
};

static int
get_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	return jobs_job_json(db, *(int64_t *)arg, out, e);
}

void
route_job_get(struct http_request *r, void *data)
{
	int64_t id = service_id(r, "id", 'j'), *box;

	if (id == 0)
		return;
	box = xmalloc(sizeof *box);
	*box = id;
	service_reply_query(data, r, get_query, box);
}

static int
open_log(const struct service *s, int64_t job)
{
	char *path = xasprintf("%s/j%lld.log", s->log_dir, (long long)job);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	return fd;
}

/* Sends what is new; false once the client is gone. */
static bool
follower_send(const struct service *s, struct follower *f)
{
	int fd = open_log(s, f->job);
	bool ok = true;
	char *piece;
	ssize_t n;

	if (fd < 0)
		return !http_gone(f->request);
	piece = xmalloc(FOLLOW_PIECE);
	f->behind = reply_stream_pending(f->request) > FOLLOW_PENDING;
	while (ok && !f->behind && (n = pread(fd, piece, FOLLOW_PIECE, f->offset)) > 0) {
		ok = reply_stream_add(f->request, piece, (size_t)n);
		f->offset += n;
		f->behind = ok && reply_stream_pending(f->request) > FOLLOW_PENDING;
	}
	free(piece);
	close(fd);
	return ok && !http_gone(f->request);
}

/* Whether the job is final, as one question at a time. */
struct ask {
	struct service *service;
	int64_t job;
	bool final;
};

static int
ask_work(struct db *db, void *arg, struct err *e)
{
	struct ask *a = arg;
	struct json *job = NULL;
	const char *state;

	if (jobs_job_json(db, a->job, &job, e) != 0)
		return e->code;
	state = json_str(job, "state", "");
	a->final = strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
	json_free(job);
	return 0;
}

static void
ask_done(int r, void *arg, const struct err *e)
{
	struct ask *a = arg;

	(void)e;
	for (struct follower *f = a->service->followers; f != NULL; f = f->next) {
		if (f->job == a->job) {
			f->asking = false;
			f->ended |= r != 0 || a->final;
		}
	}
	free(a);
}

void
followers_tick(struct service *s, bool end)
{
	struct follower **at = &s->followers;

	while (*at != NULL) {
		struct follower *f = *at;
		bool sent = follower_send(s, f);

		if (!sent || end || (f->ended && !f->behind)) {
			*at = f->next;
			reply_stream_end(f->request);
			free(f);
			continue;
		}
		if (!f->asking) {
			struct ask *a = xcalloc(1, sizeof *a);

			a->service = s;
			a->job = f->job;
			f->asking = true;
			catalog_submit(s->catalog, ask_work, ask_done, a);
		}
		at = &f->next;
	}
}

struct log_request {
	struct service *service;
	struct http_request *request;
	int64_t job;
	bool follow;
};

static int
exists_work(struct db *db, void *arg, struct err *e)
{
	const struct log_request *l = arg;
	struct json *job = NULL;
	int r = jobs_job_json(db, l->job, &job, e);

	json_free(job);
	return r;
}

static void
exists_done(int r, void *arg, const struct err *e)
{
	struct log_request *l = arg;
	struct service *s = l->service;
	struct stat st;
	int fd;

	if (r != 0) {
		reply_err(l->request, e);
	} else if (l->follow && !s->closing) {
		struct follower *f = xcalloc(1, sizeof *f);

		f->request = l->request;
		f->job = l->job;
		f->next = s->followers;
		s->followers = f;
		reply_stream_begin(f->request, 200, "text/plain; charset=utf-8");
	} else {
		fd = open_log(s, l->job);
		if (fd >= 0 && fstat(fd, &st) == 0)
			reply_file(l->request, &(struct reply_file){
						       .fd = fd,
						       .size = (uint64_t)st.st_size,
						       .type = "text/plain; charset=utf-8",
						       .cache_control = "no-cache",
					       });
		else
			reply_text(l->request, 200, "text/plain; charset=utf-8", "", 0);
	}
	free(l);
}

void
route_job_log(struct http_request *r, void *data)
{
	const char *follow = http_query(r, "follow");
	int64_t id = service_id(r, "id", 'j');
	struct log_request *l;

	if (id == 0)
		return;
	l = xcalloc(1, sizeof *l);
	*l = (struct log_request){data, r, id, follow != NULL && strcmp(follow, "1") == 0};
	catalog_submit(l->service->catalog, exists_work, exists_done, l);
}
