#include "builder/cli/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "builder/base/buf.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/coverage_report.h"
#include "builder/cli/ctl.h"
#include "builder/cli/follow.h"
#include "builder/cli/progress.h"
#include "builder/lockfile/lockfile.h"
#include "builder/natives/coverage.h"
#include "builder/natives/survey.h"
#include "builder/source/registry.h"

#define ANSWER_SECONDS 30
#define WORKER_MS      10000 /* how long a worker that starts together with the service is waited for */
#define POLL_MS        200
#define PAGE           200 /* artifacts a request; the service's most */
#define ABIS_MAX       8   /* … of a build, as the service takes them */

struct run {
	struct opts *o;
	struct remote remote;
	struct lockfile lock;
	struct survey survey;
	struct coverage coverage;
	struct json *can; /* the answer of GET /v1/targets */
	struct json *artifacts;
	const struct target *targets[OPT_VALUES_MAX];
	size_t target_count;
	struct abi abis[ABIS_MAX];
	size_t abi_count;
	struct json **builds; /* as many as builds_of */
	const struct native **builds_of;
	size_t build_count;
};

static bool
given(const struct run *r, const char *flag)
{
	return opts_get(r->o, flag)->given;
}

/* ---- what is wanted ---- */

static int
read_lock(struct run *r, struct err *e)
{
	const char *path = opts_get(r->o, "lock")->value;
	struct buf text = {0};

	if (file_read(path, LOCKFILE_BYTES_MAX, &text, e) == 0 &&
	    lockfile_parse(text.data != NULL ? text.data : "", text.len, &r->lock, e) != 0)
		err_context(e, "%s", path);
	buf_fini(&text);
	return e->code;
}

static int
add_target(struct run *r, const char *name, struct err *e)
{
	const struct target *t = target_find(name);

	if (t == NULL)
		return err_set(e, ERR_USAGE,
			       "--target \"%s\" is not known; see: prebuildctl targets", name);
	for (size_t i = 0; i < r->target_count; i++)
		if (r->targets[i] == t)
			return 0;
	r->targets[r->target_count++] = t;
	return 0;
}

static bool
any_buildable(const struct json *targets)
{
	json_foreach (t, targets)
		if (json_bool(t, "buildable", false))
			return true;
	return false;
}

/* What the service can build. */
static int
ask_targets(struct run *r, struct err *e)
{
	uint64_t until = clock_mono_ms() + WORKER_MS;

	for (;;) {
		if (remote_json(&r->remote, "GET", "/v1/targets", NULL, ANSWER_SECONDS, &r->can,
				e) != 0)
			return e->code;
		if (any_buildable(json_get(r->can, "targets")) || clock_mono_ms() > until ||
		    follow_interrupted)
			return 0;
		json_free(r->can);
		r->can = NULL;
		nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
	}
}

/* Without a flag the target is this machine's. */
static int
read_targets(struct run *r, struct err *e)
{
	const struct opt *named = opts_get(r->o, "target");

	if (ask_targets(r, e) != 0)
		return e->code;
	if (given(r, "all-targets")) {
		json_foreach (t, json_get(r->can, "targets"))
			if (json_bool(t, "buildable", false) && r->target_count < OPT_VALUES_MAX)
				add_target(r, json_str(t, "target", ""), NULL);
		if (r->target_count == 0)
			return err_set(e, ERR_BUSY,
				       "no worker with a toolchain is known; start one, or name "
				       "targets with --target T");
		return 0;
	}
	for (size_t i = 0; i < named->count && e->code == 0; i++)
		add_target(r, named->values[i], e);
	if (named->count == 0 && target_host() != NULL)
		r->targets[r->target_count++] = target_host();
	if (e->code == 0 && r->target_count == 0)
		err_set(e, ERR_USAGE, "give --target T or --all-targets");
	return e->code;
}

