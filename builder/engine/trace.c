/*
 * trace.c - which of a job's sources refer to the symbols that its addon is refused for. The link is
 * done once more, and the linker says of each such symbol which object files refer to it. Only a job
 * that is refused pays for that.
 */
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/engine/parts.h"
#include "builder/toolchain/toolchain.h"

#define REFERENCE     ": reference to "
#define SOURCES_SHOWN 3 /* of one symbol */

static bool
is_delimiter(char c)
{
	return c == '\0' || strchr("/(): \t", c) != NULL;
}

/* Does the file name stand in the line, on its own or as the end of a path? */
static bool
has_file(const char *line, const char *name)
{
	for (const char *at = line; (at = strstr(at, name)) != NULL; at++)
		if ((at == line || is_delimiter(at[-1])) && is_delimiter(at[strlen(name)]))
			return true;
	return false;
}

const char *
trace_source(const struct engine *en, const char *line)
{
	for (size_t i = 0; i < en->plan.count; i++) {
		const struct step *s = &en->plan.steps[i];

		/* The names of objects are unique, also as members of an archive. */
		if (s->kind == STEP_COMPILE &&
		    has_file(line, s->argv.at[s->argv.n - 1] + strlen(PLAN_OBJECTS "/")))
			return s->label + strlen("compile ");
	}
	return NULL;
}

/* "0-a.c.o: reference to memfd_create", "/work/src/lib/x.a(b.o): reference to memfd_create". */
static void
add_referrers(const struct engine *en, const char *symbol, const char *output, struct buf *out)
{
	struct strv seen = {0};
	char *copy = xstrdup(output), *save = NULL;

	for (char *line = strtok_r(copy, "\r\n", &save); line != NULL && seen.n < SOURCES_SHOWN;
	     line = strtok_r(NULL, "\r\n", &save)) {
		char *at = strstr(line, REFERENCE);
		const char *name;

		if (at == NULL || strcmp(at + strlen(REFERENCE), symbol) != 0)
			continue;
		*at = '\0';
		name = trace_source(en, line);
		if (name == NULL)
			name = strncmp(line, PLAN_SOURCE "/", strlen(PLAN_SOURCE "/")) == 0
				       ? line + strlen(PLAN_SOURCE "/")
				       : line;
		/* What no file refers to, the linker itself does. */
		if (name[0] == '<' || strv_has(&seen, name))
			continue;
		if (seen.n == 0)
			buf_addf(out, "; %s is referenced by ", symbol);
		buf_addf(out, "%s%s", seen.n > 0 ? ", " : "", name);
		strv_add(&seen, name);
	}
	strv_fini(&seen);
	free(copy);
}

static void
refuse(struct engine *en, const char *referrers)
{
	engine_fail(en, OUTCOME_REFUSED, "audit-failed", "%s%s", en->refusal, referrers);
}

static void
traced(const struct run_end *end, void *arg)
{
	struct command *c = arg;
	struct engine *en = c->engine;
	struct buf text = {0};

	(void)end;
	buf_add(&text, "", 0);
	buf_add(&c->output, "", 0);
	for (size_t i = 0; i < en->blamed.n; i++)
		add_referrers(en, en->blamed.at[i], c->output.data, &text);
	command_flush(c);
	refuse(en, text.data);
	buf_fini(&text);
	command_end(c);
	engine_next(en);
}

static const struct step *
link_step(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_LINK)
			return &plan->steps[i];
	return NULL;
}

void
trace_begin(struct engine *en)
{
	const struct step *link = link_step(&en->plan);
	struct strv argv = {0};

	/* On Windows there is no addon with a symbol that nobody has: the linker refuses it. */
	if (en->blamed.n == 0 || link == NULL || en->spec.toolchain->target->pe_machine != 0) {
		refuse(en, "");
		engine_next(en);
		return;
	}
	engine_say(en, "==> refused; which objects refer to %s%s:", en->blamed.at[0],
		   en->blamed.n > 1 ? " and others" : "");
	strv_extend(&argv, &link->argv);
	for (size_t i = 0; i < en->blamed.n; i++) {
		strv_add(&argv, "-Xlinker");
		strv_addf(&argv, "--trace-symbol=%s", en->blamed.at[i]);
	}
	if (command_start(en, -1, &argv, link->cwd, en->spec.limits.step_ms, traced) != 0)
		engine_next(en);
	strv_fini(&argv);
}
