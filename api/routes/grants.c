#include "api/routes/grants.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

#define PREFIX       "prebuildd_"
#define RANDOM_BYTES 32

static const struct {
	enum scope scope;
	const char *name;
} names[] = {
#define X(constant, bit, name) {constant, name},
	SCOPES(X)
#undef X
};

int
scopes_parse(const char *text, unsigned *scopes, struct err *e)
{
	*scopes = 0;
	for (size_t n; *text != '\0'; text += n + (text[n] == ',')) {
		unsigned found = 0;

		n = strcspn(text, ",");
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (strlen(names[i].name) == n && strncmp(names[i].name, text, n) == 0)
				found = names[i].scope;
		if (found == 0)
			return err_set(
				e, ERR_INVALID,
				"\"%.*s\" is no scope; there are read, build, publish, worker "
				"and admin",
				n < 40 ? (int)n : 40, text);
		*scopes |= found;
	}
	return *scopes != 0
		       ? 0
		       : err_set(e, ERR_INVALID,
				 "a token needs a scope: read, build, publish, worker or admin");
}

void
scopes_text(unsigned scopes, char out[SCOPES_TEXT_SIZE])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if ((scopes & names[i].scope) != 0)
			n += (size_t)snprintf(out + n, SCOPES_TEXT_SIZE - n, "%s%s",
					      n > 0 ? "," : "", names[i].name);
}

bool
scopes_allow(unsigned scopes, enum scope wanted)
{
	return (scopes & (wanted | SCOPE_ADMIN)) != 0 || (wanted == SCOPE_READ && scopes != 0);
}

struct grant {
	char hash[DIGEST_HEX_SIZE];
	unsigned scopes;
	int64_t expires;
};

struct grants {
	struct grant *at; /* in the order of their hashes */
	size_t n, room;
};

struct grants *
grants_new(void)
{
	return xcalloc(1, sizeof(struct grants));
}

void
grants_free(struct grants *g)
{
	if (g == NULL)
		return;
	free(g->at);
	free(g);
}

/* Where a hash is, or belongs. That the time tells how much of it fits tells nothing of the token. */
static size_t
place(const struct grants *g, const char *hash)
{
	size_t from = 0, to = g->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (strcmp(g->at[middle].hash, hash) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool
is_at(const struct grants *g, size_t i, const char *hash)
{
	return i < g->n && strcmp(g->at[i].hash, hash) == 0;
}

void
grants_add(struct grants *g, const char *hash, unsigned scopes, int64_t expires)
{
	size_t i = place(g, hash);

	if (is_at(g, i, hash))
		return;
	if (g->n == g->room) {
		g->room = g->room != 0 ? 2 * g->room : 16;
		g->at = xrealloc(g->at, g->room * sizeof *g->at);
	}
	memmove(&g->at[i + 1], &g->at[i], (g->n - i) * sizeof *g->at);
	g->at[i] = (struct grant){.scopes = scopes, .expires = expires};
	snprintf(g->at[i].hash, sizeof g->at[i].hash, "%s", hash);
	g->n++;
}

void
grants_remove(struct grants *g, const char *hash)
{
	size_t i = place(g, hash);

	if (!is_at(g, i, hash))
		return;
	g->n--;
	memmove(&g->at[i], &g->at[i + 1], (g->n - i) * sizeof *g->at);
}

unsigned
grants_of(const struct grants *g, const char *token, int64_t *expires)
{
	char hash[DIGEST_HEX_SIZE];
	size_t i;

	grant_hash(token, hash);
	i = place(g, hash);
	if (!is_at(g, i, hash))
		return 0;
	*expires = g->at[i].expires;
	return g->at[i].scopes;
}

void
grant_token(char out[GRANT_TOKEN_SIZE])
{
	unsigned char random[RANDOM_BYTES];

	randombytes_buf(random, sizeof random);
	snprintf(out, GRANT_TOKEN_SIZE, PREFIX);
	sodium_bin2hex(out + strlen(PREFIX), GRANT_TOKEN_SIZE - strlen(PREFIX), random,
		       sizeof random);
	sodium_memzero(random, sizeof random);
}

void
grant_hash(const char *token, char out[DIGEST_HEX_SIZE])
{
	struct digest d;

	digest_bytes(token, strlen(token), &d);
	digest_hex(&d, out);
}
