#include "builder/natives/survey.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/job_limits.h"
#include "builder/source/registry.h"
#include "builder/source/unpack.h"

#define FETCH_SECONDS 120
#define SOURCE_DEPTH  40 /* as of a build's source */

/* What was found about a package; belongs to the thread that took it until all have ended. */
struct look {
	struct json *manifest;
	struct native native;
	struct err e;
};

struct crowd {
	const struct lockfile *l;
	const char *registry;
	atomic_bool *cancel;
	struct job_limits limits;
	struct look *looks; /* one a package, in the same order */
	atomic_size_t next;
	atomic_bool stop; /* one has failed in a way that the others would, too */
};

/* Of this package only; the next one may be known. */
static bool
is_gap(int code)
{
	return code == ERR_NOT_FOUND || code == ERR_UNSUPPORTED || code == ERR_MALFORMED ||
	       code == ERR_DIGEST || code == ERR_LIMIT || code == ERR_TOO_LARGE;
}

static int
unpack_and_read(const struct crowd *c, const struct registry_version *v, struct look *look)
{
	struct fetch_limits fetch = {
		.bytes = c->limits.source_packed, .seconds = FETCH_SECONDS, .cancel = c->cancel};
	const struct unpack_limits unpack = {.bytes = c->limits.source_unpacked,
					     .entries = c->limits.source_entries,
					     .depth = SOURCE_DEPTH,
					     .strip = 1};
	const char *tmp = getenv("TMPDIR");
	char *scratch = xasprintf("%s/prebuildctl-XXXXXX", tmp != NULL ? tmp : "/tmp");
	char *tarball, *folder;
	int r;

	if (mkdtemp(scratch) == NULL) {
		free(scratch);
		return err_set(&look->e, ERR_INTERNAL,
			       "no scratch folder can be made below TMPDIR");
	}
	tarball = xasprintf("%s/package.tgz", scratch);
	folder = xasprintf("%s/package", scratch);
	r = registry_tarball(v, &fetch, tarball, NULL, &look->e);
	if (r == 0)
		r = file_mkdirs(folder, 0755, &look->e);
	if (r == 0)
		r = unpack_file(tarball, folder, &unpack, &look->e);
	if (r == 0)
		native_read(look->manifest, folder, &look->native);
	file_remove_tree(scratch, NULL);
	free(folder);
	free(tarball);
	free(scratch);
	return r;
}

/* A lock file may have several hashes, or only an old one. */
static bool
is_what_is_pinned(const struct locked *p, const char *integrity)
{
	return p->integrity == NULL || strstr(p->integrity, "sha512-") == NULL ||
	       strstr(p->integrity, integrity) != NULL;
}

static void
look_at(const struct crowd *c, const struct locked *p, struct look *look)
{
	struct fetch_limits fetch = {.seconds = FETCH_SECONDS, .cancel = c->cancel};
	struct registry_version v;

	if (registry_manifest_get(c->registry, p->name, p->version, &fetch, &v, &look->e) != 0)
		return;
	if (!is_what_is_pinned(p, v.integrity))
		err_set(&look->e, ERR_DIGEST,
			"the registry has other bytes for it than the lock file pins (integrity)");
	else
		look->manifest = json_parse(v.manifest, strlen(v.manifest), &look->e);
	if (look->manifest != NULL && native_runs_at_install(look->manifest))
		unpack_and_read(c, &v, look);
	else if (look->manifest != NULL)
		native_read(look->manifest, NULL, &look->native);
	registry_version_fini(&v);
}

static void *
work(void *arg)
{
	struct crowd *c = arg;
	size_t i;

	while (!c->stop && (i = atomic_fetch_add(&c->next, 1)) < c->l->count) {
		const struct locked *p = &c->l->packages[i];

		if (p->plain || p->version == NULL)
			continue;
		look_at(c, p, &c->looks[i]);
		if (c->looks[i].e.code != 0 && !is_gap(c->looks[i].e.code))
			c->stop = true;
	}
	return NULL;
}

static void
look_at_all(struct crowd *c)
{
	pthread_t threads[SURVEY_THREADS - 1];
	size_t n = 0;

	/* This thread works, too: with none to be had beside it, it takes longer. */
	while (n < ARRAY_SIZE(threads) && pthread_create(&threads[n], NULL, work, c) == 0)
		n++;
	work(c);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

static void
add_platforms(const struct crowd *c, struct look *look)
{
	const struct lockfile *l = c->l;

	json_foreach (d, json_get(look->manifest, "optionalDependencies")) {
		const struct locked *p = lockfile_find(l, json_name(d), json_string(d, ""));

		if (p != NULL && c->looks[p - l->packages].manifest != NULL)
			native_add_platform(&look->native, c->looks[p - l->packages].manifest);
	}
}

static void
add_gap(struct survey *s, const struct locked *p, bool asked, char *reason)
{
	s->gaps = xrealloc(s->gaps, (s->gap_count + 1) * sizeof *s->gaps);
	s->gaps[s->gap_count++] = (struct survey_gap){
		.name = p->name, .version = p->version, .asked = asked, .reason = reason};
}

static void
collect(const struct crowd *c, struct survey *out)
{
	for (size_t i = 0; i < c->l->count; i++) {
		const struct locked *p = &c->l->packages[i];
		struct look *look = &c->looks[i];

		if (p->version == NULL)
			add_gap(out, p, false, xasprintf("not of a registry: %s", p->from));
		else if (look->e.code != 0)
			add_gap(out, p, true, xstrdup(look->e.msg));
		if (look->e.code != 0 || look->manifest == NULL)
			continue;
		add_platforms(c, look);
		if (!native_is_one(&look->native))
			continue;
		out->natives = xrealloc(out->natives, (out->count + 1) * sizeof *out->natives);
		out->natives[out->count++] = look->native;
		look->native = (struct native){0};
	}
}

int
survey_lock(const struct lockfile *l, const char *registry, atomic_bool *cancel, struct survey *out,
	    struct err *e)
{
	struct crowd c = {.l = l,
			  .registry = registry,
			  .cancel = cancel,
			  .limits = job_limits_default(),
			  .looks = xcalloc(l->count + 1, sizeof *c.looks)};
	int r = 0;

	*out = (struct survey){0};
	look_at_all(&c);
	for (size_t i = 0; i < l->count && r == 0; i++)
		if (c.looks[i].e.code != 0 && !is_gap(c.looks[i].e.code))
			r = err_set(e, c.looks[i].e.code, "%s", c.looks[i].e.msg);
	if (r == 0)
		collect(&c, out);
	for (size_t i = 0; i < l->count; i++) {
		json_free(c.looks[i].manifest);
		native_fini(&c.looks[i].native);
	}
	free(c.looks);
	return r;
}

void
survey_fini(struct survey *s)
{
	for (size_t i = 0; i < s->count; i++)
		native_fini(&s->natives[i]);
	for (size_t i = 0; i < s->gap_count; i++)
		free(s->gaps[i].reason);
	free(s->natives);
	free(s->gaps);
	*s = (struct survey){0};
}

void
survey_skip(struct survey *s, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->natives[i].name, name) == 0)
			native_fini(&s->natives[i]);
		else
			s->natives[kept++] = s->natives[i];
	}
	s->count = kept;
	kept = 0;
	for (size_t i = 0; i < s->gap_count; i++) {
		if (strcmp(s->gaps[i].name, name) == 0)
			free(s->gaps[i].reason);
		else
			s->gaps[kept++] = s->gaps[i];
	}
	s->gap_count = kept;
}
