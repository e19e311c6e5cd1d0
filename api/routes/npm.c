/*
 * npm.c - GET /npm/…: a registry for npm, pnpm, yarn and bun, with packages that need no install script
 * (registry/release.h).
 *
 *   /npm/@prebuildd/NAME                    what versions there are ("packument")
 *   /npm/@prebuildd/NAME/VERSION            one of them
 *   /npm/@prebuildd/NAME/-/NAME-VERSION.tgz
 *
 * Versions are made when somebody asks for the package, of what is published then, and never change.
 *
 *   look (catalog) ─► make what is lacking (pool) ─► record, look again (catalog) ─► reply
 *
 * Source: https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "api/catalog/catalog.h"
#include "api/catalog/npm.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/registry/release.h"
#include "api/registry/tarball.h"
#include "api/routes/content.h"
#include "api/routes/service.h"
#include "api/store/store.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

#define ADDON_MAX    (256u << 20)
#define ENVELOPE_MAX (8u << 20)

/* A version that was made, with what is to be recorded of it. One that can never be made is recorded
 * too, without a manifest, so that nobody has its source read again and again. */
struct made {
	char *version, *path, *manifest;
	char digest[DIGEST_HEX_SIZE];
	bool refused;
};

struct npm_request {
	struct service *service;
	struct http_request *request;
	struct release release;
	char *name, *version; /* version: of one that is asked for, or NULL */
	char *origin;         /* "http://host:port", which URLs of tarballs begin with */
	struct npm_wanted_list lacking;
	struct made *made; /* as many as are lacking */
	struct json *versions;
	uv_work_t work;
};

static void
npm_free(struct npm_request *n)
{
	for (size_t i = 0; i < n->lacking.count; i++) {
		free(n->made[i].version);
		free(n->made[i].path);
		free(n->made[i].manifest);
	}
	free(n->made);
	npm_wanted_fini(&n->lacking);
	json_free(n->versions);
	free(n->name);
	free(n->version);
	free(n->origin);
	free(n);
}

/* npm shows "error". */
static void
not_found(struct http_request *r, const char *text)
{
	struct json *more = json_object();

	json_set_str(more, "error", text);
	reply_problem(r, 404, "not-found", more, "%s", text);
}

/* ---- the answer ---- */

static struct json *
with_urls(const struct json *manifest, const char *origin)
{
	struct json *m = json_copy(manifest), *dist = json_copy(json_get(manifest, "dist"));
	char *url = xasprintf("%s%s", origin, json_str(dist, "tarball", ""));

	json_set_str(dist, "tarball", url);
	json_set(m, "dist", dist);
	free(url);
	return m;
}

static const char *
latest(const struct json *versions)
{
	const char *best = NULL;

	json_foreach (v, versions) {
		if (best == NULL || release_compare(json_name(v), best) > 0)
			best = json_name(v);
	}
	return best;
}

static struct json *
packument(const struct npm_request *n)
{
	const struct json *versions = json_get(n->versions, "versions");
	struct json *o = json_object(), *tags = json_object(), *all = json_object();

	json_foreach (v, versions)
		json_set(all, json_name(v), with_urls(v, n->origin));
	json_set_str(o, "name", n->name);
	json_set_str(tags, "latest", latest(versions));
	json_set(o, "dist-tags", tags);
	json_set(o, "versions", all);
	json_set(o, "time", json_copy(json_get(n->versions, "time")));
	return o;
}

static void
answer(struct npm_request *n)
{
	const struct json *versions = json_get(n->versions, "versions");
	const struct json *one = n->version != NULL ? json_get(versions, n->version) : NULL;
	char *text;

	/* What is there grows: a client asks again whether it has changed. */
	reply_header(n->request, "Cache-Control", "no-cache");
	if (json_first(versions) == NULL) {
		text = xasprintf(
			"nothing of %s is built here yet; build it: prebuildctl build %s@VERSION",
			n->release.package, n->release.package);
		not_found(n->request, text);
		free(text);
	} else if (n->version != NULL && one == NULL) {
		not_found(n->request, "there is no such version of it here");
	} else if (n->version != NULL) {
		reply_json(n->request, 200, with_urls(one, n->origin));
	} else {
		reply_json(n->request, 200, packument(n));
	}
	npm_free(n);
}

/* ---- making what is lacking ---- */

