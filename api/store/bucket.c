#include "api/store/bucket.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/store/listing.h"
#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/transfer/request.h"

#define TRIES         3
#define PAUSE_MS      250 /* before the second try, four times as long before the third */
#define STALL_SECONDS 30
#define SECONDS_MAX   900
#define ANSWER_MAX    (4u << 20) /* a page of 1000 keys is far below */
#define PAGE          1000
#define PAGES_MAX     10000 /* of one list; the store asks for a 256th of it at a time */
#define EMPTY_SHA256  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct bucket {
	char *name, *prefix; /* prefix: empty, or ends in '/' */
	char *base;          /* URL of the bucket, without a '/' at its end */
	char *signature;     /* curl's "aws:amz:REGION:s3" */
	char *user, *secret;
	char *session; /* a header; NULL for none */
};

static const char unescaped[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

static const char *
variable(const char *name, const char *other)
{
	const char *value = getenv(name);

	if ((value == NULL || value[0] == '\0') && other != NULL)
		value = getenv(other);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A value of the query, without its percent-encoding. */
static char *
decode(const char *text, size_t len)
{
	struct buf out = {0};

	buf_adds(&out, "");
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%' && len - i > 2 && isxdigit((unsigned char)text[i + 1]) &&
		    isxdigit((unsigned char)text[i + 2])) {
			c = (char)strtol((const char[]){text[i + 1], text[i + 2], '\0'}, NULL, 16);
			i += 2;
		}
		buf_add(&out, &c, 1);
	}
	return buf_take(&out);
}

static int
read_query(const char *query, char **endpoint, char **region, struct err *e)
{
	while (*query != '\0') {
		size_t len = strcspn(query, "&"), name = strcspn(query, "=&");
		char **to = name == 8 && strncmp(query, "endpoint", 8) == 0 ? endpoint
			    : name == 6 && strncmp(query, "region", 6) == 0 ? region
									    : NULL;

		if (to == NULL || name == len)
			return err_set(e, ERR_USAGE, "\"%.*s\" is neither endpoint=… nor region=…",
				       (int)len, query);
		free(*to);
		*to = decode(query + name + 1, len - name - 1);
		query += query[len] != '\0' ? len + 1 : len;
	}
	return 0;
}

static int
read_place(struct bucket *b, const char *place, size_t len, struct err *e)
{
	const char *slash = memchr(place, '/', len);
	size_t name = slash != NULL ? (size_t)(slash - place) : len;
	size_t end = len;

	if (name == 0 || strspn(place, unescaped) < name)
		return err_set(e, ERR_USAGE, "a bucket is named as in s3://BUCKET/PREFIX");
	b->name = xstrndup(place, name);
	while (slash != NULL && end > name + 1 && place[end - 1] == '/')
		end--;
	b->prefix = slash != NULL && end > name + 1
			    ? xasprintf("%.*s/", (int)(end - name - 1), slash + 1)
			    : xstrdup("");
	for (const char *c = b->prefix; *c != '\0'; c++)
		if (*c != '/' && strchr(unescaped, *c) == NULL)
			return err_set(e, ERR_USAGE,
				       "a prefix has letters, digits, and -._~/ only");
	if (strncmp(b->prefix, "/", 1) == 0 || strstr(b->prefix, "//") != NULL ||
	    strstr(b->prefix, "./") != NULL)
		return err_set(e, ERR_USAGE, "a prefix has no empty parts, and none ends in a dot");
	return 0;
}

static int
read_endpoint(struct bucket *b, const char *endpoint, const char *region, struct err *e)
{
	size_t len;

	if (endpoint == NULL) {
		b->base = strchr(b->name, '.') == NULL
				  ? xasprintf("https://%s.s3.%s.amazonaws.com", b->name, region)
				  : xasprintf("https://s3.%s.amazonaws.com/%s", region, b->name);
		return 0;
	}
	if (strncmp(endpoint, "http://", 7) != 0 && strncmp(endpoint, "https://", 8) != 0)
		return err_set(e, ERR_USAGE,
			       "an endpoint begins with http:// or https://, unlike \"%s\"",
			       endpoint);
	for (len = strlen(endpoint); endpoint[len - 1] == '/'; len--)
		;
	b->base = xasprintf("%.*s/%s", (int)len, endpoint, b->name);
	return 0;
}

