#include "builder/cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"

static char *
describe(const struct json *job)
{
	const char *state = json_str(job, "state", "?"), *stage = json_str(job, "stage", "");
	const char *target = json_str(job, "target", "source"), *abi = json_str(job, "abi", "");
	const char *error = json_str(json_get(job, "error"), "message", NULL);
	long long step = json_int(job, "step", 0), steps = json_int(job, "steps", 0);

	if (strcmp(state, "running") == 0 && steps > 0)
		return xasprintf("%-24s %-8s %s, step %lld of %lld", target, abi, stage, step,
				 steps);
	if (strcmp(state, "running") == 0 || (strcmp(state, "queued") == 0 && stage[0] != '\0'))
		return xasprintf("%-24s %-8s %s, %s", target, abi, state, stage);
	if (error != NULL)
		return xasprintf("%-24s %-8s %s: %s", target, abi, state, error);
	return xasprintf("%-24s %-8s %s", target, abi, state);
}

void
progress_show(struct progress *p, const struct json *build)
{
	const struct json *jobs = json_get(build, "jobs");
	size_t n = json_count(jobs), i = 0;

	if (p->terminal && p->drawn > 0)
		printf("\033[%zuA", p->drawn);
	while (p->state_count < n) {
		p->states = xrealloc(p->states, (p->state_count + 1) * sizeof *p->states);
		p->states[p->state_count++] = xstrdup("");
	}
	json_foreach (job, jobs) {
		char *text = describe(job);

		if (p->terminal)
			printf("\r\033[K%.200s\n", text);
		else if (strcmp(text, p->states[i]) != 0)
			printf("%s\n", text);
		free(p->states[i]);
		p->states[i++] = text;
	}
	p->drawn = n;
	fflush(stdout);
}

void
progress_fini(struct progress *p)
{
	for (size_t i = 0; i < p->state_count; i++)
		free(p->states[i]);
	free(p->states);
	*p = (struct progress){0};
}

void
progress_table(const struct json *build)
{
	printf("\n%-24s %-8s %-10s %10s  %s\n", "TARGET", "ABI", "STATE", "SIZE", "SHA-256");
	json_foreach (job, json_get(build, "jobs")) {
		const struct json *artifact = json_get(job, "artifact");

		printf("%-24s %-8s %-10s %10lld  %s\n", json_str(job, "target", ""),
		       json_str(job, "abi", ""), json_str(job, "state", ""),
		       (long long)json_int(artifact, "size", 0),
		       json_str(artifact, "sha256", json_str(job, "id", "")));
	}
}
