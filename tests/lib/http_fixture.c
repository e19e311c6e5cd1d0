#include "tests/lib/http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/http/server.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

/* Nothing here takes this long unless it hangs. */
#define PATIENCE_S 60

struct http_fixture {
	pthread_t thread;
	uv_loop_t loop;
	uv_async_t wake;
	struct http_server *server;
	char *dir;
	char *spool;
	char address[64];
	int loop_result;
	bool asked; /* to close: on the test's thread */
	atomic_int counts[COUNT_MAX];
};

static void
on_ok(struct http_request *r, void *data)
{
	(void)data;
	reply_text(r, 200, "text/plain", "ok\n", 3);
}

static void
on_echo(struct http_request *r, void *data)
{
	size_t len = 0;
	const char *body = http_body(r, &len);

	(void)data;
	reply_text(r, 200, "text/plain", body, len);
}

static void
on_json(struct http_request *r, void *data)
{
	struct err e = {0};
	struct json *v = http_body_json(r, &e), *out;

	(void)data;
	if (v == NULL) {
		reply_err(r, &e);
		return;
	}
	out = json_object();
	json_set_int(out, "members", (int64_t)json_count(v));
	json_free(v);
	reply_json(r, 200, out);
}

static void
on_upload(struct http_request *r, void *data)
{
	struct http_fixture *f = data;
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;
	uint64_t size = 0;
	const char *path = http_spool(r, &size, &digest);
	struct json *v = json_object();

	if (http_query(r, "keep") != NULL) {
		char *to = xasprintf("%s/kept", f->dir);

		if (rename(path, to) != 0)
			json_set_str(v, "rename", strerror(errno));
		free(to);
	}
	digest_hex(&digest, hex);
	json_set_int(v, "size", (int64_t)size);
	json_set_str(v, "digest", hex);
	reply_json(r, 201, v);
}

