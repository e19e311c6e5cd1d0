/*
 * status.c - looking at builds and jobs: status, logs, cancel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/follow.h"
#include "builder/cli/printable.h"
#include "builder/cli/progress.h"

#define ANSWER_SECONDS 30

static void
print_list(const struct json *list)
{
	printf("%-8s %-32s %-10s %s\n", "BUILD", "PACKAGE", "STATE", "CREATED");
	json_foreach (b, json_get(list, "builds")) {
		char *spec = xasprintf("%s@%s", json_str(b, "package", "?"),
				       json_str(b, "version", "?"));

		printf("%-8s %-32s %-10s %s\n", json_str(b, "id", ""), spec,
		       json_str(b, "state", ""), json_str(b, "created", ""));
		free(spec);
	}
}

static void
print_build(const struct json *build)
{
	printf("%s %s@%s: %s\n", json_str(build, "id", ""), json_str(build, "package", "?"),
	       json_str(build, "version", ""), json_str(build, "state", ""));
	json_foreach (job, json_get(build, "jobs")) {
		const char *error =
			json_str(json_get(job, "error"), "message", json_str(job, "hint", NULL));
		const struct json *artifact = json_get(job, "artifact");
		struct buf line = {0};

		if (json_is_object(artifact) && !json_bool(artifact, "load_tested", true))
			error = "not load-tested";
		printable_add(&line, error != NULL ? error : "", 0);
		printf("  %-6s %-24s %-8s %s%s%s\n", json_str(job, "id", ""),
		       json_str(job, "target", ""), json_str(job, "abi", "?"),
		       json_str(job, "state", ""), error != NULL ? ": " : "", line.data);
		buf_fini(&line);
	}
}

int
ctl_status(int argc, char **argv)
{
	static struct opt table[] = {
		CTL_FLAGS,
		{.name = "wait",
		 .text = "go on until the build has ended; fail if it has not succeeded"},
	};
	struct opts o = {
		.usage = "prebuildctl status [BUILD [--wait]] [FLAG…]",
		.about = "Shows one build with its jobs, or the newest builds.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct json *answer = NULL;
	struct progress p = {0};
	struct remote r = {0};
	struct err e = {0};
	bool wait, json;
	char *path;
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	wait = opts_get(&o, "wait")->given;
	json = opts_get(&o, "json")->given;
	if (wait && o.arg_count == 0) {
		err_set(&e, ERR_USAGE, "--wait needs a build, such as b3");
		return ctl_end(&o, NULL, &e);
	}
	if (wait)
		follow_until_interrupted();
	progress_init(&p);
	path = o.arg_count > 0 ? xasprintf("/v1/builds/%s", o.args[0]) : xstrdup("/v1/builds");
	if (ctl_remote(&o, &r, &e) == 0)
		remote_json(&r, "GET", path, NULL, ANSWER_SECONDS, &answer, &e);
	if (answer != NULL && wait && follow_builds(&r, &answer, 1, &p, json, &e) == 0)
		follow_judge(answer, &e);
	progress_clear(&p);
	if (answer != NULL && json)
		ctl_print(json_copy(answer));
	else if (answer != NULL && o.arg_count > 0)
		print_build(answer);
	else if (answer != NULL)
		print_list(answer);
	fflush(stdout);
	progress_fini(&p);
	json_free(answer);
	free(path);
	return ctl_end(&o, &r, &e);
}

static int
to_stdout(const void *data, size_t len, void *arg)
{
	(void)arg;
	if (fwrite(data, 1, len, stdout) != len)
		return -1;
	return fflush(stdout);
}

/* --json: the log as one JSON string in an object. */
static int
to_buf(const void *data, size_t len, void *arg)
{
	buf_add(arg, data, len);
	return 0;
}

int
ctl_logs(int argc, char **argv)
{
	static struct opt table[] = {
		CTL_FLAGS,
		{.name = "follow", .text = "go on until the job has ended"},
	};
	struct opts o = {
		.usage = "prebuildctl logs JOB [--follow] [FLAG…]",
		.about = "Prints the log of a job.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct remote r = {0};
	struct buf text = {0};
	struct err e = {0};
	bool json;
	char *path = NULL;
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	json = opts_get(&o, "json")->given;
	if (o.arg_count != 1) {
		err_set(&e, ERR_USAGE, "give one job, such as j7 (prebuildctl status BUILD)");
	} else if (ctl_remote(&o, &r, &e) == 0) {
		path = xasprintf("/v1/jobs/%s/log%s", o.args[0],
				 opts_get(&o, "follow")->given ? "?follow=1" : "");
		remote_stream(&r, path, json ? to_buf : to_stdout, &text, &e);
	}
	if (json && e.code == 0) {
		struct json *v = json_object();

		json_set_str(v, "job", o.args[0]);
		json_set_str(v, "log", text.data != NULL ? text.data : "");
		ctl_print(v);
	}
	buf_fini(&text);
	free(path);
	return ctl_end(&o, &r, &e);
}

int
ctl_cancel(int argc, char **argv)
{
	static struct opt table[] = {CTL_FLAGS};
	struct opts o = {
		.usage = "prebuildctl cancel BUILD [FLAG…]",
		.about = "Cancels what is not finished and not wanted by another build.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct json *answer = NULL;
	struct remote r = {0};
	struct err e = {0};
	char *path = NULL;
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	if (o.arg_count != 1) {
		err_set(&e, ERR_USAGE, "give one build, such as b3");
	} else if (ctl_remote(&o, &r, &e) == 0) {
		path = xasprintf("/v1/builds/%s", o.args[0]);
		remote_json(&r, "DELETE", path, NULL, ANSWER_SECONDS, &answer, &e);
	}
	if (answer != NULL && opts_get(&o, "json")->given)
		ctl_print(json_copy(answer));
	else if (answer != NULL)
		print_build(answer);
	json_free(answer);
	free(path);
	return ctl_end(&o, &r, &e);
}
