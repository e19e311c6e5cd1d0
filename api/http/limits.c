#include "api/http/limits.h"

struct http_limits
http_limits_default(void)
{
	return (struct http_limits){
		.request_line = 8 * 1024,
		.header_bytes = 16 * 1024,
		.header_count = 100,
		.body = 1024 * 1024,
		.upload = UINT64_C(512) * 1024 * 1024,
		.connections = 4096,
		.per_address = 1024,
		.pipeline = 10000,
		.header_ms = 10 * 1000,
		.body_idle_ms = 30 * 1000,
		.body_ms = 15 * 60 * 1000,
		.idle_ms = 75 * 1000,
		.write_idle_ms = 30 * 1000,
		.drain_ms = 30 * 1000,
	};
}
