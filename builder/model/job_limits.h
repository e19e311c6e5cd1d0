/*
 * job_limits.h - what one job may use, with the flags that set it: the same for `serve`, which hands
 * them to its embedded worker, and for `worker`. Told by name in errors.
 */
#ifndef BUILDER_MODEL_JOB_LIMITS_H
#define BUILDER_MODEL_JOB_LIMITS_H

#include <stdint.h>

#include "builder/base/err.h"
#include "builder/base/opt.h"

/* X(field, kind, flag, default, text): kind is SECONDS (kept as milliseconds), SIZE (bytes) or
 * COUNT. */
#define JOB_LIMITS(X)                                                                              \
	X(configure_ms, SECONDS, "max-configure-seconds", "120", "time to evaluate binding.gyp")   \
	X(step_ms, SECONDS, "max-step-seconds", "1200", "time of one compilation, link or action") \
	X(build_ms, SECONDS, "max-build-seconds", "2400",                                          \
	  "time of all these of a job, as long as one of them runs")                               \
	X(load_ms, SECONDS, "max-load-seconds", "120", "time of the load test")                    \
	X(resolve_ms, SECONDS, "max-resolve-seconds", "300", "time to resolve dependencies")       \
	X(git_ms, SECONDS, "max-git-seconds", "300", "time to fetch a git repository")             \
	X(mirror_ms, SECONDS, "max-mirror-seconds", "120",                                         \
	  "time to fetch a prebuild of an upstream")                                               \
	X(memory, SIZE, "max-build-memory", "4G", "memory of all processes of a job")              \
	X(disk, SIZE, "max-build-disk", "4G", "what a job may write to disk")                      \
	X(file_size, SIZE, "max-build-file", "1G", "one file of it")                               \
	X(output, SIZE, "max-build-output", "8M", "what one command of a job may print")           \
	X(processes, COUNT, "max-build-processes", "200", "processes of one command")              \
	X(objects, SIZE, "max-compile-cache", "2G",                                                \
	  "compiled objects that are kept for later jobs")                                         \
	X(sources, SIZE, "max-source-cache", "4G", "sources that a worker keeps for later jobs")   \
	X(git_received, SIZE, "max-git", "512M", "what is received of a git repository")           \
	X(mirror_packed, SIZE, "max-mirror", "64M", "a prebuild of an upstream, packed")           \
	X(source_packed, SIZE, "max-source", "128M", "a package's tarball")                        \
	X(source_unpacked, SIZE, "max-source-unpacked", "1G", "a package, unpacked")               \
	X(source_entries, COUNT, "max-source-files", "100000", "its files and folders")

struct job_limits {
#define X(field, kind, flag, value, text) uint64_t field;
	JOB_LIMITS(X)
#undef X
};

/* Entries for a table of flags: JOB_LIMITS(JOB_LIMIT_FLAG) among the others. */
#define JOB_LIMIT_ARG_SECONDS "N"
#define JOB_LIMIT_ARG_COUNT   "N"
#define JOB_LIMIT_ARG_SIZE    "SIZE"
#define JOB_LIMIT_FLAG(field, kind, flag, value_, text_) \
	{.name = flag, .arg = JOB_LIMIT_ARG_##kind, .value = value_, .text = "limit: " text_},

/* The limits of flags whose table has these entries; ERR_USAGE. */
int job_limits_read(struct opts *o, struct job_limits *out, struct err *e);

/* Those of nobody's flags. */
struct job_limits job_limits_default(void);

#endif