static int
read_credentials(struct bucket *b, struct err *e)
{
	const char *user = variable("AWS_ACCESS_KEY_ID", NULL);
	const char *secret = variable("AWS_SECRET_ACCESS_KEY", NULL);
	const char *session = variable("AWS_SESSION_TOKEN", NULL);

	if (user == NULL || secret == NULL)
		return err_set(e, ERR_USAGE, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
	b->user = xstrdup(user);
	b->secret = xstrdup(secret);
	if (session != NULL)
		b->session = xasprintf("X-Amz-Security-Token: %s", session);
	return 0;
}

int
bucket_open(const char *url, struct bucket **out, struct err *e)
{
	struct bucket *b = xcalloc(1, sizeof *b);
	char *endpoint = NULL, *region = NULL;
	size_t len = strcspn(url, "?");
	const char *from;

	if (strncmp(url, "//", 2) != 0) {
		free(b);
		return err_set(e, ERR_USAGE, "a bucket is named as in s3://BUCKET/PREFIX");
	}
	if (read_place(b, url + 2, len - 2, e) == 0 &&
	    read_query(url[len] == '?' ? url + len + 1 : "", &endpoint, &region, e) == 0) {
		from = variable("AWS_REGION", "AWS_DEFAULT_REGION");
		if (region == NULL)
			region = xstrdup(from != NULL ? from : "us-east-1");
		from = variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
		if (endpoint == NULL && from != NULL)
			endpoint = xstrdup(from);
		if (region[0] == '\0' || strspn(region, unescaped) != strlen(region))
			err_set(e, ERR_USAGE, "\"%s\" is no region", region);
		else if (read_endpoint(b, endpoint, region, e) == 0)
			read_credentials(b, e);
		b->signature = xasprintf("aws:amz:%s:s3", region);
	}
	free(endpoint);
	free(region);
	if (e->code != 0) {
		bucket_close(b);
		return e->code;
	}
	*out = b;
	return 0;
}

void
bucket_close(struct bucket *b)
{
	free(b->name);
	free(b->prefix);
	free(b->base);
	free(b->signature);
	free(b->user);
	free(b->secret);
	free(b->session);
	free(b);
}

/* ---- one request ---- */

/* hex: the digest of the body. */
static int
send(const struct bucket *b, struct transfer_request *req, const char *hex,
     struct transfer_response *out, struct err *e)
{
	char digest[128];
	const char *headers[2] = {digest, b->session};

	snprintf(digest, sizeof digest, "X-Amz-Content-Sha256: %s", hex);
	req->sigv4 = b->signature;
	req->user = b->user;
	req->secret = b->secret;
	req->headers = headers;
	req->header_count = b->session != NULL ? 2 : 1;
	req->stall = STALL_SECONDS;
	req->seconds = SECONDS_MAX;
	req->limit = ANSWER_MAX;
	return transfer_request(req, out, e);
}

/* What an answer other than success means. */
static int
refused(const struct bucket *b, const struct transfer_request *req,
	const struct transfer_response *answer, struct err *e)
{
	struct s3_error why;
	bool missing;

	listing_error(answer->body.data, answer->body.len, &why);
	missing = answer->status == 404 && strcmp(why.code, "NoSuchKey") == 0;
	return err_set(e, missing ? ERR_NOT_FOUND : ERR_BUSY,
		       "%s of bucket %s: answered %ld%s%s%s%s", req->method, b->name,
		       answer->status, why.code[0] != '\0' ? " " : "", why.code,
		       why.message[0] != '\0' ? ": " : "", why.message);
}

static bool
is_passing(int r, long status)
{
	return r == ERR_UNREACHABLE || r == ERR_TIMEOUT ||
	       (r == 0 && (status == 429 || status == 408 || status >= 500));
}

/* Tries it, if need be again. `again` prepares another try; NULL if there is nothing to. */
static int
ask(const struct bucket *b, struct transfer_request *req, const char *hex,
    void (*again)(struct transfer_request *), struct transfer_response *answer, struct err *e)
{
	long pause = PAUSE_MS;

	for (int try = 1;; try++) {
		struct err one = {0};
		int r = send(b, req, hex, answer, &one);

		if (r == 0 && answer->status >= 200 && answer->status < 300)
			return 0;
		if (try == TRIES || !is_passing(r, answer->status)) {
			if (r == 0)
				return refused(b, req, answer, e);
			return err_set(e, r == ERR_UNREACHABLE || r == ERR_TIMEOUT ? ERR_BUSY : r,
				       "bucket %s: %s", b->name, one.msg);
		}
		buf_fini(&answer->body);
		nanosleep(&(struct timespec){.tv_sec = pause / 1000,
					     .tv_nsec = pause % 1000 * 1000000},
			  NULL);
		pause *= 4;
		if (again != NULL)
			again(req);
	}
}

static char *
object_url(const struct bucket *b, const char *key)
{
	return xasprintf("%s/%s%s", b->base, b->prefix, key);
}

int
bucket_put(const struct bucket *b, const char *key, const char *path, const char *hex,
	   struct err *e)
{
	char *url = object_url(b, key);
	struct transfer_request req = {
		.method = "PUT", .url = url, .type = "application/octet-stream", .body_path = path};
	struct transfer_response answer;
	int r = ask(b, &req, hex, NULL, &answer, e);

	buf_fini(&answer.body);
	free(url);
	return r;
}

/* ---- get ---- */

struct sink {
	int fd, failed;
	uint64_t len, limit;
};

static int
on_data(const void *data, size_t len, void *arg)
{
	struct sink *s = arg;

	if (len > s->limit - s->len)
		s->failed = ERR_TOO_LARGE;
	else
		s->failed = file_write_all(s->fd, data, len);
	s->len += len;
	return s->failed;
}

static void
empty_sink(struct transfer_request *req)
{
	struct sink *s = req->arg;

	s->len = 0;
	if (lseek(s->fd, 0, SEEK_SET) != 0 || ftruncate(s->fd, 0) != 0)
		s->failed = ERR_INTERNAL;
}

int
bucket_get(const struct bucket *b, const char *key, int fd, uint64_t limit, struct err *e)
{
	char *url = object_url(b, key);
	struct sink s = {.fd = fd, .limit = limit};
	struct transfer_request req = {.method = "GET", .url = url, .on_data = on_data, .arg = &s};
	struct transfer_response answer;
	struct err why = {0};
	int r = ask(b, &req, EMPTY_SHA256, empty_sink, &answer, &why);

	if (s.failed == ERR_TOO_LARGE)
		r = err_set(e, s.failed, "bucket %s: %s has more than %llu bytes", b->name, key,
			    (unsigned long long)limit);
	else if (s.failed != 0)
		r = err_sys(e, s.failed, "write what was fetched from bucket %s", b->name);
	else if (r != 0)
		r = err_set(e, r, "%s", why.msg);
	buf_fini(&answer.body);
	free(url);
	return r;
}

/* ---- list ---- */

static void
add_escaped(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++)
		if (strchr(unescaped, *text) != NULL)
			buf_add(b, text, 1);
		else
			buf_addf(b, "%%%02X", (unsigned char)*text);
}

