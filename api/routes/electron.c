#include "api/routes/electron.h"

#include <stdint.h>
#include <string.h>

#include "api/catalog/leases.h"
#include "api/catalog/toolchains.h"
#include "api/routes/service.h"
#include "builder/base/clock.h"
#include "builder/base/mem.h"

void
electron_announce(struct service *s, const struct lease_request *req)
{
	uint64_t now = clock_mono_ms();

	for (size_t i = 0; i < req->electron_count; i++) {
		struct electron_seen *place = &s->electron[0];

		/* Its own, or else the one that was not seen for longest. */
		for (size_t j = 0; j < ARRAY_SIZE(s->electron); j++) {
			struct electron_seen *at = &s->electron[j];

			if (strcmp(at->abi, req->electron[i]) == 0) {
				place = at;
				break;
			}
			if (at->seen < place->seen)
				place = at;
		}
		memcpy(place->abi, req->electron[i], sizeof place->abi);
		place->seen = now;
	}
}

bool
electron_known(const struct service *s, struct abi abi)
{
	uint64_t now = clock_mono_ms();
	char text[ABI_TEXT_SIZE];

	abi_text(abi, text);
	for (size_t i = 0; i < ARRAY_SIZE(s->electron); i++)
		if (strcmp(s->electron[i].abi, text) == 0)
			return now - s->electron[i].seen < TOOLCHAIN_FRESH_MS;
	return false;
}
