#include "builder/natives/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"

static const struct {
	const char *name;
	bool ready;
} states[] = {
#define X(constant, name, ready) [constant] = {name, ready},
	COVERAGE_STATES(X)
#undef X
};

const char *
coverage_state_name(enum coverage_state state)
{
	return states[state].name;
}

bool
coverage_state_ready(enum coverage_state state)
{
	return states[state].ready;
}

void
coverage_abi_text(struct abi abi, char out[ABI_TEXT_SIZE])
{
	if (abi.kind == ABI_NONE)
		snprintf(out, ABI_TEXT_SIZE, "-");
	else if (abi.kind == ABI_NODE && abi.version == 0)
		snprintf(out, ABI_TEXT_SIZE, "V8");
	else
		abi_text(abi, out);
}

static bool
abi_is(struct abi want, const char *text)
{
	struct abi have;

	return abi_parse(text, &have) == 0 && have.kind == want.kind &&
	       (want.version == 0 || have.version == want.version);
}

static bool
is_of(const struct json *v, const struct native *n)
{
	return strcmp(json_str(v, "package", ""), n->name) == 0 &&
	       strcmp(json_str(v, "version", ""), n->version) == 0;
}

/* ---- classification ---- */

static bool
can_build_for(const struct json *targets, const struct target *t)
{
	json_foreach (v, targets)
		if (strcmp(json_str(v, "target", ""), t->triple) == 0)
			return json_bool(v, "buildable", false);
	return false;
}

/* Takes over the ABI that the service has chosen. */
static bool
is_published(struct coverage_row *row, const struct json *artifacts)
{
	json_foreach (v, artifacts)
		if (is_of(v, row->native) &&
		    strcmp(json_str(v, "target", ""), row->target->triple) == 0 &&
		    abi_is(row->abi, json_str(v, "abi", "")))
			return abi_parse(json_str(v, "abi", ""), &row->abi) == 0;
	return false;
}

static void
set(struct coverage_row *row, enum coverage_state state, char *why)
{
	row->state = state;
	row->why = why;
}

static void
classify(struct coverage_row *row, const struct coverage_wants *w)
{
	const struct native *n = row->native;
	char *platforms = native_platforms_for(n, row->target);
	const char *prebuild = native_prebuild_for(n, row->target, row->abi);
	bool can = can_build_for(w->can, row->target);

	if (is_published(row, w->artifacts))
		set(row, COVERAGE_PUBLISHED, NULL);
	else if (platforms != NULL)
		set(row, COVERAGE_UPSTREAM, xasprintf("installed with it: %s", platforms));
	else if (prebuild != NULL)
		set(row, COVERAGE_UPSTREAM, xasprintf("in the package: %s", prebuild));
	else if (n->gyp && can)
		set(row, COVERAGE_BUILD,
		    n->downloads != NULL
			    ? xasprintf("%s may find one upstream, too; not verified", n->downloads)
			    : NULL);
	else if (n->downloads != NULL)
		set(row, COVERAGE_CLAIMED,
		    xasprintf("%s claims to download it; not verified", n->downloads));
	else if (n->gyp)
		set(row, COVERAGE_NEITHER,
		    xasprintf("no worker has a toolchain for %s", row->target->triple));
	else if (n->platform_count > 0)
		set(row, COVERAGE_NEITHER,
		    xasprintf("none of its %zu packages for platforms is for it",
			      n->platform_count));
	else
		set(row, COVERAGE_NEITHER,
		    xasprintf("it has no binding.gyp; its install runs: %s",
			      n->script != NULL ? n->script : "nothing"));
	free(platforms);
}

static void
add_row(struct coverage *p, const struct native *n, const struct target *t, struct abi abi,
	const struct coverage_wants *w)
{
	struct coverage_row *row;

	p->rows = xrealloc(p->rows, (p->count + 1) * sizeof *p->rows);
	row = &p->rows[p->count++];
	*row = (struct coverage_row){.native = n, .target = t, .abi = abi};
	classify(row, w);
}

void
coverage_add(struct coverage *p, const struct native *n, const struct coverage_wants *w)
{
	for (size_t t = 0; t < w->target_count; t++) {
		bool chosen = false;

		if (!platform_fits(&n->itself, w->targets[t]))
			continue;
		for (size_t a = 0; a < w->abi_count; a++) {
			if (w->abis[a].kind != n->abi.kind)
				continue;
			add_row(p, n, w->targets[t], w->abis[a], w);
			chosen = true;
		}
		if (!chosen)
			add_row(p, n, w->targets[t], n->abi, w);
	}
}

