#include "api/routes/policy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/model/package.h"

#define MINUTE_MS 60000

/* A bucket that is full again is a free one. */
struct bucket {
	unsigned char key[16];
	uint64_t full; /* when it will be: each build moves that by its share of a minute */
};

struct policy {
	struct strv packages; /* empty: any */
	unsigned per_minute;
	struct bucket buckets[POLICY_ADDRESSES_MAX];
};

static int
read_packages(struct policy *p, const char *list, struct err *e)
{
	char *copy = xstrdup(list), *rest = NULL;

	for (char *name = strtok_r(copy, ", ", &rest); name != NULL && e->code == 0;
	     name = strtok_r(NULL, ", ", &rest)) {
		if (!package_name_valid(name))
			err_set(e, ERR_USAGE, "\"%.60s\" is no npm package name", name);
		else
			strv_add(&p->packages, name);
	}
	free(copy);
	if (e->code == 0 && p->packages.n == 0)
		err_set(e, ERR_USAGE, "a list of packages, or any, is needed");
	return e->code;
}

int
policy_open(const char *packages, unsigned per_minute, struct policy **out, struct err *e)
{
	struct policy *p = xcalloc(1, sizeof *p);

	p->per_minute = per_minute;
	if (strcmp(packages, "any") != 0 && read_packages(p, packages, e) != 0) {
		policy_free(p);
		return e->code;
	}
	*out = p;
	return 0;
}

void
policy_free(struct policy *p)
{
	if (p != NULL)
		strv_fini(&p->packages);
	free(p);
}

bool
policy_allows(const struct policy *p, const char *package)
{
	for (size_t i = 0; i < p->packages.n; i++)
		if (strcmp(p->packages.at[i], package) == 0)
			return true;
	return p->packages.n == 0;
}

static void
key_of(const char *address, unsigned char key[16])
{
	struct in6_addr v6;

	memset(key, 0, 16);
	if (inet_pton(AF_INET6, address, &v6) == 1)
		memcpy(key, &v6, 8);
	else
		inet_pton(AF_INET, address, key + 12);
}

bool
policy_take(struct policy *p, const char *address, uint64_t now)
{
	const uint64_t share = MINUTE_MS / p->per_minute;
	struct bucket *bucket = NULL;
	unsigned char key[16];
	uint64_t full;

	key_of(address, key);
	for (size_t i = 0; i < POLICY_ADDRESSES_MAX; i++) {
		struct bucket *b = &p->buckets[i];

		if (b->full > now && memcmp(b->key, key, sizeof key) == 0) {
			bucket = b;
			break;
		}
		if (b->full <= now && bucket == NULL)
			bucket = b;
	}
	if (bucket == NULL)
		return false;
	full = (bucket->full > now ? bucket->full : now) + share;
	if (full > now + MINUTE_MS)
		return false;
	memcpy(bucket->key, key, sizeof key);
	bucket->full = full;
	return true;
}
