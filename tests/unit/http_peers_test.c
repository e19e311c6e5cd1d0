#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/peers.h"
#include "tests/lib/test.h"

static struct peer_key
key4(unsigned n)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(n)}};

	return peer_key((struct sockaddr *)&a);
}

static struct peer_key
key6(const char *text)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};

	inet_pton(AF_INET6, text, &a.sin6_addr);
	return peer_key((struct sockaddr *)&a);
}

static bool
same(struct peer_key a, struct peer_key b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

TEST(peer_keys)
{
	CHECK(same(key4(0x7f000001), key6("::ffff:127.0.0.1")));
	CHECK(!same(key4(0x7f000001), key4(0x7f000002)));
	CHECK(same(key6("2001:db8::1"), key6("2001:db8::ffff:1")));
	CHECK(!same(key6("2001:db8::1"), key6("2001:db8:0:1::1")));
	CHECK(!same(key6("::1"), key4(1)));
}

TEST(peers_have_a_share)
{
	struct peers *p = peers_new(10, 3);
	struct peer_key a = key4(1), b = key4(2);

	for (int i = 0; i < 3; i++)
		CHECK(peers_add(p, &a));
	CHECK(!peers_add(p, &a));
	CHECK(peers_add(p, &b));
	peers_remove(p, &a);
	CHECK(peers_add(p, &a));
	CHECK(!peers_add(p, &a));
	peers_free(p);
}

/* Random adds and removes against a plain array: no count may get lost among the moved slots. */
TEST(peers_count_right_under_churn)
{
	enum { ADDRESSES = 60, OPEN_MAX = 200, SHARE = 5 };
	struct peers *p = peers_new(OPEN_MAX, SHARE);
	unsigned counts[ADDRESSES] = {0}, open = 0, wrong = 0;

	srand(1);
	for (int i = 0; i < 200000; i++) {
		unsigned n = (unsigned)rand() % ADDRESSES;
		struct peer_key k = key4(n * 256);

		if (rand() % 2 == 0 && open < OPEN_MAX) {
			bool added = peers_add(p, &k);

			wrong += added != (counts[n] < SHARE);
			counts[n] += added;
			open += added;
		} else if (counts[n] > 0) {
			peers_remove(p, &k);
			counts[n]--;
			open--;
		}
	}
	CHECK_INT(wrong, 0);
	peers_free(p);
}