static int
read_blob(struct store *store, const char *hex, size_t limit, struct buf *out, struct err *e)
{
	struct store_file f;
	char path[32];
	int r = store_open_blob(store, hex, &f, e);

	if (r != 0)
		return r;
	snprintf(path, sizeof path, "/proc/self/fd/%d", f.fd);
	r = file_read(path, limit, out, e);
	close(f.fd);
	return r;
}

static int
read_binaries(struct store *store, const struct npm_wanted *w, struct tarball_addon *addons,
	      struct buf *bytes, struct buf *provenances, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->binary_count; i++) {
		r = read_blob(store, w->binaries[i].digest, ADDON_MAX, &bytes[i], e);
		if (r == 0 && w->binaries[i].provenance[0] != '\0')
			r = read_blob(store, w->binaries[i].provenance, ENVELOPE_MAX,
				      &provenances[i], e);
		if (r == 0 && provenances[i].data != NULL)
			buf_add(&provenances[i], "", 1);
		snprintf(addons[i].abi, sizeof addons[i].abi, "%s", w->binaries[i].abi);
		addons[i].data = bytes[i].data;
		addons[i].len = bytes[i].len;
		addons[i].provenance = provenances[i].data;
	}
	return r;
}

/* Completes the manifest with what npm verifies, and puts the tarball into the store. */
static int
keep(struct npm_request *n, struct made *m, const char *temp, struct json *manifest, struct err *e)
{
	struct json *dist = json_object();
	char integrity[DIGEST_INTEGRITY_SIZE];
	struct digest d;

	m->path = xasprintf("/npm/%s/-/%s-%s.tgz", n->name, package_base(n->name), m->version);
	if (digest_integrity(temp, integrity, e) == 0 &&
	    store_put(n->service->store, temp, &d, e) == 0) {
		digest_hex(&d, m->digest);
		json_set_str(dist, "integrity", integrity);
		json_set_str(dist, "tarball", m->path);
		json_set(manifest, "dist", dist);
		m->manifest = json_text(manifest);
		return 0;
	}
	json_free(dist);
	return e->code;
}

static char *
version_of(const struct npm_request *n, const struct npm_wanted *w)
{
	struct buf text = {0};

	if (n->release.target != NULL)
		release_version(w->base, w->revision, &text);
	else
		buf_adds(&text, w->base);
	return buf_take(&text);
}

static int
make(struct npm_request *n, const struct npm_wanted *w, struct made *m, struct err *e)
{
	struct tarball_addon addons[NPM_BINARIES_MAX];
	struct buf bytes[NPM_BINARIES_MAX] = {{0}}, provenances[NPM_BINARIES_MAX] = {{0}};
	struct tarball_spec spec = {
		.package = n->release.package,
		.version = w->base,
		.addon_file = w->file,
		.target = n->release.target,
		.revision = w->revision,
		.addons = addons,
		.addon_count = w->binary_count,
	};
	struct store *store = n->service->store;
	char *temp = xasprintf("%s/npm-XXXXXX", store_temp_dir(store));
	struct json *manifest = NULL;
	struct store_file bundle;

	abi_parse(w->abi, &spec.abi);
	close(mkstemp(temp));
	unlink(temp);
	if (read_binaries(store, w, addons, bytes, provenances, e) == 0 &&
	    store_open_blob(store, w->source, &bundle, e) == 0) {
		spec.bundle = bundle.fd;
		if (tarball_make(&spec, temp, &manifest, e) == 0)
			keep(n, m, temp, manifest, e);
		close(bundle.fd);
	}
	for (size_t i = 0; i < w->binary_count; i++) {
		buf_fini(&bytes[i]);
		buf_fini(&provenances[i]);
	}
	json_free(manifest);
	unlink(temp);
	free(temp);
	return e->code;
}

static void
make_on_pool(uv_work_t *work)
{
	struct npm_request *n = work->data;

	for (size_t i = 0; i < n->lacking.count; i++) {
		struct err e = {0};

		/* A version that cannot be made is not there; the others are. */
		n->made[i].version = version_of(n, &n->lacking.at[i]);
		if (make(n, &n->lacking.at[i], &n->made[i], &e) == 0)
			continue;
		log_warn("npm", "%s@%s error=\"%s\"", n->name, n->made[i].version, e.msg);
		n->made[i].refused =
			e.code == ERR_MALFORMED || e.code == ERR_LIMIT || e.code == ERR_UNSUPPORTED;
	}
}

