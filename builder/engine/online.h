/*
 * online.h - commands of a resolve job that need the network: npm and git. They run in the sandbox like
 * a build, with the job's scratch folder as all that they can write, and see of the host what a
 * connection takes: resolver, certificates and proxies.
 */
#ifndef BUILDER_ENGINE_ONLINE_H
#define BUILDER_ENGINE_ONLINE_H

#include "builder/engine/run.h"

struct toolchain;

/* A command that works in the folder `cwd` (a path in the sandbox); argv and the callbacks are the
 * caller's to fill in, env and argv to free. toolchain, scratch and limits must outlive the run. */
struct run_spec online_spec(const struct toolchain *toolchain, const char *scratch, const char *cwd,
			    const struct job_limits *limits);

#endif