static void
on_file(struct http_request *r, void *data)
{
	struct http_fixture *f = data;
	const char *name = http_param(r, "name"), *grow = http_query(r, "grow");
	char *path = xasprintf("%s/%s", f->dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	free(path);
	if (fd < 0 || fstat(fd, &st) != 0) {
		reply_problem(r, 404, "not-found", NULL, "no file %s", name);
		return;
	}
	reply_header(r, "X-Test", "file");
	reply_file(r, &(struct reply_file){
			      .fd = fd,
			      .size = (uint64_t)st.st_size +
				      (grow != NULL ? strtoull(grow, NULL, 10) : 0),
			      .type = "application/octet-stream",
			      .etag = name,
			      .cache_control = "public, immutable",
			      .no_range = http_query(r, "plain") != NULL,
		      });
}

static unsigned long
number(struct http_request *r, const char *name)
{
	const char *s = http_query(r, name);

	return s != NULL ? strtoul(s, NULL, 10) : 0;
}

static void
on_big(struct http_request *r, void *data)
{
	size_t n = number(r, "n");
	char *text = xmalloc(n);

	(void)data;
	memset(text, 'b', n);
	reply_text(r, 200, "text/plain", text, n);
	free(text);
}

static void
on_empty(struct http_request *r, void *data)
{
	(void)data;
	reply_empty(r, 204);
}

static void
on_cancel(struct http_request *r, void *data)
{
	(void)data;
	reply_empty(r, 202);
}

/* A handler that waits: one timer, freed by its close callback. */
struct wait {
	uv_timer_t timer;
	struct http_request *r;
	struct http_fixture *f;
	unsigned long left;
	unsigned long size;
	bool waits_for_gone; /* ends by on_gone alone, even if reply_stream_add says it first */
};

static void
on_wait_closed(uv_handle_t *h)
{
	free(h->data);
}

static struct wait *
wait_new(struct http_request *r, struct http_fixture *f, uint64_t ms, uint64_t repeat,
	 uv_timer_cb cb)
{
	struct wait *w = xcalloc(1, sizeof *w);

	w->r = r;
	w->f = f;
	w->timer.data = w;
	uv_timer_init(&f->loop, &w->timer);
	uv_timer_start(&w->timer, cb, ms, repeat);
	return w;
}

static void
wait_end(struct wait *w)
{
	uv_close((uv_handle_t *)&w->timer, on_wait_closed);
}

static void
on_slow_time(uv_timer_t *t)
{
	struct wait *w = t->data;

	reply_text(w->r, 200, "text/plain", "slow\n", 5);
	wait_end(w);
}

static void
on_slow(struct http_request *r, void *data)
{
	wait_new(r, data, number(r, "ms"), 0, on_slow_time);
}

static void
on_hold_gone(struct http_request *r, void *data)
{
	struct http_fixture *f = data;

	atomic_fetch_add(&f->counts[COUNT_GONE], 1);
	reply_problem(r, 404, "not-found", NULL, "nobody waits for this");
}

static void
on_hold(struct http_request *r, void *data)
{
	struct http_fixture *f = data;

	http_on_gone(r, on_hold_gone, f);
	atomic_fetch_add(&f->counts[COUNT_HELD], 1);
}

static void
on_stream_time(uv_timer_t *t)
{
	struct wait *w = t->data;
	char *piece = xmalloc(w->size);
	bool more;

	memset(piece, 's', w->size);
	more = w->left > 0 && reply_stream_add(w->r, piece, w->size);
	free(piece);
	if (more && --w->left > 0)
		return;
	if (w->waits_for_gone) {
		uv_timer_stop(t);
		return;
	}
	atomic_fetch_add(&w->f->counts[COUNT_STREAMS_ENDED], 1);
	reply_stream_end(w->r);
	wait_end(w);
}

static void
on_stream(struct http_request *r, void *data)
{
	struct wait *w;

	reply_stream_begin(r, 200, "text/plain");
	w = wait_new(r, data, 0, 1, on_stream_time);
	w->left = number(r, "n");
	w->size = number(r, "size");
}

static void
on_endless_gone(struct http_request *r, void *data)
{
	struct wait *w = data;

	atomic_fetch_add(&w->f->counts[COUNT_GONE], 1);
	atomic_fetch_add(&w->f->counts[COUNT_STREAMS_ENDED], 1);
	reply_stream_end(r);
	wait_end(w);
}

static void
on_endless(struct http_request *r, void *data)
{
	struct http_fixture *f = data;
	struct wait *w;

	reply_stream_begin(r, 200, "text/event-stream");
	w = wait_new(r, data, 0, 5, on_stream_time);
	w->left = (unsigned long)-1;
	w->size = number(r, "size");
	if (w->size == 0)
		w->size = 10;
	/* A stream that learns of its end from reply_stream_add alone must work, too. */
	w->waits_for_gone = http_query(r, "deaf") == NULL;
	if (w->waits_for_gone)
		http_on_gone(r, on_endless_gone, w);
	atomic_fetch_add(&f->counts[COUNT_HELD], 1);
}

/* At first fills what the kernel and then what the server keeps for a slow client; once that has
 * read some of it, the stream ends. */
static void
on_flood_time(uv_timer_t *t)
{
	static const char piece[10000];
	struct wait *w = t->data;

	if (w->left == 0) {
		w->left = 1;
		while (reply_stream_add(w->r, piece, sizeof piece))
			;
		while (reply_stream_add(w->r, piece, 1))
			;
		atomic_fetch_add(&w->f->counts[COUNT_HELD], 1);
		return;
	}
	if (!reply_stream_add(w->r, piece, 1))
		return;
	http_on_gone(w->r, NULL, NULL);
	atomic_fetch_add(&w->f->counts[COUNT_STREAMS_ENDED], 1);
	reply_stream_end(w->r);
	wait_end(w);
}

static void
on_flood(struct http_request *r, void *data)
{
	struct wait *w;

	reply_stream_begin(r, 200, "text/plain");
	w = wait_new(r, data, 1, 1, on_flood_time);
	http_on_gone(r, on_endless_gone, w);
}

static void
on_processing_time(uv_timer_t *t)
{
	struct wait *w = t->data;

	if (w->left-- > 0) {
		reply_processing(w->r);
		return;
	}
	reply_text(w->r, 200, "text/plain", "done\n", 5);
	wait_end(w);
}

static void
on_processing(struct http_request *r, void *data)
{
	wait_new(r, data, 1, 1, on_processing_time)->left = number(r, "n");
}

static void
on_show(struct http_request *r, void *data)
{
	struct json *v = json_object();

	(void)data;
	json_set_str(v, "method", http_method(r));
	json_set_str(v, "path", http_path(r));
	json_set_str(v, "a", http_param(r, "a"));
	json_set_str(v, "b", http_param(r, "b"));
	json_set_str(v, "c", http_param(r, "c"));
	json_set_str(v, "q", http_query(r, "q"));
	json_set_str(v, "x", http_header(r, "x-test"));
	json_set_str(v, "peer", http_peer(r));
	json_set_bool(v, "gone", http_gone(r));
	reply_json(r, 200, v);
}

static void
on_headers(struct http_request *r, void *data)
{
	struct json *more = json_object();

	(void)data;
	json_set_str(more, "job", "7");
	reply_header(r, "X-Good", "yes");
	reply_header(r, "X-Split", "a\r\nX-Injected: yes");
	reply_header(r, "Content-Encoding", "gzip");
	reply_header(r, "Content-Length", "1");
	reply_header(r, "Cache-Control", "max-age=5");
	reply_problem(r, 404, "teapot", more, "a \"quoted\" detail");
}

static void
on_error(struct http_request *r, void *data)
{
	struct err e = {.code = -(int)number(r, "code"), .msg = "the message"};

	(void)data;
	reply_err(r, &e);
}

static void
on_connections(struct http_request *r, void *data)
{
	struct http_fixture *f = data;
	char text[16];
	int n = snprintf(text, sizeof text, "%u", http_server_connections(f->server));

	reply_text(r, 200, "text/plain", text, (size_t)n);
}

static const struct http_route routes[] = {
	{.method = "GET", .pattern = "/ok", .handler = on_ok},
	{.method = "POST", .pattern = "/echo", .body = HTTP_BODY_BUF, .handler = on_echo},
	{.method = "POST",
	 .pattern = "/echo-small",
	 .body = HTTP_BODY_BUF,
	 .body_limit = 10,
	 .handler = on_echo},
	{.method = "POST", .pattern = "/json", .body = HTTP_BODY_BUF, .handler = on_json},
	{.method = "PUT", .pattern = "/upload", .body = HTTP_BODY_SPOOL, .handler = on_upload},
	{.method = "GET", .pattern = "/files/{name}", .handler = on_file},
	{.method = "GET", .pattern = "/big", .handler = on_big},
	{.method = "GET", .pattern = "/empty", .handler = on_empty},
	{.method = "POST", .pattern = "/cancel", .handler = on_cancel},
	{.method = "GET", .pattern = "/slow", .handler = on_slow},
	{.method = "GET", .pattern = "/hold", .handler = on_hold},
	{.method = "GET", .pattern = "/stream", .handler = on_stream},
	{.method = "GET", .pattern = "/endless", .handler = on_endless},
	{.method = "GET", .pattern = "/flood", .handler = on_flood},
	{.method = "GET", .pattern = "/processing", .handler = on_processing},
	{.method = "GET", .pattern = "/show/{a}/v{b}/{c*}", .handler = on_show},
	{.method = "GET", .pattern = "/secret", .scope = "admin", .handler = on_ok},
	{.method = "PUT",
	 .pattern = "/secret",
	 .scope = "admin",
	 .body = HTTP_BODY_SPOOL,
	 .handler = on_upload},
	{.method = "GET", .pattern = "/headers", .handler = on_headers},
	{.method = "GET", .pattern = "/error", .handler = on_error},
	{.method = "GET", .pattern = "/connections", .handler = on_connections},
};

static int
authorize(struct http_request *r, const char *scope, void *data, struct err *e)
{
	const char *token = http_header(r, "authorization");

	(void)data;
	if (token == NULL)
		return err_set(e, ERR_UNAUTHORIZED, "a token with scope %s is needed", scope);
	if (strcmp(token, "Bearer good") == 0)
		return 0;
	return err_set(e, ERR_FORBIDDEN, "the token lacks the scope %s", scope);
}

static void
on_done(const char *method, const char *route, int status, uint64_t bytes, uint64_t ms, void *data)
{
	struct http_fixture *f = data;

	(void)bytes;
	(void)ms;
	if (method == NULL || route == NULL)
		abort();
	atomic_fetch_add(&f->counts[COUNT_DONE], 1);
	if (status == 499)
		atomic_fetch_add(&f->counts[COUNT_499], 1);
}

static void
on_server_closed(void *data)
{
	struct http_fixture *f = data;

	f->server = NULL;
	uv_close((uv_handle_t *)&f->wake, NULL);
}

static void
on_wake(uv_async_t *a)
{
	struct http_fixture *f = a->data;

	http_server_close(f->server, on_server_closed, f);
}

static void *
run(void *data)
{
	struct http_fixture *f = data;

	uv_run(&f->loop, UV_RUN_DEFAULT);
	f->loop_result = uv_loop_close(&f->loop);
	return NULL;
}

struct http_fixture *
http_fixture_start(const char *address, const char *dir, const struct http_limits *limits)
{
	struct http_fixture *f = xcalloc(1, sizeof *f);
	struct http_config config = {
		.limits = limits != NULL ? *limits : http_limits_default(),
		.routes = routes,
		.route_count = ARRAY_SIZE(routes),
		.data = f,
		.authorize = authorize,
		.on_done = on_done,
	};
	struct err e = {0};

	f->dir = xstrdup(dir);
	f->spool = xasprintf("%s/spool", dir);
	config.spool_dir = f->spool;
	uv_loop_init(&f->loop);
	if (file_mkdirs(f->spool, 0700, &e) != 0 ||
	    http_server_open(&f->loop, address, false, &config, &f->server, &e) != 0) {
		printf("# %s\n", e.msg);
		uv_loop_close(&f->loop);
		free(f->dir);
		free(f->spool);
		free(f);
		return NULL;
	}
	snprintf(f->address, sizeof f->address, "%s", http_server_address(f->server));
	f->wake.data = f;
	uv_async_init(&f->loop, &f->wake, on_wake);
	if (pthread_create(&f->thread, NULL, run, f) != 0)
		abort();
	return f;
}

void
http_fixture_close(struct http_fixture *f)
{
	f->asked = true;
	uv_async_send(&f->wake);
}

int
http_fixture_stop(struct http_fixture *f)
{
	int result;

	if (!f->asked)
		http_fixture_close(f);
	pthread_join(f->thread, NULL);
	result = f->loop_result;
	free(f->dir);
	free(f->spool);
	free(f);
	return result;
}

const char *
http_fixture_address(const struct http_fixture *f)
{
	return f->address;
}

int
http_fixture_port(const struct http_fixture *f)
{
	return atoi(strrchr(f->address, ':') + 1);
}

int
http_fixture_count(const struct http_fixture *f, enum http_count which)
{
	return atomic_load(&f->counts[which]);
}

bool
http_fixture_wait(const struct http_fixture *f, enum http_count which, int number)
{
	for (int i = 0; i < PATIENCE_S * 100; i++) {
		if (http_fixture_count(f, which) >= number)
			return true;
		usleep(10 * 1000);
	}
	return false;
}

struct client
client_open_from(const struct http_fixture *f, const char *from)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)http_fixture_port(f))};
	struct sockaddr_in own = {.sin_family = AF_INET};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	struct client c = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	inet_pton(AF_INET, from, &own.sin_addr);
	setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (bind(c.fd, (struct sockaddr *)&own, sizeof own) != 0 ||
	    connect(c.fd, (struct sockaddr *)&to, sizeof to) != 0) {
		close(c.fd);
		c.fd = -1;
	}
	return c;
}

