#include "builder/remote/remote.h"

#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/transfer/request.h"

#define ANSWER_MAX     (64u << 20)
#define PAGES_MAX      5000
#define SEND_SECONDS   600
#define TOKEN_FILE_MAX 4096

int
remote_init(struct remote *r, const char *url, const char *token, struct err *e)
{
	size_t n = strlen(url);

	*r = (struct remote){0};
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return err_set(e, ERR_USAGE,
			       "--server wants a URL such as http://host:8377, not %s", url);
	if (token != NULL)
		r->token = xstrdup(token);
	while (n > 0 && url[n - 1] == '/')
		n--;
	r->url = xstrndup(url, n);
	return 0;
}

int
remote_read_token(const char *file, char **token, struct err *e)
{
	struct buf text = {0};

	*token = NULL;
	if (file == NULL)
		return 0;
	if (file_read(file, TOKEN_FILE_MAX, &text, e) != 0) {
		buf_fini(&text);
		return e->code;
	}
	buf_adds(&text, "");
	text.data[strcspn(text.data, "\r\n")] = '\0';
	*token = buf_take(&text);
	return 0;
}

void
remote_fini(struct remote *r)
{
	free(r->url);
	free(r->token);
	*r = (struct remote){0};
}

void
remote_add_query(struct buf *path, const char *name, const char *value)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/@";

	buf_addf(path, "%s%s=", strchr(path->data, '?') != NULL ? "&" : "?", name);
	for (; *value != '\0'; value++) {
		if (strchr(plain, *value) != NULL)
			buf_add(path, value, 1);
		else
			buf_addf(path, "%%%02X", (unsigned char)*value);
	}
}

/* The problem's own code if it is one of ours, else the nearest to the status. */
static int
code_of(long status, const char *name)
{
	int code = name != NULL ? err_from_name(name) : ERR_INTERNAL;

	if (code != ERR_INTERNAL)
		return code;
	switch (status) {
	case 400:
		return ERR_INVALID;
	case 401:
		return ERR_UNAUTHORIZED;
	case 403:
		return ERR_FORBIDDEN;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_CONFLICT;
	case 413:
		return ERR_TOO_LARGE;
	case 422:
		return ERR_MALFORMED;
	case 503:
		return ERR_BUSY;
	default:
		return ERR_INTERNAL;
	}
}

static int
check_answer(const struct transfer_response *answer, const char *path, struct err *e)
{
	struct json *problem;
	int code;

	if (answer->status >= 200 && answer->status < 300)
		return 0;
	problem = json_parse(answer->body.data != NULL ? answer->body.data : "", answer->body.len,
			     NULL);
	code = code_of(answer->status, json_str(problem, "code", NULL));
	err_set(e, code, "%s", json_str(problem, "detail", ""));
	if (e->msg[0] == '\0')
		snprintf(e->msg, sizeof e->msg, "%s: HTTP status %ld", path, answer->status);
	json_free(problem);
	return e->code;
}

static int
exchange(const struct remote *r, struct transfer_request *req, const char *path,
	 struct transfer_response *out, struct err *e)
{
	char *url = xasprintf("%s%s", r->url, path);
	int code;

	req->url = url;
	req->token = r->token;
	req->cancel = r->cancel;
	req->limit = ANSWER_MAX;
	code = transfer_request(req, out, e);
	if (code == 0)
		code = check_answer(out, path, e);
	free(url);
	return code;
}

/* The answer's JSON into *out, unless that is NULL or the exchange failed. */
static int
read_json(const struct remote *r, const char *path, const struct transfer_response *answer,
	  int code, struct json **out, struct err *e)
{
	if (out != NULL)
		*out = NULL;
	if (code != 0 || out == NULL || answer->body.len == 0)
		return code;
	*out = json_parse(answer->body.data, answer->body.len, e);
	return *out != NULL ? 0 : err_context(e, "%s%s does not speak our API", r->url, path);
}

