/*
 * peers.h - how many connections each address has open. An IPv6 client commands a whole /64, so
 * that counts as one address. Internal to api/http.
 */
#ifndef API_HTTP_PEERS_H
#define API_HTTP_PEERS_H

#include <stdbool.h>

struct sockaddr;
struct peers;

/* Plain data: 8 bytes of network and 8 of host, the latter zero for IPv6. */
struct peer_key {
	unsigned char bytes[16];
};

struct peer_key peer_key(const struct sockaddr *address);

/* For at most `connections` counted at once, `per_address` of one address. */
struct peers *peers_new(unsigned connections, unsigned per_address);
void peers_free(struct peers *p);

/* Counts one more; false, and nothing counted, if the address has its share already. */
bool peers_add(struct peers *p, const struct peer_key *key);
void peers_remove(struct peers *p, const struct peer_key *key);

#endif