static int
record_work(struct db *db, void *arg, struct err *e)
{
	struct npm_request *n = arg;

	for (size_t i = 0; i < n->lacking.count; i++) {
		const struct made *m = &n->made[i];

		if (m->manifest != NULL && npm_put(db,
						   &(struct npm_version){.name = n->name,
									 .version = m->version,
									 .of = &n->lacking.at[i],
									 .path = m->path,
									 .digest = m->digest,
									 .manifest = m->manifest},
						   clock_wall_ms(), e) != 0)
			return e->code;
	}
	return npm_versions(db, n->name, &n->versions, e);
}

static void
looked(int r, void *arg, const struct err *e)
{
	struct npm_request *n = arg;

	if (r == 0) {
		answer(n);
		return;
	}
	reply_err(n->request, e);
	npm_free(n);
}

static void
made(uv_work_t *work, int status)
{
	struct npm_request *n = work->data;

	(void)status;
	catalog_submit(n->service->catalog, record_work, looked, n);
}

static int
lack_work(struct db *db, void *arg, struct err *e)
{
	struct npm_request *n = arg;
	const struct target *t = n->release.target;

	if (npm_lacking(db, n->name, n->release.package, t != NULL ? t->triple : NULL, &n->lacking,
			e) != 0)
		return e->code;
	return n->lacking.count == 0 ? npm_versions(db, n->name, &n->versions, e) : 0;
}

static void
lacked(int r, void *arg, const struct err *e)
{
	struct npm_request *n = arg;

	n->made = xcalloc(n->lacking.count + 1, sizeof *n->made);
	if (r != 0 || n->lacking.count == 0) {
		looked(r, n, e);
		return;
	}
	n->work.data = n;
	uv_queue_work(n->service->loop, &n->work, make_on_pool, made);
}

/* ---- tarballs ---- */

struct tarball_request {
	struct service *service;
	struct http_request *request;
	char *path;
	char digest[DIGEST_HEX_SIZE];
};

static int
tarball_work(struct db *db, void *arg, struct err *e)
{
	struct tarball_request *t = arg;

	return npm_tarball(db, t->path, t->digest, e);
}

static void
tarball_done(int r, void *arg, const struct err *e)
{
	struct tarball_request *t = arg;

	if (r != 0)
		reply_err(t->request, e);
	else if (t->digest[0] == '\0')
		not_found(t->request, "there is no such tarball here");
	else
		content_reply(t->service, t->request, t->digest, "application/octet-stream");
	free(t->path);
	free(t);
}

static void
reply_tarball(struct service *s, struct http_request *r, const char *path)
{
	struct tarball_request *t = xcalloc(1, sizeof *t);

	*t = (struct tarball_request){s, r, xasprintf("/npm/%s", path), ""};
	catalog_submit(s->catalog, tarball_work, tarball_done, t);
}

/* What the client calls this service, for the URLs of tarballs; a proxy in front says by which scheme. */
static char *
origin_of(const struct http_request *r)
{
	const char *scheme = http_header(r, "x-forwarded-proto"), *host = http_header(r, "host");
	bool tls = scheme != NULL && strcmp(scheme, "https") == 0;

	return xasprintf("%s://%s", tls ? "https" : "http", host != NULL ? host : "localhost");
}

void
route_npm(struct http_request *r, void *data)
{
	const char *path = http_param(r, "path");
	const char *slash = strchr(path, '/'), *rest;
	struct npm_request *n;

	rest = slash != NULL ? strchr(slash + 1, '/') : NULL;
	if (rest != NULL && strncmp(rest, "/-/", 3) == 0) {
		reply_tarball(data, r, path);
		return;
	}
	n = xcalloc(1, sizeof *n);
	n->service = data;
	n->request = r;
	n->name = rest != NULL ? xstrndup(path, (size_t)(rest - path)) : xstrdup(path);
	n->version = rest != NULL ? xstrdup(rest + 1) : NULL;
	if (release_parse(n->name, &n->release) != 0) {
		not_found(r,
			  "packages here are called " RELEASE_SCOPE "NAME, for what is called NAME "
			  "on npm's registry");
		npm_free(n);
		return;
	}
	n->origin = origin_of(r);
	catalog_submit(n->service->catalog, lack_work, lacked, n);
}
