/*
 * auth.c - who may do what. With --auth tokens, reading is open to everybody unless --private says
 * otherwise (most install hooks send no token), and everything else needs one: as a Bearer token, or as
 * the password of Basic.
 */
#include <sodium.h>
#include <string.h>

#include "api/http/request.h"
#include "api/routes/grants.h"
#include "api/routes/service.h"
#include "builder/base/clock.h"

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

/* What the request's token may do; 0 with e set if it may do nothing. */
static unsigned
scopes_of(const struct http_request *r, const struct service *s, const char *wanted, struct err *e)
{
	char token[TOKEN_MAX], when[CLOCK_RFC3339_SIZE];
	int64_t expires = 0;
	unsigned scopes;

	if (token_of(r, token) != 0) {
		err_set(e, ERR_UNAUTHORIZED,
			"this needs a token with scope \"%s\" (Authorization: Bearer …)", wanted);
		return 0;
	}
	scopes = grants_of(s->grants, token, &expires);
	if (scopes == 0) {
		err_set(e, ERR_UNAUTHORIZED, "this token is not known here");
	} else if (expires != 0 && expires <= clock_wall_ms()) {
		clock_rfc3339(expires, when);
		err_set(e, ERR_UNAUTHORIZED, "this token expired at %s", when);
		scopes = 0;
	}
	return scopes;
}

bool
service_brings_token(const struct http_request *r, const struct service *s, enum scope scope)
{
	return s->tokens && scopes_allow(scopes_of(r, s, "", NULL), scope);
}

/* Whether it comes from a page of another site, which a browser on this network shows: that may send what it likes
 * to a service that asks for no token, and who looks at it wants nothing of that. Browsers say so (Fetch Metadata;
 * RFC 6454, 7), other clients send neither header. */
static bool
is_of_another_site(const struct http_request *r)
{
	const char *site = http_header(r, "sec-fetch-site"), *origin = http_header(r, "origin");
	const char *host = http_header(r, "host"), *authority;

	if (site != NULL)
		return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
	if (origin == NULL)
		return false;
	authority = strstr(origin, "://");
	return authority == NULL || host == NULL || strcasecmp(authority + 3, host) != 0;
}

int
service_authorize(struct http_request *r, const char *scope, void *data, struct err *e)
{
	const struct service *s = data;
	unsigned wanted = 0, scopes;

	if (scopes_parse(scope, &wanted, e) != 0)
		return e->code;
	if (wanted != SCOPE_READ && is_of_another_site(r))
		return err_set(e, ERR_FORBIDDEN,
			       "a page of another site may not ask for this in a browser");
	if (!s->tokens || (wanted == SCOPE_READ && !s->private))
		return 0;
	scopes = scopes_of(r, s, scope, e);
	if (scopes != 0 && !scopes_allow(scopes, wanted))
		err_set(e, ERR_FORBIDDEN, "this token does not have scope \"%s\"", scope);
	return e->code;
}
