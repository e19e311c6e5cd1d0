/*
 * progress.h - builds as they go: on a terminal one line a job and a sum, drawn again in place;
 * elsewhere, and on a terminal with too few lines, a plain line whenever something changes.
 *
 * What is shown may come from a hostile package's build: control characters are not passed on.
 */
#ifndef BUILDER_CLI_PROGRESS_H
#define BUILDER_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct json;

/* Plain data; progress_init to start. */
struct progress {
	bool terminal; /* standard output is one that can go back */
	size_t drawn;  /* lines on the screen that may be drawn again */
	char **states; /* what was said last, per job */
	size_t state_count;
};

void progress_init(struct progress *p);

/* builds: objects of GET /v1/builds/{id}, always the same ones. With several, lines start with the
 * package. */
void progress_show(struct progress *p, struct json *const *builds, size_t count);

/* The end: takes what can be drawn again off the screen, for the table. */
void progress_clear(struct progress *p);
void progress_fini(struct progress *p);

/* The table at the end: one row a job. */
void progress_table(const struct progress *p, const struct json *build);

#endif
