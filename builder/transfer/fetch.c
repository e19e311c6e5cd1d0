#include "builder/transfer/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/transfer/certificates.h"

#define USER_AGENT    "prebuildd"
#define SCHEMES       "http,https"
#define URL_MAX       4096
#define HEADERS_MAX   (256 * 1024) /* bytes, of all answers that one attempt leads through */
#define REDIRECTS_MAX 5L
#define CONNECT_MS    15000
#define TRIES         3
#define PAUSE_MS      250 /* before the second try; four times as long before each further one */
#define POLL_MS       50  /* how often a pause looks at `cancel` */
#define WHERE_SIZE    320

/* Where the body goes: a buffer or a file. */
struct sink {
	struct buf *buf;
	size_t start; /* what the buffer held before */
	int fd;       /* -1 if it is the buffer */
};

struct transfer {
	CURL *curl;
	const struct fetch_limits *limits;
	struct sink *sink;
	uint64_t deadline; /* clock_mono_ms */
	uint64_t body, headers;
	int stop; /* why a callback ended the transfer; 0 if none did */
	char why[CURL_ERROR_SIZE];
	char where[WHERE_SIZE]; /* host and path, for messages */
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_state;

static void
curl_prepare(void)
{
	curl_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool
cancelled(const struct transfer *t)
{
	return t->limits->cancel != NULL && atomic_load(t->limits->cancel);
}

static long
status_of(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t
on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count;

	/* The page that comes with an error is not what was asked for. */
	if (status_of(t) != 200)
		return 0;
	if (len > t->limits->bytes - t->body) {
		t->stop = ERR_TOO_LARGE;
		return 0;
	}
	t->body += len;
	if (t->sink->fd < 0)
		buf_add(t->sink->buf, data, len);
	else
		t->stop = file_write_all(t->sink->fd, data, len);
	return t->stop == 0 ? len : 0;
}

static size_t
on_header(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;

	(void)data;
	t->headers += size * count;
	if (t->headers > HEADERS_MAX) {
		t->stop = ERR_LIMIT;
		return 0;
	}
	return size * count;
}

static int
on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
	struct transfer *t = ctx;

	(void)total;
	(void)now;
	(void)up_total;
	(void)up;
	if (!cancelled(t))
		return 0;
	t->stop = ERR_CANCELLED;
	return 1;
}

/* Checks the URL and writes host and path, without what may be secret, to where. */
static int
describe(const char *url, char where[WHERE_SIZE], struct err *e)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL;
	CURLU *u = curl_url();
	int r = 0;

	if (u == NULL)
		xmalloc_failed();
	if (strlen(url) > URL_MAX ||
	    curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
		r = err_set(e, ERR_INVALID, "not a URL that can be fetched");
		goto out;
	}
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) {
		r = err_set(e, ERR_UNSUPPORTED, "%.20s: URLs are not fetched, only http and https",
			    scheme);
		goto out;
	}
	if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PATH, &path, 0) != CURLUE_OK) {
		r = err_set(e, ERR_INVALID, "not a URL that can be fetched");
		goto out;
	}
	curl_url_get(u, CURLUPART_PORT, &port, 0);
	snprintf(where, WHERE_SIZE, "%.120s%s%s%.180s", host, port != NULL ? ":" : "",
		 port != NULL ? port : "", path);
out:
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_url_cleanup(u);
	return r;
}

static void
configure(struct transfer *t, const char *url)
{
	bool secure = strncmp(url, "https:", 6) == 0;
	const char *ca = certificates_file();
	CURL *c = t->curl;

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, SCHEMES);
	/* What began under TLS does not go on without it. */
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : SCHEMES);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(c, CURLOPT_USERAGENT, USER_AGENT);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->why);
	curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->limits->bytes);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	if (ca != NULL)
		curl_easy_setopt(c, CURLOPT_CAINFO, ca);
	/* A document may come compressed; the bytes of a file are what its digest is made of. */
	if (t->sink->fd < 0)
		curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
}

static int
rewind_sink(struct sink *s)
{
	if (s->fd < 0) {
		s->buf->len = s->start;
		buf_add(s->buf, "", 0);
		return 0;
	}
	if (lseek(s->fd, 0, SEEK_SET) < 0 || ftruncate(s->fd, 0) != 0)
		return -errno;
	return 0;
}

