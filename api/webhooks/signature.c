#include "api/webhooks/signature.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

void
signature_make(const char *secret, int64_t timestamp, const char *body,
	       char out[SIGNATURE_HEX_SIZE])
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;
	char when[24];
	size_t n = (size_t)snprintf(when, sizeof when, "%lld.", (long long)timestamp);

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)when, n);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_bin2hex(out, SIGNATURE_HEX_SIZE, mac, sizeof mac);
}
