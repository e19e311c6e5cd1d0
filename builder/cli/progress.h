/*
 * progress.h - a build as it goes: on a terminal one line a job, drawn again in place; elsewhere a
 * plain line whenever something changes.
 */
#ifndef BUILDER_CLI_PROGRESS_H
#define BUILDER_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct json;

/* Plain data; {0} to start. terminal: whether lines may be drawn again. */
struct progress {
	bool terminal;
	size_t drawn;  /* lines on the screen */
	char **states; /* what was said last, per job */
	size_t state_count;
};

/* build: the object of GET /v1/builds/{id}. */
void progress_show(struct progress *p, const struct json *build);
void progress_fini(struct progress *p);

/* The table at the end: one row a job. */
void progress_table(const struct json *build);

#endif
