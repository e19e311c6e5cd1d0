/*
 * lock.h - prebuildctl build --lock: everything native that a lock file pins, planned and built.
 */
#ifndef BUILDER_CLI_LOCK_H
#define BUILDER_CLI_LOCK_H

struct opts;

/* The command with the flags of `build`; frees them, and returns the exit code. */
int lock_run(struct opts *o);

#endif
