/*
 * limits.h - what one job may use. Named here, told by name in errors.
 */
#ifndef BUILDER_ENGINE_LIMITS_H
#define BUILDER_ENGINE_LIMITS_H

#include <stdint.h>

struct engine_limits {
	uint64_t configure_ms; /* evaluating binding.gyp */
	uint64_t step_ms;      /* one action, compile or link */
	uint64_t build_ms;     /* all steps together */
	uint64_t load_ms;      /* the load test */
	uint64_t resolve_ms;   /* npm, resolving dependencies */
	unsigned cpu_seconds;  /* of one process */
	uint64_t memory;       /* bytes, resident, all processes of the job together */
	uint64_t disk;         /* bytes, the scratch folder */
	uint64_t file_size;    /* bytes, one file */
	uint64_t output;       /* bytes that one command may print */
	uint64_t source_packed, source_unpacked; /* bytes */
	uint64_t source_entries;
	unsigned processes; /* of one command */
};

struct engine_limits engine_limits_default(void);

#endif
