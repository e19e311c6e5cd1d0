/*
 * check.h - the audit of what a user hands in: an addon, or a client's tarball with one. What
 * `prebuildctl check` and POST /v1/check have in common.
 */
#ifndef BUILDER_CHECK_CHECK_H
#define BUILDER_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "builder/audit/audit.h"
#include "builder/base/err.h"

struct json;

/* Largest addon that is looked at, bytes. */
#define CHECK_ADDON_MAX (512u << 20)

/* Audits `data`, which is called req->file; for a tarball its addon is audited, and the report's file
 * is "tarball:path". *passed says whether there are no errors. load_with: NULL, or
 * the folder of the toolchains with one of which an addon for the target is also loaded (load.h); what
 * does not load has not passed. Returns the report (audit_json), which the caller frees; NULL with e set if a tarball cannot be read or has no addon, or several. */
struct json *check_content(const void *data, size_t len, const struct audit_request *req,
			   const char *load_with, bool *passed, struct err *e);

#endif
