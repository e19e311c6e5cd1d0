/*
 * check.c - POST /v1/check?target=T: the audit report of an uploaded addon or tarball. Nothing is
 * stored. The bytes are read by a child process that is confined (builder/check/confined.c): one
 * that hangs, crashes or grows costs this request only.
 */
#include <stdlib.h>
#include <string.h>

#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/check/confined.h"
#include "builder/loop/child.h"
#include "builder/model/target.h"

#define RUNNING_MAX 4 /* more are asked to come again */
#define REPORT_MAX  (4u << 20)

struct checking {
	struct service *service;
	struct http_request *request;
	struct child *child;
	struct buf output;
};

static void
on_output(const char *data, size_t len, void *arg)
{
	struct checking *c = arg;

	buf_add(&c->output, data, len);
}

static void
on_end(const struct child_result *result, void *arg)
{
	struct checking *c = arg;
	struct json *report = NULL;

	if (result->signal == 0 && result->status == 0 && c->output.len > 0)
		report = json_parse(c->output.data, c->output.len, NULL);
	if (report == NULL) {
		reply_problem(
			c->request, 422, "uncheckable", NULL,
			"this file cannot be checked: reading it takes more than %d s or %llu "
			"MiB, or fails",
			CHECK_SECONDS, CHECK_MEMORY >> 20);
	} else if (json_str(report, "code", NULL) != NULL) {
		reply_problem(c->request, 422, json_str(report, "code", ""), NULL, "%s",
			      json_str(report, "error", ""));
		json_free(report);
	} else {
		reply_json(c->request, 200, report);
	}
	c->service->checks--;
	buf_fini(&c->output);
	free(c);
}

void
route_check(struct http_request *r, void *data)
{
	struct service *s = data;
	const char *target = http_query(r, "target");
	const struct target *t = target != NULL ? target_find(target) : NULL;
	const char *argv[] = {"/proc/self/exe", "check-upload", NULL, t != NULL ? t->triple : NULL,
			      NULL};
	static const char *const no_environment[] = {NULL};
	struct child_options options = {.argv = (char *const *)argv,
					.env = (char *const *)no_environment,
					.seccomp_fd = -1,
					.timeout_ms = 2 * CHECK_SECONDS * 1000,
					.output_max = REPORT_MAX,
					.on_output = on_output,
					.on_end = on_end};
	struct checking *c;
	struct digest digest;
	uint64_t size;

	argv[2] = http_spool(r, &size, &digest);
	if (target != NULL && t == NULL) {
		reply_problem(r, 400, "invalid", NULL,
			      "target: \"%.60s\" is not known; GET /v1/targets lists them", target);
		return;
	}
	if (size > CHECK_UPLOAD_MAX) {
		reply_problem(r, 413, "too-large", NULL, "a file to check has at most %u bytes",
			      CHECK_UPLOAD_MAX);
		return;
	}
	if (s->checks >= RUNNING_MAX) {
		reply_header(r, "Retry-After", "5");
		reply_problem(r, 503, "busy", NULL, "%d files are being checked; try again in 5 s",
			      RUNNING_MAX);
		return;
	}
	c = xcalloc(1, sizeof *c);
	*c = (struct checking){.service = s, .request = r};
	options.arg = c;
	if (child_start(s->loop, &options, &c->child) != 0) {
		reply_problem(r, 500, "internal", NULL,
			      "no process for the check could be started");
		free(c);
		return;
	}
	s->checks++;
}