/* The query's parameters are in the order that a signature wants. */
static char *
list_url(const struct bucket *b, const char *begin, unsigned max, const char *next)
{
	struct buf url = {0};

	buf_addf(&url, "%s/?", b->base);
	if (next[0] != '\0') {
		buf_adds(&url, "continuation-token=");
		add_escaped(&url, next);
		buf_adds(&url, "&");
	}
	buf_addf(&url, "list-type=2&max-keys=%u&prefix=", max);
	add_escaped(&url, b->prefix);
	add_escaped(&url, begin);
	return buf_take(&url);
}

struct found {
	const struct bucket *bucket;
	bucket_on_object on_object;
	void *arg;
	unsigned count;
};

static void
on_listed(const char *key, uint64_t size, int64_t modified, void *arg)
{
	struct found *f = arg;
	size_t prefix = strlen(f->bucket->prefix);

	f->count++;
	if (strncmp(key, f->bucket->prefix, prefix) == 0)
		f->on_object(key + prefix, size, modified, f->arg);
}

int
bucket_list(const struct bucket *b, const char *begin, unsigned max, bucket_on_object on_object,
	    void *arg, struct err *e)
{
	struct found found = {b, on_object, arg, 0};
	struct listing page = {.on_object = on_listed, .arg = &found};
	unsigned want = max != 0 && max < PAGE ? max : PAGE, pages = 0;
	int r;

	do {
		char *url = list_url(b, begin, want, page.next);
		struct transfer_request req = {.method = "GET", .url = url};
		struct transfer_response answer;

		r = ask(b, &req, EMPTY_SHA256, NULL, &answer, e);
		if (r == 0)
			r = listing_read(answer.body.data, answer.body.len, &page, e);
		buf_fini(&answer.body);
		free(url);
		if (r == 0 && ++pages == PAGES_MAX)
			r = err_set(e, ERR_LIMIT, "bucket %s: a list has more than %u pages",
				    b->name, PAGES_MAX);
	} while (r == 0 && page.next[0] != '\0' && (max == 0 || found.count < max));
	return r;
}

int
bucket_delete(const struct bucket *b, const char *key, struct err *e)
{
	char *url = object_url(b, key);
	struct transfer_request req = {.method = "DELETE", .url = url};
	struct transfer_response answer;
	struct err why = {0};
	int r = ask(b, &req, EMPTY_SHA256, NULL, &answer, &why);

	buf_fini(&answer.body);
	free(url);
	return r == 0 || r == ERR_NOT_FOUND ? 0 : err_set(e, r, "%s", why.msg);
}
