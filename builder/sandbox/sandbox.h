/*
 * sandbox.h - what a hostile build may see and use, as data, and the bubblewrap command line that
 * enforces it. Pure, but for sandbox_seccomp.
 *
 * Inside: all namespaces are new; / is the toolchain's root, read-only; only what is listed in
 * mounts is added; /tmp is a small tmpfs; /proc and /dev are minimal; the environment is exactly
 * `env`; no new privileges, no capabilities; the network is off unless asked for. Limits are per
 * process (setrlimit) but for the number of processes, which counts in the sandbox's own user
 * namespace; sums over all processes, disk and wall time are the engine's (engine/run.h).
 *
 * bubblewrap must run as an ordinary user: a worker that was started as root becomes `nobody`
 * first (workers/privilege.h).
 */
#ifndef BUILDER_SANDBOX_SANDBOX_H
#define BUILDER_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"
#include "builder/base/strv.h"

#define SANDBOX_MOUNTS_MAX 16

/* The descriptor number at which the child must find the seccomp filter. */
#define SANDBOX_SECCOMP_FD 3

/* from NULL: an empty tmpfs. */
struct sandbox_mount {
	const char *from, *to;
	bool writable;
};

struct sandbox_limits {
	unsigned cpu_seconds;   /* per process */
	uint64_t address_space; /* bytes, per process */
	uint64_t file_size;     /* bytes, per file */
	unsigned processes;     /* in the sandbox */
	unsigned open_files;    /* per process */
	uint64_t tmp_size;      /* bytes of /tmp */
};

struct sandbox {
	const char *root;
	struct sandbox_mount mounts[SANDBOX_MOUNTS_MAX];
	size_t mount_count;
	const char *cwd;
	bool network;
	struct sandbox_limits limits;
};

void sandbox_mount(struct sandbox *s, const char *from, const char *to, bool writable);

/* Appends the whole command line: prlimit, bwrap with its options, and argv as the command. env is
 * a list of NAME=VALUE. */
void sandbox_argv(const struct sandbox *s, const struct strv *env, const struct strv *argv,
		  struct strv *out);

/* The seccomp filter as a descriptor that bwrap reads: the caller passes it to the child as
 * SANDBOX_SECCOMP_FD and closes it. Kernel interfaces that a compiler does not need are refused
 * with EPERM; without network, so are sockets other than AF_UNIX. */
int sandbox_seccomp(bool network, int *fd, struct err *e);

/* From here on this process can compute, read and write the descriptors that it has, and exit:
 * anything else kills it. For code that reads hostile bytes; its memory, and its CPU time in
 * seconds, are limited too. */
int sandbox_confine_self(uint64_t memory, unsigned cpu_seconds, struct err *e);

#endif