/* curl's own text of what went wrong, on one line. */
static const char *
reason(struct transfer *t, CURLcode c)
{
	for (char *p = t->why; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	return t->why[0] != '\0' ? t->why : curl_easy_strerror(c);
}

/* What a callback ended. */
static int
stopped(struct transfer *t, struct err *e)
{
	switch (t->stop) {
	case ERR_CANCELLED:
		return err_set(e, ERR_CANCELLED, "%s: cancelled", t->where);
	case ERR_TOO_LARGE:
		return err_set(e, ERR_TOO_LARGE, "%s is larger than %llu bytes", t->where,
			       (unsigned long long)t->limits->bytes);
	case ERR_LIMIT:
		return err_set(e, ERR_LIMIT, "%s: the answer's header is too large", t->where);
	default:
		return err_sys(e, t->stop, "%s: write what was fetched", t->where);
	}
}

/* An answer that is not 200. *again says whether another try may help. */
static int
refused(struct transfer *t, long status, bool *again, struct err *e)
{
	*again = status == 429 || status >= 500;
	return err_set(e,
		       status == 404 || status == 410 ? ERR_NOT_FOUND
		       : status == 403                ? ERR_FORBIDDEN
						      : ERR_UNREACHABLE,
		       "%s: the server answered %ld", t->where, status);
}

static int
judge(struct transfer *t, CURLcode c, bool *again, struct err *e)
{
	long status = status_of(t);

	*again = false;
	if (t->stop != 0)
		return stopped(t, e);
	switch (c) {
	case CURLE_OK:
	case CURLE_WRITE_ERROR:
	case CURLE_FILESIZE_EXCEEDED:
		if (status != 200)
			return refused(t, status, again, e);
		if (c == CURLE_OK)
			return 0;
		t->stop = ERR_TOO_LARGE;
		return stopped(t, e);
	case CURLE_OPERATION_TIMEDOUT:
		if (clock_mono_ms() >= t->deadline)
			return err_set(e, ERR_TIMEOUT, "%s: not done after %u s", t->where,
				       t->limits->seconds);
		*again = true;
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return err_set(e, ERR_UNSUPPORTED, "%s: redirected to where we do not follow",
			       t->where);
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		*again = true;
		break;
	default:
		break;
	}
	return err_set(e, ERR_UNREACHABLE, "%s: %s", t->where, reason(t, c));
}

static int
attempt(struct transfer *t, bool *again, struct err *e)
{
	uint64_t now = clock_mono_ms(), left;
	int r;

	*again = false;
	if (cancelled(t)) {
		t->stop = ERR_CANCELLED;
		return stopped(t, e);
	}
	if (now >= t->deadline)
		return judge(t, CURLE_OPERATION_TIMEDOUT, again, e);
	left = t->deadline - now;
	t->body = t->headers = 0;
	t->why[0] = '\0';
	r = rewind_sink(t->sink);
	if (r != 0) {
		t->stop = r;
		return stopped(t, e);
	}
	curl_easy_setopt(t->curl, CURLOPT_TIMEOUT_MS, (long)left);
	curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(left < CONNECT_MS ? left : CONNECT_MS));
	return judge(t, curl_easy_perform(t->curl), again, e);
}

/* Waits, but not past the deadline and not when cancelled: the next attempt tells. */
static void
pause_for(const struct transfer *t, uint64_t ms)
{
	uint64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end && clock_mono_ms() < t->deadline && !cancelled(t))
		nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
}

static int
run(struct transfer *t, struct err *e)
{
	uint64_t pause = PAUSE_MS;
	bool again;

	for (int try = 1;; try++) {
		struct err one = {0};
		int r = attempt(t, &again, &one);

		if (r == 0)
			return 0;
		if (!again)
			return err_set(e, r, "%s", one.msg);
		if (try == TRIES)
			return err_set(e, r, "%.460s (tried %d times)", one.msg, TRIES);
		pause_for(t, pause);
		pause *= 4;
	}
}

char *
fetch_host(const char *url)
{
	char *host = NULL, *copy = NULL;
	CURLU *u = curl_url();

	if (u == NULL)
		xmalloc_failed();
	if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		copy = xstrdup(host);
	curl_free(host);
	curl_url_cleanup(u);
	return copy;
}

/* host: see fetch_file; or NULL. */
static int
fetch(const char *url, const char *accept, const struct fetch_limits *l, struct sink *s,
      char **host, struct err *e)
{
	struct fetch_limits limits = *l;
	struct transfer t = {.limits = &limits, .sink = s};
	struct curl_slist *headers = NULL;
	char *last = NULL;
	int r;

	pthread_once(&curl_once, curl_prepare);
	if (curl_state != CURLE_OK)
		return err_set(e, ERR_INTERNAL, "libcurl: %s", curl_easy_strerror(curl_state));
	r = describe(url, t.where, e);
	if (r != 0)
		return r;
	if (limits.seconds == 0)
		limits.seconds = FETCH_SECONDS_DEFAULT;
	/* libcurl counts in signed numbers. */
	if (limits.bytes > INT64_MAX)
		limits.bytes = INT64_MAX;
	t.deadline = clock_mono_ms() + (uint64_t)limits.seconds * 1000;
	t.curl = curl_easy_init();
	if (t.curl == NULL)
		xmalloc_failed();
	configure(&t, url);
	if (accept != NULL) {
		char *line = xasprintf("Accept: %s", accept);

		headers = curl_slist_append(NULL, line);
		free(line);
		curl_easy_setopt(t.curl, CURLOPT_HTTPHEADER, headers);
	}
	r = run(&t, e);
	if (r == 0 && host != NULL &&
	    curl_easy_getinfo(t.curl, CURLINFO_EFFECTIVE_URL, &last) == CURLE_OK)
		*host = fetch_host(last);
	curl_easy_cleanup(t.curl);
	curl_slist_free_all(headers);
	return r;
}

int
fetch_buf(const char *url, const char *accept, const struct fetch_limits *l, struct buf *out,
	  struct err *e)
{
	struct sink s = {.buf = out, .start = out->len, .fd = -1};
	int r = fetch(url, accept, l, &s, NULL, e);

	if (r != 0)
		rewind_sink(&s);
	return r;
}

int
fetch_file(const char *url, const struct fetch_limits *l, const char *path, char **host,
	   struct err *e)
{
	struct sink s = {.fd = -1};
	int r;

	if (host != NULL)
		*host = NULL;
	s.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (s.fd < 0)
		return err_sys(e, -errno, "create %s", path);
	r = fetch(url, NULL, l, &s, host, e);
	if (close(s.fd) != 0 && r == 0)
		r = err_sys(e, -errno, "write %s", path);
	if (r != 0)
		unlink(path);
	return r;
}
