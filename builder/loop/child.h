/*
 * child.h - a child process on the loop: its output, its deadline, its end.
 *
 * A child has ended when it has exited and its pipe is at end of file; if a descendant keeps the
 * pipe open, its whole process group is killed after a grace time.
 */
#ifndef BUILDER_LOOP_CHILD_H
#define BUILDER_LOOP_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;
struct child;

/* How it ended. reason: NULL, or why we killed it ("timeout", "output limit", …). */
struct child_result {
	int64_t status;
	int signal;
	const char *reason;
};

struct child_options {
	char *const *argv;
	char *const *env; /* NULL: ours */
	const char *cwd;  /* NULL: ours */
	int seccomp_fd;   /* handed to the child as descriptor 3; -1 for none */
	uint64_t timeout_ms;
	uint64_t output_max; /* bytes of stdout and stderr together; more kills it */

	/* stdout and stderr, as they come, on the loop thread. May be NULL. */
	void (*on_output)(const char *data, size_t len, void *arg);
	/* Exactly once; never before child_start has returned; on the loop thread; the caller touches
	 * the child no more after it. */
	void (*on_end)(const struct child_result *result, void *arg);
	void *arg;
};

/* Starts argv[0] (found in PATH) as the leader of a new process group. 0 or -errno; on failure
 * nothing calls back. */
int child_start(struct uv_loop_s *loop, const struct child_options *options, struct child **out);

int child_pid(const struct child *c);

/* Kills the process group; on_end still comes, with this reason (a static string). */
void child_kill(struct child *c, const char *reason);

#endif