static int
read_abis(struct run *r, struct err *e)
{
	const struct opt *abis = opts_get(r->o, "abi");

	for (size_t i = 0; i < abis->count; i++) {
		struct abi abi;

		if (abi_parse(abis->values[i], &abi) != 0 || abi.kind == ABI_ELECTRON)
			return err_set(e, ERR_USAGE,
				       "--abi \"%s\" is not like napi-v9 or node-v137",
				       abis->values[i]);
		if (r->abi_count == ABIS_MAX)
			return err_set(e, ERR_USAGE, "--abi: more than %d", ABIS_MAX);
		r->abis[r->abi_count++] = abi;
	}
	return 0;
}

/* ---- what is there ---- */

static int
survey(struct run *r, struct err *e)
{
	const char *named = opts_get(r->o, "registry")->value;
	char *registry = named != NULL ? xstrdup(named) : registry_configured();
	struct err one = {0};

	if (registry == NULL)
		return err_set(e, ERR_USAGE, "npm names no registry; give --registry URL");
	if (strncmp(registry, "https://", 8) != 0 && strncmp(registry, "http://", 7) != 0) {
		free(registry);
		return err_set(e, ERR_USAGE, "--registry wants an http(s) URL, not \"%s\"", named);
	}
	fprintf(stderr, "prebuildctl: asking the registry about %zu packages (%s)\n", r->lock.count,
		lockfile_format_text(r->lock.format));
	if (survey_lock(&r->lock, registry, &follow_interrupted, &r->survey, &one) == ERR_CANCELLED)
		err_set(e, ERR_INTERRUPTED, "stopped; nothing was requested");
	else
		*e = one;
	for (size_t i = 0; i < opts_get(r->o, "skip")->count; i++)
		survey_skip(&r->survey, opts_get(r->o, "skip")->values[i]);
	free(registry);
	return e->code;
}

/* All that is published of a package version, page by page. */
static int
ask_for(struct run *r, const struct native *n, struct err *e)
{
	char limit[16], *cursor = NULL;

	snprintf(limit, sizeof limit, "%d", PAGE);
	do {
		struct json *page = NULL;
		struct buf path = {0};

		buf_adds(&path, "/v1/artifacts");
		remote_add_query(&path, "package", n->name);
		remote_add_query(&path, "version", n->version);
		remote_add_query(&path, "limit", limit);
		if (cursor != NULL)
			remote_add_query(&path, "cursor", cursor);
		free(cursor);
		cursor = NULL;
		if (remote_json(&r->remote, "GET", path.data, NULL, ANSWER_SECONDS, &page, e) ==
		    0) {
			json_foreach (a, json_get(page, "artifacts"))
				json_add(r->artifacts, json_copy(a));
			if (json_str(page, "cursor", NULL) != NULL)
				cursor = xstrdup(json_str(page, "cursor", NULL));
		}
		json_free(page);
		buf_fini(&path);
	} while (cursor != NULL);
	return e->code;
}

static int
make_coverage(struct run *r, struct err *e)
{
	struct coverage_wants wants = {
		.targets = r->targets,
		.target_count = r->target_count,
		.abis = r->abis,
		.abi_count = r->abi_count,
		.can = json_get(r->can, "targets"),
	};

	r->artifacts = json_array();
	wants.artifacts = r->artifacts;
	for (size_t i = 0; i < r->survey.count; i++) {
		if (ask_for(r, &r->survey.natives[i], e) != 0)
			break;
		coverage_add(&r->coverage, &r->survey.natives[i], &wants);
	}
	return e->code;
}

/* ---- building ---- */

/* A package that is refused is told with its rows; without the service there is nothing to go on. */
static int
request(struct run *r, const struct native *n, struct err *e)
{
	struct json *body = coverage_request(&r->coverage, n), *build = NULL;
	struct err one = {0};

	if (body == NULL)
		return 0;
	if (remote_json(&r->remote, "POST", "/v1/builds", body, ANSWER_SECONDS, &build, &one) ==
	    0) {
		r->builds[r->build_count] = build;
		r->builds_of[r->build_count++] = n;
	} else if (one.code == ERR_UNREACHABLE || err_exit(one.code) == err_exit(ERR_FORBIDDEN)) {
		*e = one;
	} else {
		coverage_refused(&r->coverage, n, one.msg);
	}
	json_free(body);
	return e->code;
}

