/*
 * mirror.h - one mirror job: fetches a prebuild that others have built and judges it as what is built
 * here is judged, but does not load it.
 *
 * URLs are tried in their order until one is there. What comes is hostile: a tarball of limited size
 * with nothing but plain files inside, of which exactly one is an addon.
 */
#ifndef BUILDER_ENGINE_MIRROR_H
#define BUILDER_ENGINE_MIRROR_H

#include "builder/base/digest.h"
#include "builder/base/strv.h"
#include "builder/model/abi.h"
#include "builder/model/job.h"
#include "builder/model/job_limits.h"

struct mirror;
struct target;
struct uv_loop_s;

#define MIRROR_ADDON_MAX (256u << 20) /* bytes of the addon in the tarball */

/* Valid during on_done. */
struct mirror_result {
	enum job_outcome outcome;
	const char *code, *error;
	const char *addon;             /* path below the scratch folder */
	const char *file;              /* its name in the tarball, "node_sqlite3.node" */
	const char *url;               /* what it was found at … */
	char tarball[DIGEST_HEX_SIZE]; /* … and the digest of what came from there */
};

struct mirror_spec {
	const struct strv *urls; /* as long as the job */
	const struct target *target;
	struct abi abi;
	const char *scratch;
	struct job_limits limits;
	void (*on_log)(const char *text, size_t len, void *arg);
	void (*on_progress)(const char *stage, unsigned step, unsigned steps, void *arg);
	void (*on_done)(const struct mirror_result *result, void *arg);
	void *arg;
};

/* As engine_start: on_done comes exactly once, on the loop, never before this has returned. */
struct mirror *mirror_start(struct uv_loop_s *loop, const struct mirror_spec *spec);
void mirror_cancel(struct mirror *m);

#endif
