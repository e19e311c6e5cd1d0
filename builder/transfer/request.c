#include "builder/transfer/request.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "builder/base/mem.h"
#include "builder/base/version.h"
#include "builder/transfer/certificates.h"

#define CONNECT_SECONDS 10

struct exchange {
	const struct transfer_request *req;
	struct transfer_response *out;
	CURL *curl;
	bool too_large;
};

static void
init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	size_t len = size * n;
	long status = 0;

	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	if (x->req->on_data != NULL && status == 200)
		return x->req->on_data(data, len, x->req->arg) == 0 ? len : 0;
	if (x->out->body.len + len > x->req->limit) {
		x->too_large = true;
		return 0;
	}
	buf_add(&x->out->body, data, len);
	return len;
}

static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	static const char name[] = "x-prebuild-digest:";
	struct exchange *x = arg;
	size_t len = size * n;

	if (len > sizeof name && strncasecmp(line, name, sizeof name - 1) == 0) {
		const char *value = line + sizeof name - 1;
		size_t left = len - (sizeof name - 1);

		while (left > 0 && *value == ' ') {
			value++;
			left--;
		}
		while (left > 0 && (value[left - 1] == '\r' || value[left - 1] == '\n'))
			left--;
		snprintf(x->out->digest, sizeof x->out->digest, "%.*s", (int)left, value);
	}
	return len;
}

static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct exchange *x = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return x->req->cancel != NULL && atomic_load(x->req->cancel);
}

static void
set_body(struct exchange *x, FILE *file)
{
	const struct transfer_request *req = x->req;
	struct stat st = {0};

	if (file != NULL) {
		fstat(fileno(file), &st);
		curl_easy_setopt(x->curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(x->curl, CURLOPT_READDATA, file);
		curl_easy_setopt(x->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
	} else if (req->body != NULL) {
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, req->body);
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
	} else if (strcmp(req->method, "POST") == 0) {
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, "");
	}
	curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, req->method);
}

static void
set_signature(const struct exchange *x)
{
	const struct transfer_request *req = x->req;

	if (req->sigv4 == NULL)
		return;
	curl_easy_setopt(x->curl, CURLOPT_AWS_SIGV4, req->sigv4);
	curl_easy_setopt(x->curl, CURLOPT_USERNAME, req->user);
	curl_easy_setopt(x->curl, CURLOPT_PASSWORD, req->secret);
}

static int
outcome(const struct exchange *x, CURLcode code, const char *detail, struct err *e)
{
	const char *url = x->req->url;

	if (x->too_large)
		return err_set(e, ERR_TOO_LARGE, "the answer of %s is larger than %zu bytes", url,
			       x->req->limit);
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_ABORTED_BY_CALLBACK:
	case CURLE_WRITE_ERROR:
		return err_set(e, ERR_CANCELLED, "%s: stopped", url);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(e, ERR_TIMEOUT, "%s: no answer in time", url);
	case CURLE_COULDNT_CONNECT:
		return err_set(e, ERR_UNREACHABLE,
			       "%s: nobody answers; is the service running there?", url);
	default:
		return err_set(e, ERR_UNREACHABLE, "%s: %s", url,
			       detail[0] != '\0' ? detail : curl_easy_strerror(code));
	}
}

int
transfer_request(const struct transfer_request *req, struct transfer_response *out, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct exchange x = {.req = req, .out = out};
	char detail[CURL_ERROR_SIZE] = "", line[512];
	struct curl_slist *headers = NULL;
	FILE *file = NULL;
	int r;

	*out = (struct transfer_response){0};
	pthread_once(&once, init_curl);
	if (req->body_path != NULL && (file = fopen(req->body_path, "rbe")) == NULL)
		return err_sys(e, -errno, "open %s", req->body_path);
	x.curl = curl_easy_init();
	if (x.curl == NULL)
		xmalloc_failed();
	/* No Expect: our server would answer it, but a proxy in between may only wait. curl 7.88 would sign
	 * even a header that is left out. */
	if (req->sigv4 == NULL)
		headers = curl_slist_append(headers, "Expect:");
	if (req->token != NULL) {
		snprintf(line, sizeof line, "Authorization: Bearer %s", req->token);
		headers = curl_slist_append(headers, line);
	}
	if (req->type != NULL) {
		snprintf(line, sizeof line, "Content-Type: %s", req->type);
		headers = curl_slist_append(headers, line);
	}
	for (size_t i = 0; i < req->header_count; i++)
		headers = curl_slist_append(headers, req->headers[i]);
	if (certificates_file() != NULL)
		curl_easy_setopt(x.curl, CURLOPT_CAINFO, certificates_file());
	curl_easy_setopt(x.curl, CURLOPT_URL, req->url);
	curl_easy_setopt(x.curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(x.curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(x.curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(x.curl, CURLOPT_TIMEOUT, (long)req->seconds);
	curl_easy_setopt(x.curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(x.curl, CURLOPT_USERAGENT, "prebuildd/" PREBUILDD_VERSION);
	curl_easy_setopt(x.curl, CURLOPT_ERRORBUFFER, detail);
	curl_easy_setopt(x.curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(x.curl, CURLOPT_WRITEDATA, &x);
	curl_easy_setopt(x.curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(x.curl, CURLOPT_HEADERDATA, &x);
	curl_easy_setopt(x.curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(x.curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(x.curl, CURLOPT_XFERINFODATA, &x);
	if (req->stall != 0) {
		curl_easy_setopt(x.curl, CURLOPT_LOW_SPEED_LIMIT, 1024L);
		curl_easy_setopt(x.curl, CURLOPT_LOW_SPEED_TIME, (long)req->stall);
	}
	set_signature(&x);
	set_body(&x, file);
	r = outcome(&x, curl_easy_perform(x.curl), detail, e);
	curl_easy_getinfo(x.curl, CURLINFO_RESPONSE_CODE, &out->status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(x.curl);
	if (file != NULL)
		fclose(file);
	return r;
}
