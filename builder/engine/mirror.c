#include "builder/engine/mirror.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "builder/audit/audit.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/pack/pack.h"
#include "builder/transfer/fetch.h"

struct mirror {
	uv_loop_t *loop;
	struct mirror_spec spec;
	uv_work_t work;
	atomic_bool cancelled; /* also read by the pool */

	/* Filled on the pool. */
	struct buf log;
	struct err e;
	enum job_outcome outcome;
	const char *code, *url;
	char *tarball, *addon, *inside;
	char digest[DIGEST_HEX_SIZE];
};

static int
fail(struct mirror *m, enum job_outcome outcome, const char *code, const struct err *e)
{
	m->e = *e;
	m->outcome = outcome;
	m->code = code;
	return e->code;
}

/* An answer of the upstream that will not change soon is final; the network may be better next time. */
static int
fail_fetch(struct mirror *m, const struct err *e)
{
	bool final = e->code == ERR_TOO_LARGE || e->code == ERR_LIMIT || e->code == ERR_INVALID ||
		     e->code == ERR_UNSUPPORTED;

	return fail(m, final ? OUTCOME_FAILED : OUTCOME_ERROR, "upstream-failed", e);
}

/* The first of the URLs that is there. All together have the time of one. */
static int
fetch(struct mirror *m)
{
	const struct job_limits *l = &m->spec.limits;
	uint64_t end = clock_mono_ms() + l->mirror_ms, now;
	struct err e = {0};

	for (size_t i = 0; i < m->spec.urls->n; i++) {
		now = clock_mono_ms();
		e = (struct err){0};
		buf_addf(&m->log, "==> fetching %s\n", m->spec.urls->at[i]);
		fetch_file(m->spec.urls->at[i],
			   &(struct fetch_limits){
				   .bytes = l->mirror_packed,
				   .seconds = now < end ? (unsigned)((end - now + 999) / 1000) : 1,
				   .cancel = &m->cancelled,
			   },
			   m->tarball, NULL, &e);
		m->url = m->spec.urls->at[i];
		if (e.code == 0)
			return 0;
		/* S3 says 403 of what is not there to who may not list it. */
		if (e.code != ERR_NOT_FOUND && e.code != ERR_FORBIDDEN)
			return fail_fetch(m, &e);
		buf_addf(&m->log, "%s\n", e.msg);
	}
	err_context(&e, "%zu names tried, the last", m->spec.urls->n);
	return fail(m, OUTCOME_FAILED, "upstream-missing", &e);
}

/* The addon of the tarball, as bytes; its name without a folder is m->inside. */
static int
open_tarball(struct mirror *m, void **addon, size_t *size, struct err *e)
{
	struct buf bytes = {0};
	char *inside = NULL;
	struct digest d;

	if (file_read(m->tarball, m->spec.limits.mirror_packed, &bytes, e) == 0) {
		digest_bytes(bytes.data != NULL ? bytes.data : "", bytes.len, &d);
		digest_hex(&d, m->digest);
		buf_addf(&m->log, "%zu bytes, sha256:%s\n", bytes.len, m->digest);
		pack_find_addon(bytes.data != NULL ? bytes.data : "", bytes.len, MIRROR_ADDON_MAX,
				&inside, addon, size, e);
	}
	if (e->code == 0 && inside != NULL)
		m->inside =
			xstrdup(strrchr(inside, '/') != NULL ? strrchr(inside, '/') + 1 : inside);
	free(inside);
	buf_fini(&bytes);
	return e->code;
}

static int
judge(struct mirror *m, const void *addon, size_t size, struct err *e)
{
	struct audit_request req = {
		.target = m->spec.target, .abi = m->spec.abi, .file = m->inside};
	struct audit_report *report = audit_bytes(addon, size, &req);

	if (!audit_passed(report))
		err_set(e, ERR_AUDIT, "%s", audit_summary(report));
	audit_free(report);
	return e->code;
}

static void
work(uv_work_t *w)
{
	struct mirror *m = w->data;
	struct err e = {0};
	void *addon = NULL;
	size_t size = 0;

	if (fetch(m) != 0)
		return;
	if (open_tarball(m, &addon, &size, &e) != 0)
		fail(m, OUTCOME_FAILED, "upstream-failed", &e);
	else if (judge(m, addon, size, &e) != 0)
		fail(m, OUTCOME_REFUSED, "audit-failed", &e);
	else if (file_write(m->addon, addon, size, 0644, &e) != 0)
		fail(m, OUTCOME_ERROR, "worker-failed", &e);
	free(addon);
}

static void
worked(uv_work_t *w, int status)
{
	struct mirror *m = w->data;
	struct mirror_result result = {
		.outcome = OUTCOME_SUCCEEDED, .addon = m->addon, .file = m->inside, .url = m->url};

	(void)status;
	memcpy(result.tarball, m->digest, sizeof result.tarball);
	if (m->cancelled) {
		result.outcome = OUTCOME_CANCELLED;
		result.code = "cancelled";
		result.error = "the job was cancelled";
	} else if (m->e.code != 0) {
		result.outcome = m->outcome;
		result.code = m->code;
		result.error = m->e.msg;
		buf_addf(&m->log, "==> %s: %s\n", job_outcome_name(m->outcome), m->e.msg);
	} else {
		buf_addf(&m->log, "==> %s is good; it was not loaded\n", m->inside);
	}
	m->spec.on_log(m->log.data, m->log.len, m->spec.arg);
	m->spec.on_done(&result, m->spec.arg);
	buf_fini(&m->log);
	free(m->tarball);
	free(m->addon);
	free(m->inside);
	free(m);
}

struct mirror *
mirror_start(struct uv_loop_s *loop, const struct mirror_spec *spec)
{
	struct mirror *m = xcalloc(1, sizeof *m);

	m->loop = loop;
	m->spec = *spec;
	m->tarball = xasprintf("%s/upstream.tar.gz", spec->scratch);
	m->addon = xasprintf("%s/addon.node", spec->scratch);
	m->spec.on_progress("fetch", 0, 0, m->spec.arg);
	m->work.data = m;
	uv_queue_work(loop, &m->work, work, worked);
	return m;
}

void
mirror_cancel(struct mirror *m)
{
	m->cancelled = true;
}
