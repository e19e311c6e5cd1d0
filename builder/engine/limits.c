#include "builder/engine/limits.h"

struct engine_limits
engine_limits_default(void)
{
	return (struct engine_limits){
		.configure_ms = 2 * 60 * 1000,
		.step_ms = 20 * 60 * 1000,
		.build_ms = 40 * 60 * 1000,
		.load_ms = 2 * 60 * 1000,
		.resolve_ms = 5 * 60 * 1000,
		.cpu_seconds = 1200,
		.memory = 4ull << 30,
		.disk = 4ull << 30,
		.file_size = 1ull << 30,
		.output = 8u << 20,
		.source_packed = 128u << 20,
		.source_unpacked = 1ull << 30,
		.source_entries = 100000,
		.processes = 200,
	};
}