void
coverage_fini(struct coverage *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->rows[i].why);
		free(p->rows[i].build);
	}
	free(p->rows);
	*p = (struct coverage){0};
}

/* ---- building ---- */

static bool
has_string(const struct json *list, const char *s)
{
	json_foreach (v, list)
		if (strcmp(json_string(v, ""), s) == 0)
			return true;
	return false;
}

struct json *
coverage_request(const struct coverage *p, const struct native *n)
{
	struct json *body, *targets = json_array(), *abis = json_array();

	for (size_t i = 0; i < p->count; i++) {
		const struct coverage_row *row = &p->rows[i];
		char abi[ABI_TEXT_SIZE];

		if (row->native != n || row->state != COVERAGE_BUILD)
			continue;
		abi_text(row->abi, abi);
		if (!has_string(targets, row->target->triple))
			json_add_str(targets, row->target->triple);
		if (row->abi.version != 0 && !has_string(abis, abi))
			json_add_str(abis, abi);
	}
	if (json_count(targets) == 0) {
		json_free(targets);
		json_free(abis);
		return NULL;
	}
	body = json_object();
	json_set_str(body, "package", n->name);
	json_set_str(body, "version", n->version);
	json_set(body, "targets", targets);
	/* Without the member the service chooses. */
	if (json_count(abis) > 0)
		json_set(body, "abis", abis);
	else
		json_free(abis);
	return body;
}

static void
update_row(struct coverage_row *row, const struct json *build, const struct json *job)
{
	const char *state = json_str(job, "state", "");
	const struct json *error = json_get(job, "error");

	free(row->why);
	row->why = NULL;
	free(row->build);
	row->build = xstrdup(json_str(build, "id", ""));
	if (strcmp(state, "queued") == 0 || strcmp(state, "running") == 0) {
		row->state = COVERAGE_REQUESTED;
	} else if (strcmp(state, "succeeded") == 0) {
		row->state = COVERAGE_BUILT;
		abi_parse(json_str(job, "abi", ""), &row->abi);
	} else {
		row->state = COVERAGE_FAILED;
		row->why = xasprintf("%s (log: prebuildctl logs %s)",
				     json_str(error, "message", state), json_str(job, "id", ""));
	}
}

/* A job that is not resolved yet has no ABI; it is for the one that the service chooses. */
static bool
is_job_of(const struct json *job, const struct coverage_row *row)
{
	const char *abi = json_str(job, "abi", "");

	return strcmp(json_str(job, "target", ""), row->target->triple) == 0 &&
	       (row->abi.version == 0 || abi[0] == '\0' || abi_is(row->abi, abi));
}

void
coverage_update(struct coverage *p, const struct native *n, const struct json *build)
{
	for (size_t i = 0; i < p->count; i++) {
		struct coverage_row *row = &p->rows[i];

		if (row->native != n ||
		    (row->state != COVERAGE_BUILD && row->state != COVERAGE_REQUESTED))
			continue;
		json_foreach (job, json_get(build, "jobs")) {
			if (is_job_of(job, row)) {
				update_row(row, build, job);
				break;
			}
		}
	}
}

void
coverage_refused(struct coverage *p, const struct native *n, const char *why)
{
	for (size_t i = 0; i < p->count; i++) {
		struct coverage_row *row = &p->rows[i];

		if (row->native != n || row->state != COVERAGE_BUILD)
			continue;
		free(row->why);
		row->why = xstrdup(why);
		row->state = COVERAGE_FAILED;
	}
}

/* ---- telling ---- */

struct json *
coverage_json(const struct coverage *p)
{
	struct json *list = json_array();

	for (size_t i = 0; i < p->count; i++) {
		const struct coverage_row *row = &p->rows[i];
		struct json *o = json_object();
		char abi[ABI_TEXT_SIZE];

		abi_text(row->abi, abi);
		json_set_str(o, "package", row->native->name);
		json_set_str(o, "version", row->native->version);
		json_set_str(o, "abi", row->abi.version != 0 ? abi : NULL);
		json_set_str(o, "target", row->target->triple);
		json_set_str(o, "state", coverage_state_name(row->state));
		json_set_str(o, "why", row->why);
		json_set_str(o, "build", row->build);
		json_add(list, o);
	}
	return list;
}