struct client
client_open(const struct http_fixture *f)
{
	return client_open_from(f, "127.0.0.1");
}

bool
client_send(struct client *c, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool
client_sends(struct client *c, const char *text)
{
	return client_send(c, text, strlen(text));
}

/* Appends what comes next; false at the end. */
static bool
more(struct client *c)
{
	char *to = buf_reserve(&c->in, 64 * 1024);
	ssize_t n = recv(c->fd, to, 64 * 1024, 0);

	if (n <= 0)
		return false;
	c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	return true;
}

static bool
want(struct client *c, size_t len)
{
	while (c->in.len < len)
		if (!more(c))
			return false;
	return true;
}

/* Moves len bytes to out. */
static bool
take(struct client *c, size_t len, struct buf *out)
{
	if (!want(c, len))
		return false;
	buf_add(out, c->in.data, len);
	buf_drop(&c->in, len);
	return true;
}

static bool
take_line(struct client *c, struct buf *out)
{
	char *end = NULL;

	while (c->in.len == 0 || (end = strstr(c->in.data, "\r\n")) == NULL)
		if (!more(c))
			return false;
	return take(c, (size_t)(end - c->in.data) + 2, out);
}

static bool
take_chunks(struct client *c, struct buf *body)
{
	for (;;) {
		struct buf line = {0}, rest = {0};
		size_t size;
		bool ok = take_line(c, &line);

		size = ok ? strtoul(line.data, NULL, 16) : 0;
		buf_fini(&line);
		ok = ok && take(c, size, body) && take(c, 2, &rest) &&
		     strcmp(rest.data, "\r\n") == 0;
		buf_fini(&rest);
		if (!ok)
			return false;
		if (size == 0)
			return true;
	}
}

static bool
take_head(struct client *c, struct answer *a)
{
	for (;;) {
		char *end = NULL;

		while (c->in.len == 0 || (end = strstr(c->in.data, "\r\n\r\n")) == NULL)
			if (!more(c))
				return false;
		a->head.len = 0;
		if (!take(c, (size_t)(end - c->in.data) + 4, &a->head) ||
		    sscanf(a->head.data, "HTTP/1.1 %d ", &a->status) != 1)
			return false;
		if (a->status >= 200)
			return true;
		a->interim++;
	}
}

bool
client_read(struct client *c, bool no_body, struct answer *a)
{
	const char *length, *coding;

	answer_fini(a);
	if (!take_head(c, a)) {
		a->status = 0;
		return false;
	}
	buf_add(&a->body, "", 0);
	a->delimited = true;
	if (no_body || a->status == 204 || a->status == 304)
		return true;
	length = answer_header(a, "Content-Length");
	if (length != NULL)
		return take(c, strtoul(length, NULL, 10), &a->body);
	coding = answer_header(a, "Transfer-Encoding");
	if (coding != NULL)
		return strcmp(coding, "chunked") == 0 && take_chunks(c, &a->body);
	a->delimited = false;
	while (more(c))
		;
	return take(c, c->in.len, &a->body);
}

bool
client_ended(struct client *c)
{
	char byte;
	ssize_t n;

	if (c->in.len > 0)
		return false;
	n = recv(c->fd, &byte, 1, 0);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

void
client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_fini(&c->in);
}

bool
client_ask(struct client *c, const char *request, struct answer *a)
{
	return client_sends(c, request) && client_read(c, strncmp(request, "HEAD ", 5) == 0, a);
}

bool
http_fixture_alive(const struct http_fixture *f)
{
	struct client c = client_open(f);
	struct answer a = {0};
	bool ok = client_ask(&c, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", &a) && a.status == 200;

	answer_fini(&a);
	client_close(&c);
	return ok;
}

const char *
answer_header(const struct answer *a, const char *name)
{
	static char value[1024];
	const char *line = a->head.data;
	size_t len = strlen(name);

	while (line != NULL && (line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 2, "\r"),
				 line + len + 2);
			return value;
		}
	}
	return NULL;
}

const char *
answer_code(const struct answer *a)
{
	static char code[64];
	const char *type = answer_header(a, "Content-Type");
	struct json *v;

	code[0] = '\0';
	if (type == NULL || strcmp(type, "application/problem+json") != 0)
		return code;
	v = json_parse(a->body.data, a->body.len, NULL);
	if (json_int(v, "status", 0) == a->status && json_str(v, "title", NULL) != NULL &&
	    json_str(v, "detail", NULL) != NULL)
		snprintf(code, sizeof code, "%s", json_str(v, "code", ""));
	json_free(v);
	return code;
}

void
answer_fini(struct answer *a)
{
	buf_fini(&a->head);
	buf_fini(&a->body);
	*a = (struct answer){0};
}
