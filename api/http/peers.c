#include "api/http/peers.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "builder/base/mem.h"

struct slot {
	struct peer_key key;
	unsigned count; /* 0: free */
};

/* Open addressing with linear probing, never more than half full. */
struct peers {
	struct slot *slots;
	size_t mask;
	unsigned per_address;
	uint64_t seed; /* so that clients cannot aim at one slot */
};

struct peer_key
peer_key(const struct sockaddr *address)
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct peer_key key = {{0}};

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;

		memcpy(key.bytes, mapped, 12);
		memcpy(key.bytes + 12, &in->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
		bool v4 = memcmp(&in6->sin6_addr, mapped, 12) == 0;

		memcpy(key.bytes, &in6->sin6_addr, v4 ? 16 : 8);
	}
	return key;
}

struct peers *
peers_new(unsigned connections, unsigned per_address)
{
	struct peers *p = xmalloc(sizeof *p);
	size_t size = 16;

	while (size < (size_t)connections * 2)
		size *= 2;
	*p = (struct peers){
		.slots = xcalloc(size, sizeof *p->slots),
		.mask = size - 1,
		.per_address = per_address,
	};
	if (getrandom(&p->seed, sizeof p->seed, GRND_NONBLOCK) != (ssize_t)sizeof p->seed)
		p->seed = (uint64_t)(uintptr_t)p;
	return p;
}

void
peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	free(p->slots);
	free(p);
}

static size_t
home(const struct peers *p, const struct peer_key *key)
{
	uint64_t h = p->seed, word;

	for (size_t i = 0; i < sizeof key->bytes; i += sizeof word) {
		memcpy(&word, key->bytes + i, sizeof word);
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	return (size_t)h & p->mask;
}

/* The key's slot, or the free one where it belongs. */
static size_t
find(const struct peers *p, const struct peer_key *key)
{
	size_t i = home(p, key);

	while (p->slots[i].count > 0 && memcmp(&p->slots[i].key, key, sizeof *key) != 0)
		i = (i + 1) & p->mask;
	return i;
}

bool
peers_add(struct peers *p, const struct peer_key *key)
{
	struct slot *s = &p->slots[find(p, key)];

	if (s->count >= p->per_address)
		return false;
	s->key = *key;
	s->count++;
	return true;
}

void
peers_remove(struct peers *p, const struct peer_key *key)
{
	size_t hole = find(p, key);

	if (p->slots[hole].count == 0 || --p->slots[hole].count > 0)
		return;
	/* Moves later entries of the run back, so that no search ends at the hole. */
	for (size_t i = (hole + 1) & p->mask; p->slots[i].count > 0; i = (i + 1) & p->mask) {
		size_t want = home(p, &p->slots[i].key);

		if (((i - want) & p->mask) < ((i - hole) & p->mask))
			continue;
		p->slots[hole] = p->slots[i];
		p->slots[i].count = 0;
		hole = i;
	}
}
