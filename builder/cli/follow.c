#include "builder/cli/follow.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/progress.h"

#define POLL_MS        300
#define ANSWER_SECONDS 30
#define RETRY_MS       30000 /* a server that is starting again is waited for */

atomic_bool follow_interrupted;

static void
on_interrupt(int number)
{
	(void)number;
	follow_interrupted = true;
}

void
follow_until_interrupted(void)
{
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
}

bool
follow_is_open(const struct json *build)
{
	const char *state = json_str(build, "state", "");

	return strcmp(state, "queued") == 0 || strcmp(state, "running") == 0;
}

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Replaces an open build by its newer state. */
static int
refresh(const struct remote *r, struct json **build, struct err *e)
{
	char *path = xasprintf("/v1/builds/%s", json_str(*build, "id", ""));
	struct json *newer = NULL;
	int code = remote_json(r, "GET", path, NULL, ANSWER_SECONDS, &newer, e);

	free(path);
	if (code != 0)
		return code;
	json_free(*build);
	*build = newer;
	return 0;
}

static int
refresh_all(const struct remote *r, struct json **builds, size_t count, struct err *e)
{
	for (size_t i = 0; i < count && e->code == 0 && !follow_interrupted; i++)
		if (follow_is_open(builds[i]))
			refresh(r, &builds[i], e);
	return e->code;
}

/* The first that is open; NULL if all have ended. */
static const struct json *
first_open(struct json *const *builds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (follow_is_open(builds[i]))
			return builds[i];
	return NULL;
}

int
follow_builds(const struct remote *r, struct json **builds, size_t count, struct progress *p,
	      bool quiet, struct err *e)
{
	uint64_t unreachable_since = 0;

	while (first_open(builds, count) != NULL && !follow_interrupted) {
		struct err one = {0};

		if (!quiet)
			progress_show(p, builds, count);
		pause_ms(POLL_MS);
		if (refresh_all(r, builds, count, &one) == 0) {
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
		progress_show(p, builds, count);
	if (follow_interrupted && first_open(builds, count) != NULL)
		err_set(e, ERR_INTERRUPTED,
			"stopped following %s; it goes on: prebuildctl status %s",
			json_str(first_open(builds, count), "id", ""),
			json_str(first_open(builds, count), "id", ""));
	return e->code;
}

int
follow_judge(const struct json *build, struct err *e)
{
	const struct json *jobs = json_get(build, "jobs"), *first = NULL;
	size_t failed = 0;

	if (strcmp(json_str(build, "state", ""), "succeeded") == 0)
		return 0;
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
	return e->code;
}
