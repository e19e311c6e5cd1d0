#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/progress.h"
#include "builder/model/package.h"
#include "builder/model/target.h"

#define POLL_MS        300
#define ANSWER_SECONDS 30
#define RETRY_MS       30000 /* a server that is starting again is waited for */

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "target",
	 .arg = "T",
	 .many = true,
	 .text = "a target, such as aarch64-linux-gnu or linux-arm64 (default: this machine's)"},
	{.name = "all-targets", .text = "every target for which a worker has a toolchain"},
	{.name = "abi",
	 .arg = "A",
	 .many = true,
	 .text = "such as napi-v6 (default: what the package asks for)"},
	{.name = "no-wait", .text = "only request it"},
};

static atomic_bool interrupted;

static void
on_interrupt(int number)
{
	(void)number;
	interrupted = true;
}

static struct json *
request_body(struct opts *o, const char *package, const char *version, struct err *e)
{
	const struct opt *targets = opts_get(o, "target"), *abis = opts_get(o, "abi");
	struct json *body = json_object(), *list;

	json_set_str(body, "package", package);
	json_set_str(body, "version", version);
	if (opts_get(o, "all-targets")->given) {
		json_set_str(body, "targets", "all");
	} else {
		list = json_array();
		for (size_t i = 0; i < targets->count; i++)
			json_add_str(list, targets->values[i]);
		if (targets->count == 0 && target_host() != NULL)
			json_add_str(list, target_host()->triple);
		if (json_count(list) == 0)
			err_set(e, ERR_USAGE, "give --target T or --all-targets");
		json_set(body, "targets", list);
	}
	if (abis->count > 0) {
		list = json_array();
		for (size_t i = 0; i < abis->count; i++)
			json_add_str(list, abis->values[i]);
		json_set(body, "abis", list);
	}
	return body;
}

static bool
is_open(const struct json *build)
{
	const char *state = json_str(build, "state", "");

	return strcmp(state, "queued") == 0 || strcmp(state, "running") == 0;
}

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Follows the build to its end. *build is replaced by each newer state. */
static int
follow(const struct remote *r, struct json **build, struct progress *p, bool quiet, struct err *e)
{
	char *path = xasprintf("/v1/builds/%s", json_str(*build, "id", ""));
	uint64_t unreachable_since = 0;

	while (is_open(*build) && !interrupted) {
		struct json *newer = NULL;
		struct err one = {0};

		if (!quiet)
			progress_show(p, *build);
		pause_ms(POLL_MS);
		if (remote_json(r, "GET", path, NULL, ANSWER_SECONDS, &newer, &one) == 0) {
			json_free(*build);
			*build = newer;
			unreachable_since = 0;
			continue;
		}
		if (unreachable_since == 0)
			unreachable_since = clock_mono_ms();
		if (one.code != ERR_UNREACHABLE || clock_mono_ms() - unreachable_since > RETRY_MS) {
			*e = one;
			break;
		}
	}
	if (!quiet)
		progress_show(p, *build);
	if (interrupted)
		err_set(e, ERR_INTERRUPTED,
			"stopped following %s; it goes on: prebuildctl status %s",
			json_str(*build, "id", ""), json_str(*build, "id", ""));
	free(path);
	return e->code;
}

static void
judge(const struct json *build, struct err *e)
{
	const struct json *jobs = json_get(build, "jobs"), *first = NULL;
	size_t failed = 0;

	if (strcmp(json_str(build, "state", ""), "succeeded") == 0)
		return;
	json_foreach (job, jobs) {
		if (strcmp(json_str(job, "state", ""), "failed") != 0)
			continue;
		if (failed++ == 0)
			first = job;
	}
	if (first == NULL)
		err_set(e, ERR_CANCELLED, "the build is %s", json_str(build, "state", ""));
	else
		err_set(e, ERR_BUILD, "%s: %.300s (log: prebuildctl logs %s)",
			json_str(first, "target", ""),
			json_str(json_get(first, "error"), "message", "failed"),
			json_str(first, "id", ""));
	if (failed > 1)
		err_context(e, "%zu of %zu failed; the first is %s", failed, json_count(jobs),
			    json_str(first, "id", ""));
}

/* The targets that "all" did not include. */
static void
tell_left_out(const struct json *list)
{
	if (json_count(list) == 0)
		return;
	fprintf(stderr, "prebuildctl: left out, because no worker has a toolchain:");
	json_foreach (target, list)
		fprintf(stderr, " %s", json_string(target, ""));
	fprintf(stderr, "\n");
}

int
ctl_build(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl build PKG@VER [--target T]… [FLAG…]",
		.about = "Requests a build and follows it to the end.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	char package[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1];
	struct json *body = NULL, *build = NULL, *left_out = NULL;
	struct progress p = {0};
	struct remote r = {0};
	struct err e = {0};
	bool json;
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	json = opts_get(&o, "json")->given;
	if (o.arg_count != 1 || package_parse_spec(o.args[0], package, version) != 0) {
		err_set(&e, ERR_USAGE, "give one PACKAGE@VERSION, such as sqlite3@6.0.1");
		return ctl_end(&o, NULL, &e);
	}
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	body = request_body(&o, package, version, &e);
	if (e.code == 0 && ctl_remote(&o, &r, &e) == 0)
		remote_json(&r, "POST", "/v1/builds", body, ANSWER_SECONDS, &build, &e);
	if (json_get(build, "left_out") != NULL)
		left_out = json_copy(json_get(build, "left_out"));
	progress_init(&p);
	if (e.code == 0 && !opts_get(&o, "no-wait")->given && follow(&r, &build, &p, json, &e) == 0)
		judge(build, &e);
	if (build != NULL && json) {
		ctl_print(json_copy(build));
	} else if (build != NULL && opts_get(&o, "no-wait")->given) {
		printf("%s\n", json_str(build, "id", ""));
	} else if (build != NULL && !is_open(build)) {
		progress_clear(&p);
		progress_table(&p, build);
	}
	fflush(stdout);
	tell_left_out(left_out);
	progress_fini(&p);
	json_free(left_out);
	json_free(body);
	json_free(build);
	return ctl_end(&o, &r, &e);
}
