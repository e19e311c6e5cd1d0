/*
 * signature.h - how a receiver knows that a delivery is ours: HMAC-SHA256 (RFC 2104) over the time
 * and the body, with a secret that both sides have.
 */
#ifndef API_WEBHOOKS_SIGNATURE_H
#define API_WEBHOOKS_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_HEX_SIZE 65 /* 64 lower-case hex digits and NUL */

/* Of the text "TIMESTAMP.BODY"; timestamp in seconds since 1970. */
void signature_make(const char *secret, int64_t timestamp, const char *body,
		    char out[SIGNATURE_HEX_SIZE]);

#endif
