/*
 * publish.c - PUT /v1/publish/{package}/v{version}/{file}: a CI job publishes what it built
 * elsewhere, under the name that a client would ask for, or the raw name, then ?addon= says what the
 * package calls the file. Audited like everything else; the same
 * addon again is no error, another one under the same name is.
 *
 *   spool ─► staged addon ─► prepare (pool) ─► record (catalog) ─► show (pool) ─► 201
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/catalog.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/publish/publish.h"
#include "api/routes/service.h"
#include "api/sign/provenance.h"
#include "api/store/store.h"
#include "builder/base/buf.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/model/origin.h"
#include "builder/pack/pack.h"

struct publishing {
	struct service *service;
	struct http_request *request;
	char *spool; /* the upload, removed with the request */
	char *addon; /* the file name of an addon that comes without a tarball; or NULL */
	struct name name;
	struct publication publication;
	struct json *artifact;
	uv_work_t work;
	struct err e;
};

static void
publishing_free(struct publishing *p)
{
	publication_fini(&p->publication);
	json_free(p->artifact);
	free(p->spool);
	free(p->addon);
	free(p);
}

static void
reply(struct publishing *p)
{
	const struct publication *pub = &p->publication;
	struct json *more, *report;

	if (p->e.code == ERR_AUDIT) {
		report = json_parse(pub->report, strlen(pub->report), NULL);
		more = json_object();
		json_set(more, "report", report);
		json_set(more, "findings", json_copy(json_get(report, "findings")));
		reply_problem(p->request, 422, "audit-failed", more, "%s", p->e.msg);
	} else if (p->e.code != 0) {
		reply_err(p->request, &p->e);
	} else {
		log_info("publish", "%s@%s target=%s sha256=%s", pub->package, pub->version,
			 pub->target->triple, pub->digest);
		reply_json(p->request, 201, p->artifact);
		p->artifact = NULL;
	}
	publishing_free(p);
}

static void
pool(struct publishing *p, uv_work_cb work, uv_after_work_cb done)
{
	p->work.data = p;
	uv_queue_work(p->service->loop, &p->work, work, done);
}

static void
show_on_pool(uv_work_t *w)
{
	struct publishing *p = w->data;

	publish_show(&p->publication, p->service->store, &p->e);
}

static void
shown(uv_work_t *w, int status)
{
	struct publishing *p = w->data;

	(void)status;
	if (p->e.code == 0)
		service_job_ended(p->service);
	reply(p);
}

static int
record_work(struct db *db, void *arg, struct err *e)
{
	struct publishing *p = arg;
	struct publication *pub = &p->publication;
	char abi[ABI_TEXT_SIZE];

	if (publish_record(pub, db, clock_wall_ms(), e) != 0)
		return e->code;
	abi_text(pub->abi, abi);
	/* The same bytes can stand for another package, too. */
	return artifacts_want_json(
		db, &(struct artifact_want){pub->package, pub->version, abi, pub->target->triple},
		&p->artifact, e);
}

static void
recorded(int r, void *arg, const struct err *e)
{
	struct publishing *p = arg;

	if (r == 0) {
		pool(p, show_on_pool, shown);
		return;
	}
	p->e = *e;
	reply(p);
}

/* The addon of the upload, as a file of its own. */
static int
stage(struct publishing *p, struct err *e)
{
	struct publication *pub = &p->publication;
	struct buf upload = {0};
	char *inside = NULL;
	void *addon = NULL;
	size_t size = 0;

	pub->staged = xasprintf("%s/publish-XXXXXX", store_temp_dir(p->service->store));
	close(mkstemp(pub->staged));
	if (file_read(p->spool, PUBLISH_ADDON_MAX, &upload, e) != 0)
		goto out;
	if (name_is_raw(p->name.layout)) {
		inside = p->addon != NULL ? xstrdup(p->addon)
					  : xasprintf("%s.node", package_base(pub->package));
		size = upload.len;
		addon = buf_take(&upload);
	} else if (pack_find_addon(upload.data != NULL ? upload.data : "", upload.len,
				   PUBLISH_ADDON_MAX, &inside, &addon, &size, e) != 0) {
		goto out;
	}
	pub->file = xstrdup(strrchr(inside, '/') != NULL && !name_is_raw(p->name.layout)
				    ? strrchr(inside, '/') + 1
				    : inside);
	if (!publish_file_valid(pub->file))
		err_set(e, ERR_INVALID, "\"%.60s\" is no addon's name", pub->file);
	else
		file_write(pub->staged, addon != NULL ? addon : "", size, 0644, e);
out:
	buf_fini(&upload);
	free(inside);
	free(addon);
	return e->code;
}

static void
prepare_on_pool(uv_work_t *w)
{
	struct publishing *p = w->data;

	if (stage(p, &p->e) == 0)
		publish_prepare(&p->publication, p->service->store, p->service->signing_key, &p->e);
}

static void
prepared(uv_work_t *w, int status)
{
	struct publishing *p = w->data;

	(void)status;
	if (p->e.code != 0)
		reply(p);
	else
		catalog_submit(p->service->catalog, record_work, recorded, p);
}

void
route_publish(struct http_request *r, void *data)
{
	struct publishing *p = xcalloc(1, sizeof *p);
	struct publication *pub = &p->publication;
	char package[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1];
	struct digest digest;
	const char *file, *addon = http_query(r, "addon");
	uint64_t size;

	p->service = data;
	p->request = r;
	if (!prebuild_split(http_param(r, "path"), package, version, &file) ||
	    name_parse(package, version, file, &p->name) != 0) {
		reply_problem(r, 400, "unknown-name", NULL,
			      "publish under a name that a client asks for, such as "
			      "sqlite3/v6.0.1/sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz");
		publishing_free(p);
		return;
	}
	if (p->name.target == NULL) {
		reply_problem(r, 400, "unsupported-target", NULL, "%s-%s is no target here",
			      p->name.platform, p->name.arch);
		publishing_free(p);
		return;
	}
	if (origin_is_pinned(version)) {
		reply_problem(r, 400, "invalid", NULL,
			      "%s stands for a git commit or an upload that is built here; nothing "
			      "else can be published under it",
			      version);
		publishing_free(p);
		return;
	}
	p->addon = addon != NULL ? xstrdup(addon) : NULL;
	p->spool = xstrdup(http_spool(r, &size, &digest));
	pub->package = xstrdup(p->name.package);
	pub->version = xstrdup(p->name.version);
	pub->abi = p->name.abi;
	pub->target = p->name.target;
	pub->type = PROVENANCE_PUBLISHED;
	pub->source = xstrdup("");
	pub->toolchain = xstrdup("");
	pub->load = publish_not_loaded("not load-tested: it was built elsewhere");
	pool(p, prepare_on_pool, prepared);
}
