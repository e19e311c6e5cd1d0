/*
 * runs_on.h - where a file runs, in the words of people who choose systems: releases of
 * distributions by their C library, releases of Node by their ABI.
 */
#ifndef BUILDER_AUDIT_RUNS_ON_H
#define BUILDER_AUDIT_RUNS_ON_H

#include "builder/audit/report.h"

struct json;

/* {"systems":["Debian 12","Ubuntu 22.04",…],"node":"12.17, 14 and later"}: of each distribution the
 * oldest release that has what the report says is needed, none if no known release has it (of
 * macOS what the file says itself; empty for Windows); node is null if the ABI is not known. The caller frees it. */
struct json *runs_on_json(const struct audit_report *r);

#endif
