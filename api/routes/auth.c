/*
 * auth.c - who may do what. With --auth tokens, reading is open to everybody (install hooks send
 * no token) and everything else needs one: as a Bearer token, or as the password of Basic.
 */
#include <sodium.h>
#include <string.h>

#include "api/http/request.h"
#include "api/routes/service.h"
#include "builder/base/digest.h"

#define TOKEN_MAX 256

static int
from_basic(const char *encoded, char out[TOKEN_MAX])
{
	char plain[TOKEN_MAX * 2];
	const char *colon;
	size_t n = 0;

	if (sodium_base642bin((unsigned char *)plain, sizeof plain - 1, encoded, strlen(encoded),
			      NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return -1;
	plain[n] = '\0';
	colon = strchr(plain, ':');
	if (colon == NULL || strlen(colon + 1) >= TOKEN_MAX)
		return -1;
	strcpy(out, colon + 1);
	return 0;
}

static int
token_of(const struct http_request *r, char out[TOKEN_MAX])
{
	const char *value = http_header(r, "authorization");

	if (value == NULL)
		return -1;
	if (strncasecmp(value, "bearer ", 7) == 0 && strlen(value + 7) < TOKEN_MAX) {
		strcpy(out, value + 7);
		return 0;
	}
	return strncasecmp(value, "basic ", 6) == 0 ? from_basic(value + 6, out) : -1;
}

/* What the request's token may do. */
enum grant { GRANT_NONE, GRANT_UNKNOWN, GRANT_WORKER, GRANT_ADMIN };

static enum grant
grant_of(const struct http_request *r, const struct service *s)
{
	char token[TOKEN_MAX], hex[DIGEST_HEX_SIZE];
	struct digest d;

	if (!s->tokens || token_of(r, token) != 0)
		return GRANT_NONE;
	digest_bytes(token, strlen(token), &d);
	digest_hex(&d, hex);
	if (sodium_memcmp(hex, s->admin_token, DIGEST_HEX_SIZE - 1) == 0)
		return GRANT_ADMIN;
	if (sodium_memcmp(hex, s->worker_token, DIGEST_HEX_SIZE - 1) == 0)
		return GRANT_WORKER;
	return GRANT_UNKNOWN;
}

static bool
grants(enum grant g, const char *scope)
{
	return g == GRANT_ADMIN || (g == GRANT_WORKER && strcmp(scope, "worker") == 0);
}

bool
service_brings_token(const struct http_request *r, const struct service *s, const char *scope)
{
	return grants(grant_of(r, s), scope);
}

int
service_authorize(struct http_request *r, const char *scope, void *data, struct err *e)
{
	const struct service *s = data;
	enum grant g;

	if (!s->tokens || strcmp(scope, "read") == 0)
		return 0;
	g = grant_of(r, s);
	if (grants(g, scope))
		return 0;
	if (g == GRANT_NONE)
		return err_set(e, ERR_UNAUTHORIZED,
			       "this needs a token with scope \"%s\" (Authorization: Bearer …)",
			       scope);
	return g == GRANT_WORKER
		       ? err_set(e, ERR_FORBIDDEN, "this token does not have scope \"%s\"", scope)
		       : err_set(e, ERR_UNAUTHORIZED, "this token is not known here");
}