int
remote_json(const struct remote *r, const char *method, const char *path, const struct json *body,
	    unsigned seconds, struct json **out, struct err *e)
{
	char *text = body != NULL ? json_text(body) : NULL;
	struct transfer_request req = {
		.method = method,
		.type = body != NULL ? "application/json" : NULL,
		.body = text,
		.body_len = text != NULL ? strlen(text) : 0,
		.seconds = seconds,
	};
	struct transfer_response answer;
	int code = exchange(r, &req, path, &answer, e);

	code = read_json(r, path, &answer, code, out, e);
	buf_fini(&answer.body);
	free(text);
	return code;
}

int
remote_list(const struct remote *r, const char *path, const char *member, unsigned seconds,
	    struct json **out, struct err *e)
{
	struct json *list = json_array();
	char *cursor = NULL;
	int pages = 0;

	do {
		struct json *page = NULL;
		struct buf at = {0};

		buf_adds(&at, path);
		if (cursor != NULL)
			remote_add_query(&at, "cursor", cursor);
		free(cursor);
		cursor = NULL;
		if (remote_json(r, "GET", at.data, NULL, seconds, &page, e) == 0) {
			json_foreach (one, json_get(page, member))
				json_add(list, json_copy(one));
			if (json_str(page, "cursor", NULL) != NULL)
				cursor = xstrdup(json_str(page, "cursor", ""));
		}
		if (cursor != NULL && ++pages == PAGES_MAX)
			err_set(e, ERR_LIMIT, "%s has more than %d pages", path, PAGES_MAX);
		json_free(page);
		buf_fini(&at);
	} while (cursor != NULL && e->code == 0);
	free(cursor);
	if (e->code != 0) {
		json_free(list);
		list = NULL;
	}
	*out = list;
	return e->code;
}

int
remote_send(const struct remote *r, const char *method, const char *path, const void *data,
	    size_t len, struct err *e)
{
	struct transfer_request req = {
		.method = method,
		.type = "application/octet-stream",
		.body = data,
		.body_len = len,
		.seconds = SEND_SECONDS,
	};
	struct transfer_response answer;
	int code = exchange(r, &req, path, &answer, e);

	buf_fini(&answer.body);
	return code;
}

int
remote_send_file(const struct remote *r, const char *path, const char *file, struct json **out,
		 struct err *e)
{
	struct transfer_request req = {
		.method = "PUT",
		.type = "application/octet-stream",
		.body_path = file,
		.seconds = SEND_SECONDS,
	};
	struct transfer_response answer;
	int code = exchange(r, &req, path, &answer, e);

	code = read_json(r, path, &answer, code, out, e);
	buf_fini(&answer.body);
	return code;
}

static int
write_piece(const void *data, size_t len, void *arg)
{
	return file_write_all(*(int *)arg, data, len);
}

int
remote_save(const struct remote *r, const char *path, const char *file, char *digest, struct err *e)
{
	static atomic_uint count;
	char *temp = xasprintf("%s.part-%d-%u", file, (int)getpid(), atomic_fetch_add(&count, 1));
	int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), code;
	struct transfer_request req = {
		.method = "GET",
		.seconds = SEND_SECONDS,
		.on_data = write_piece,
		.arg = &fd,
	};
	struct transfer_response answer = {0};

	if (fd < 0) {
		code = err_sys(e, -errno, "create %s", temp);
		goto out;
	}
	code = exchange(r, &req, path, &answer, e);
	if (code == 0 && fsync(fd) != 0)
		code = err_sys(e, -errno, "write %s", file);
	close(fd);
	if (code == 0 && rename(temp, file) != 0)
		code = err_sys(e, -errno, "rename to %s", file);
	if (code != 0)
		unlink(temp);
	if (digest != NULL)
		snprintf(digest, sizeof answer.digest, "%s", answer.digest);
out:
	buf_fini(&answer.body);
	free(temp);
	return code;
}

int
remote_stream(const struct remote *r, const char *path,
	      int (*on_data)(const void *data, size_t len, void *arg), void *arg, struct err *e)
{
	struct transfer_request req = {.method = "GET", .on_data = on_data, .arg = arg};
	struct transfer_response answer;
	int code = exchange(r, &req, path, &answer, e);

	buf_fini(&answer.body);
	return code;
}
