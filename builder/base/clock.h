/*
 * clock.h - time, in milliseconds.
 */
#ifndef BUILDER_BASE_CLOCK_H
#define BUILDER_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* For deadlines: never goes back, starts anywhere. */
uint64_t clock_mono_ms(void);

/* Since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);

/* RFC 3339 in UTC with seconds, "2026-01-31T12:00:00Z". */
#define CLOCK_RFC3339_SIZE 32
void clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);

#endif
