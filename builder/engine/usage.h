/*
 * usage.h - what a process and all its descendants hold in memory, from /proc. Works in any
 * container and needs no control group.
 */
#ifndef BUILDER_ENGINE_USAGE_H
#define BUILDER_ENGINE_USAGE_H

#include <stdint.h>

/* Resident bytes, shared pages counted once a process: an upper bound. 0 if it has gone. Blocks
 * shortly. */
uint64_t usage_memory(int pid);

#endif
