#include "builder/cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/printable.h"

#define COLUMNS_MIN 40
#define DIGITS_MIN  8 /* of a digest in a narrow table */

/* The size of the terminal; 0 by 0 if it does not say. */
static void
screen(size_t *columns, size_t *rows)
{
	struct winsize w = {0};

	*columns = *rows = 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0)
		return;
	*columns = w.ws_col > 0 && w.ws_col < COLUMNS_MIN ? COLUMNS_MIN : w.ws_col;
	*rows = w.ws_row;
}

static bool
has_state(const struct json *job, const char *state)
{
	return strcmp(json_str(job, "state", ""), state) == 0;
}

/* What was published without having been loaded says so wherever it is shown. */
static const char *
untested(const struct json *job, const char *text)
{
	const struct json *artifact = json_get(job, "artifact");

	return json_is_object(artifact) && !json_bool(artifact, "load_tested", true) ? text : "";
}

static char *
describe(const struct json *job, bool with_package)
{
	const char *state = json_str(job, "state", "?"), *stage = json_str(job, "stage", "");
	const char *error = json_str(json_get(job, "error"), "message", NULL);
	long long step = json_int(job, "step", 0), steps = json_int(job, "steps", 0);
	const char *target = json_str(job, "target", "source"), *abi = json_str(job, "abi", "");
	char *head = xasprintf("%-24s %-8s ", target, abi), *text;

	if (with_package) {
		free(head);
		head = xasprintf("%s@%s %s %s ", json_str(job, "package", ""),
				 json_str(job, "version", ""), target, abi);
	}

	if (has_state(job, "running") && steps > 0)
		text = xasprintf("%s%s, step %lld of %lld", head, stage, step, steps);
	else if ((has_state(job, "running") || has_state(job, "queued")) && stage[0] != '\0')
		text = xasprintf("%s%s, %s", head, state, stage);
	else if (error != NULL)
		text = xasprintf("%s%s: %s", head, state, error);
	else
		text = xasprintf("%s%s%s", head, state, untested(job, ", not load-tested"));
	free(head);
	return text;
}

/* "b1 sqlite3@6.0.1: 3 of 14 done, 1 failed, 2 running", "3 builds: …" */
static char *
sum_up(struct json *const *builds, size_t count)
{
	size_t done = 0, failed = 0, running = 0, n = 0;
	struct buf text = {0};

	for (size_t i = 0; i < count; i++) {
		json_foreach (job, json_get(builds[i], "jobs")) {
			n++;
			running += has_state(job, "running");
			failed += has_state(job, "failed");
			done += !has_state(job, "running") && !has_state(job, "queued");
		}
	}
	if (count == 1)
		buf_addf(&text, "%s %s@%s: ", json_str(builds[0], "id", ""),
			 json_str(builds[0], "package", "?"), json_str(builds[0], "version", "?"));
	else
		buf_addf(&text, "%zu builds: ", count);
	buf_addf(&text, "%zu of %zu done", done, n);
	if (failed > 0)
		buf_addf(&text, ", %zu failed", failed);
	if (running > 0)
		buf_addf(&text, ", %zu running", running);
	return buf_take(&text);
}

/* What somebody could do about a job that waits; NULL if nothing. */
static const char *
first_hint(struct json *const *builds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_foreach (job, json_get(builds[i], "jobs"))
			if (json_str(job, "hint", NULL) != NULL)
				return json_str(job, "hint", NULL);
	return NULL;
}

void
progress_init(struct progress *p)
{
	const char *term = getenv("TERM");

	*p = (struct progress){.terminal = isatty(STDOUT_FILENO) == 1 && term != NULL &&
					   strcmp(term, "dumb") != 0};
}

/* Goes back to the first line that was drawn and takes all of them away. */
static void
add_erase(struct progress *p, struct buf *out)
{
	if (p->drawn > 0)
		buf_addf(out, "\r\033[%zuA\033[J", p->drawn);
	p->drawn = 0;
}

