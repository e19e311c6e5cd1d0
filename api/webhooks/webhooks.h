/*
 * webhooks.h - tells the configured URLs that a build has ended: POST with a signed JSON body,
 * tried again until it is taken (api/catalog/deliveries.h). These are the only requests that the
 * service makes to others; redirects are not followed.
 *
 * A slot, of which there are few, so that receivers that hang leave most of the pool to others:
 *
 *   IDLE ─► ASKING (catalog) ─► SENDING (pool) ─► RECORDING (catalog) ─► ASKING …
 *     ▲        │ nothing is due                        │ closing
 *     └────────┴───────────────────────────────────────┘
 *
 * No two slots send to the same URL at a time.
 */
#ifndef API_WEBHOOKS_WEBHOOKS_H
#define API_WEBHOOKS_WEBHOOKS_H

#include <stddef.h>

#include "builder/base/err.h"

#define WEBHOOKS_MAX 16

struct catalog;
struct uv_loop_s;
struct webhooks;

struct webhooks_config {
	const char *const *urls; /* each text may hold several, with white space between */
	size_t count;
	const char *secret_file; /* first line: the secret; NULL for the next one */
	const char *own_file;    /* … made if it is not there */
};

/* Everything is copied. ERR_USAGE for what is no URL for this; on failure nothing is held. Without
 * any URL only what waits for URLs of the last life is ended. */
int webhooks_open(struct uv_loop_s *loop, struct catalog *catalog,
		  const struct webhooks_config *config, struct webhooks **out, struct err *e);

/* Breaks off what is being sent, then calls closed exactly once, on the loop, never from inside. The
 * catalog must stay open until then. NULL is not accepted. */
void webhooks_close(struct webhooks *w, void (*closed)(void *), void *arg);

#endif