static int
build(struct run *r, struct err *e)
{
	struct progress p;

	r->builds = xcalloc(r->survey.count + 1, sizeof *r->builds);
	r->builds_of = xcalloc(r->survey.count + 1, sizeof *r->builds_of);
	for (size_t i = 0; i < r->survey.count && e->code == 0; i++)
		request(r, &r->survey.natives[i], e);
	progress_init(&p);
	if (e->code == 0 && r->build_count > 0 && !given(r, "no-wait"))
		follow_builds(&r->remote, r->builds, r->build_count, &p, given(r, "json"), e);
	progress_clear(&p);
	progress_fini(&p);
	for (size_t i = 0; i < r->build_count; i++)
		coverage_update(&r->coverage, r->builds_of[i], r->builds[i]);
	return e->code;
}

/* ---- the end ---- */

/* A package that the registry should have had may be one that is missing. */
static void
judge(const struct run *r, struct err *e)
{
	const struct coverage *c = &r->coverage;
	const struct coverage_row *first = NULL;
	size_t bad = 0, claimed = 0, unknown = 0;

	for (size_t i = 0; i < c->count; i++) {
		claimed += c->rows[i].state == COVERAGE_CLAIMED;
		if (coverage_state_ready(c->rows[i].state))
			continue;
		if (bad++ == 0)
			first = &c->rows[i];
	}
	for (size_t i = 0; i < r->survey.gap_count; i++)
		unknown += r->survey.gaps[i].asked;
	if (claimed > 0)
		fprintf(stderr,
			"prebuildctl: %zu of %zu depend on what upstream's hosts have; that was not "
			"verified\n",
			claimed, c->count);
	if (first != NULL)
		err_set(e, ERR_BUILD, "%zu of %zu are not there; the first is %s@%s for %s: %s",
			bad, c->count, first->native->name, first->native->version,
			first->target->triple, coverage_state_name(first->state));
	else if (unknown > 0)
		err_set(e, ERR_BUILD,
			"%zu packages could not be looked at; --skip those that do not "
			"matter",
			unknown);
}

static void
run_fini(struct run *r)
{
	coverage_fini(&r->coverage);
	survey_fini(&r->survey);
	lockfile_fini(&r->lock);
	for (size_t i = 0; i < r->build_count; i++)
		json_free(r->builds[i]);
	free(r->builds);
	free(r->builds_of);
	json_free(r->artifacts);
	json_free(r->can);
}

int
lock_run(struct opts *o)
{
	struct run r = {.o = o};
	struct err e = {0};

	follow_until_interrupted();
	if (o->arg_count > 0)
		err_set(&e, ERR_USAGE, "give a PACKAGE@VERSION or --lock FILE, not both");
	else if (given(&r, "plan") && given(&r, "no-wait"))
		err_set(&e, ERR_USAGE, "--plan requests nothing; --no-wait goes without it");
	if (e.code == 0 && read_abis(&r, &e) == 0 && read_lock(&r, &e) == 0 &&
	    ctl_remote(o, &r.remote, &e) == 0 && read_targets(&r, &e) == 0 && survey(&r, &e) == 0 &&
	    make_coverage(&r, &e) == 0) {
		if (!given(&r, "plan"))
			build(&r, &e);
		if (given(&r, "json"))
			ctl_print(coverage_report_json(&r.coverage, &r.survey, &r.lock));
		else
			coverage_report_table(&r.coverage, &r.survey, &r.lock);
		fflush(stdout);
		if (e.code == 0)
			judge(&r, &e);
	}
	run_fini(&r);
	return ctl_end(o, &r.remote, &e);
}
