/*
 * configured.h - what evaluating a package's binding.gyp gave, kept in a worker's memory for its
 * other jobs. Targets that differ in their C library only, or that are built again, have the same
 * configuration: it is made once, and who needs it meanwhile waits for it.
 *
 * The key is a digest of everything that the evaluation sees (configure.c). What it left behind
 * besides the two files that are kept here makes it one that cannot be shared: every job with that
 * key makes its own.
 */
#ifndef BUILDER_ENGINE_CONFIGURED_H
#define BUILDER_ENGINE_CONFIGURED_H

#include "builder/base/buf.h"
#include "builder/base/digest.h"

/* Of one of the two files; larger ones are not kept. */
#define CONFIGURED_FILE_MAX (1u << 20)

/* How many are kept; the one that was not used for longest goes. */
#define CONFIGURED_MAX 128

struct configured;

/* Embedded in its owner, who sets on_ready and arg. */
struct configured_waiter {
	struct configured_waiter *next;
	void (*on_ready)(void *arg); /* ask again now */
	void *arg;
};

enum configured_answer {
	CONFIGURED_MAKE,  /* nobody has it: the caller makes it, and calls one of the three below */
	CONFIGURED_WAIT,  /* somebody makes it: on_ready comes */
	CONFIGURED_KNOWN, /* *plan and *config are set; they live until the next call */
	CONFIGURED_ALONE, /* it cannot be shared: the caller makes its own */
};

/* All functions on one loop; none blocks. */
struct configured *configured_new(void);
void configured_free(struct configured *c);

enum configured_answer
configured_ask(struct configured *c, const struct digest *key, struct configured_waiter *w,
	       const struct buf **plan, const struct buf **config);

/* A waiter does not want to know any more. */
void configured_forget(struct configured *c, const struct digest *key, struct configured_waiter *w);

/* It is made: takes over what the two bufs hold. */
void configured_keep(struct configured *c, const struct digest *key, struct buf *plan,
		     struct buf *config);

/* It cannot be shared. */
void configured_alone(struct configured *c, const struct digest *key);

/* Whoever was to make it does not: another one will. */
void configured_drop(struct configured *c, const struct digest *key);

#endif
