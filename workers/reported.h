/*
 * reported.h - what a worker reports about a build that succeeded, for its provenance
 * (docs/worker-protocol.md, "addon.provenance").
 */
#ifndef WORKERS_REPORTED_H
#define WORKERS_REPORTED_H

struct electron_release;
struct json;
struct toolchain;

/* {"commands": […], "toolchain": {…}}, for Electron also "headers": {version, digest}; the caller frees it. Commands that would make the result longer
 * than the service takes are left out, and counted as "commandsOmitted". */
struct json *reported_make(const struct json *commands, const struct toolchain *toolchain,
			   const struct electron_release *electron);

#endif