static void
draw(struct progress *p, struct json *const *builds, size_t count, size_t columns)
{
	struct buf out = {0};
	char *sum = sum_up(builds, count);
	const char *hint = first_hint(builds, count);

	add_erase(p, &out);
	for (size_t i = 0; i < p->state_count; i++) {
		printable_add(&out, p->states[i], columns);
		buf_adds(&out, "\n");
	}
	printable_add(&out, sum, columns);
	buf_adds(&out, "\n");
	p->drawn = p->state_count + 1;
	if (hint != NULL) {
		printable_add(&out, hint, columns);
		buf_adds(&out, "\n");
		p->drawn++;
	}
	/* In one piece, so that nobody sees it half drawn. */
	fwrite(out.data, 1, out.len, stdout);
	free(sum);
	buf_fini(&out);
}

static void
print_change(const struct json *job, const char *text)
{
	const char *hint = json_str(job, "hint", NULL);
	struct buf out = {0};

	printable_add(&out, text, 0);
	if (hint != NULL) {
		buf_adds(&out, ": ");
		printable_add(&out, hint, 0);
	}
	printf("%s\n", out.data);
	buf_fini(&out);
}

/* Replaces what was said of a job; tells it on a line of its own if it is news. */
static void
say(struct progress *p, size_t i, const struct json *job, char *text, bool drawing)
{
	if (i == p->state_count) {
		p->states = xrealloc(p->states, (i + 1) * sizeof *p->states);
		p->states[p->state_count++] = xstrdup("");
	}
	if (!drawing && strcmp(text, p->states[i]) != 0)
		print_change(job, text);
	free(p->states[i]);
	p->states[i] = text;
}

void
progress_show(struct progress *p, struct json *const *builds, size_t count)
{
	size_t n = 0, i = 0, columns, rows;
	bool drawing;

	for (size_t b = 0; b < count; b++)
		n += json_count(json_get(builds[b], "jobs"));
	screen(&columns, &rows);
	/* The cursor stands below the last line, and there may be a hint. */
	drawing = p->terminal && columns > 0 && n + 3 <= rows;
	for (size_t b = 0; b < count; b++)
		json_foreach (job, json_get(builds[b], "jobs"))
			say(p, i++, job, describe(job, count > 1), drawing);
	if (drawing)
		draw(p, builds, count, columns);
	else
		p->drawn = 0;
	fflush(stdout);
}

void
progress_clear(struct progress *p)
{
	struct buf out = {0};

	add_erase(p, &out);
	fwrite(out.data != NULL ? out.data : "", 1, out.len, stdout);
	buf_fini(&out);
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
progress_table(const struct progress *p, const struct json *build)
{
	size_t columns = 0, rows, digits;
	char *head = xasprintf("%-24s %-8s %-10s %9s  SHA-256", "TARGET", "ABI", "STATE", "SIZE");
	struct buf out = {0};

	if (p->terminal)
		screen(&columns, &rows);
	digits = strlen(head) - strlen("SHA-256");
	digits = columns > digits + DIGITS_MIN ? columns - digits : DIGITS_MIN;
	printable_add(&out, head, columns);
	buf_adds(&out, "\n");
	free(head);
	json_foreach (job, json_get(build, "jobs")) {
		const struct json *artifact = json_get(job, "artifact");
		const char *error = json_str(json_get(job, "error"), "message", "");
		char *line;

		if (artifact != NULL && !json_is_null(artifact))
			line = xasprintf(
				"%-24s %-8s %-10s %9lld  %s%.*s", json_str(job, "target", ""),
				json_str(job, "abi", ""), json_str(job, "state", ""),
				(long long)json_int(artifact, "size", 0),
				untested(job, "not load-tested  "), columns > 0 ? (int)digits : -1,
				json_str(artifact, "sha256", ""));
		else
			line = xasprintf("%-24s %-8s %-10s %s%s%s", json_str(job, "target", ""),
					 json_str(job, "abi", ""), json_str(job, "state", ""),
					 json_str(job, "id", ""), error[0] != '\0' ? ": " : "",
					 error);
		printable_add(&out, line, columns);
		buf_adds(&out, "\n");
		free(line);
	}
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
}
