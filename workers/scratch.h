/*
 * scratch.h - the scratch folders of this worker's slots, and those that a worker left behind that was killed.
 *
 *   CACHE/slots/<worker>-<slot>/    a slot's, made anew for each job and removed after it
 *   CACHE/slots/.<worker>.lock      locked (flock) as long as the worker lives
 */
#ifndef WORKERS_SCRATCH_H
#define WORKERS_SCRATCH_H

#include "builder/base/err.h"

/* The scratch folder of a slot; the caller frees it. */
char *scratch_path(const char *cache, const char *worker, unsigned slot);

/* Says that this worker lives, until the process ends: returns the descriptor of its lock, which nobody has to
 * close. ERR_CONFLICT if another one has that name. May block for some seconds. */
int scratch_claim(const char *cache, const char *worker, struct err *e);

/* Removes the folders of workers that have gone. What cannot be removed is logged. Blocks. */
void scratch_sweep(const char *cache);

#endif
