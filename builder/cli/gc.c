/*
 * gc.c - prebuildctl gc: has the service remove what is too old, too much or of no use, and says what
 * that was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/follow.h"
#include "builder/cli/printable.h"

#define ANSWER_SECONDS 30
#define DAYS_MAX       3650
#define DAY_SECONDS    86400
#define POLL_NS        300000000

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "max-age",
	 .arg = "DAYS",
	 .text = "remove versions that nobody published or asked to be built for so long"},
	{.name = "max-size",
	 .arg = "SIZE",
	 .text = "remove the oldest versions until the store is no larger, such as 20G"},
	{.name = "dry-run", .text = "only say what would be removed"},
};

static struct json *
read_request(struct opts *o, struct err *e)
{
	const struct opt *age = opts_get(o, "max-age"), *size = opts_get(o, "max-size");
	struct json *body = json_object();
	unsigned long long bytes = 0;
	long days = 0;

	if (o->arg_count > 0)
		err_set(e, ERR_USAGE, "unexpected \"%s\"", o->args[0]);
	if (age->given && opt_number(age, 1, DAYS_MAX, &days, e) == 0)
		json_set_int(body, "max_age", (int64_t)days * DAY_SECONDS);
	if (size->given && opt_size(size, &bytes, e) == 0)
		json_set_int(body, "max_size", (int64_t)bytes);
	json_set_bool(body, "dry_run", opts_get(o, "dry-run")->given);
	return body;
}

/* On a terminal, drawn again in place. */
static void
show(const struct json *run)
{
	const struct json *progress = json_get(run, "progress");

	if (!isatty(STDERR_FILENO) || !json_is_object(progress))
		return;
	fputs("\r\033[K", stderr);
	if (json_int(progress, "steps", 0) > 0)
		fprintf(stderr, "looking through the store, step %lld of %lld",
			(long long)json_int(progress, "step", 0),
			(long long)json_int(progress, "steps", 0));
	fflush(stderr);
}

static int
follow(const struct remote *r, struct json **run, struct err *e)
{
	while (strcmp(json_str(*run, "state", ""), "running") == 0 && !follow_interrupted) {
		struct json *newer = NULL;

		show(*run);
		nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
		if (remote_json(r, "GET", "/v1/gc", NULL, ANSWER_SECONDS, &newer, e) != 0)
			break;
		json_free(*run);
		*run = newer;
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (follow_interrupted)
		err_set(e, ERR_INTERRUPTED, "interrupted; the service goes on with it");
	return e->code;
}

/* "1.2 GB" */
static void
print_size(int64_t bytes)
{
	static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
	double n = (double)bytes;
	size_t unit = 0;

	while (n >= 1000 && unit + 1 < ARRAY_SIZE(units)) {
		n /= 1000;
		unit++;
	}
	printf(unit == 0 ? "%.0f %s" : "%.1f %s", n, units[unit]);
}

static void
print_run(const struct json *run)
{
	const struct json *removed = json_get(run, "removed"), *left = json_get(run, "left");
	int64_t listed = 0, versions = json_int(removed, "versions", 0);

	json_foreach (v, json_get(run, "versions")) {
		char *spec =
			xasprintf("%s@%s", json_str(v, "package", ""), json_str(v, "version", ""));
		struct buf line = {0};

		printable_add(&line, strcmp(spec, "@") != 0 ? spec : "(without a name)", 0);
		printf("%-40s %-22s ", line.data, json_str(v, "last", ""));
		print_size(json_int(v, "size", 0));
		putchar('\n');
		buf_fini(&line);
		free(spec);
		listed++;
	}
	if (versions > listed)
		printf("… and %lld more\n", (long long)(versions - listed));
	printf("%s: %lld versions, %lld files, %lld logs; ",
	       json_bool(run, "dry_run", false) ? "would be removed" : "removed",
	       (long long)versions, (long long)json_int(removed, "contents", 0),
	       (long long)json_int(removed, "logs", 0));
	print_size(json_int(removed, "bytes", 0));
	printf("\nin the store: %lld files, ", (long long)json_int(left, "contents", 0));
	print_size(json_int(left, "bytes", 0));
	putchar('\n');
}

static void
judge(const struct json *run, struct err *e)
{
	const struct json *error = json_get(run, "error");

	if (strcmp(json_str(run, "state", ""), "succeeded") != 0)
		err_set(e, err_from_name(json_str(error, "code", "")), "%s",
			json_str(error, "message",
				 "the service knows nothing of it any more; was it restarted?"));
}

int
ctl_gc(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl gc [--max-age DAYS] [--max-size SIZE] [--dry-run] [FLAG…]",
		.about =
			"Has the service remove what nothing refers to any more, and versions of packages that\n"
			"are older, or more, than is wanted. This needs a token with scope admin.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct json *body, *run = NULL;
	struct remote r = {0};
	struct err e = {0};
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	follow_until_interrupted();
	body = read_request(&o, &e);
	if (e.code == 0 && ctl_remote(&o, &r, &e) == 0 &&
	    remote_json(&r, "POST", "/v1/gc", body, ANSWER_SECONDS, &run, &e) == 0 &&
	    follow(&r, &run, &e) == 0) {
		judge(run, &e);
		if (opts_get(&o, "json")->given)
			ctl_print(json_copy(run));
		else
			print_run(run);
	}
	fflush(stdout);
	json_free(run);
	json_free(body);
	return ctl_end(&o, &r, &e);
}
