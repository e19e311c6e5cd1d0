#include "api/webhooks/signature.h"

#include "tests/lib/test.h"

/* printf '1700000000.{"event":"build.finished"}' | openssl dgst -sha256 -hmac 0123456789abcdef */
#define KNOWN "1355d924a7e3238e5eb2e8f6ed4c0b117348422731ecb45f7ccbec851f23fe92"
/* printf '1.' | openssl dgst -sha256 -hmac "$(printf 'k%.0s' {1..100})", longer than a block */
#define LONG "f380fa061ddac7555fce09c4f9d5ba3c4d7eb9115eaa097dd2c14988a18ae793"

TEST(a_signature_is_what_openssl_makes)
{
	char hex[SIGNATURE_HEX_SIZE], key[101];

	signature_make("0123456789abcdef", 1700000000, "{\"event\":\"build.finished\"}", hex);
	CHECK_STR(hex, KNOWN);
	for (int i = 0; i < 100; i++)
		key[i] = 'k';
	key[100] = '\0';
	signature_make(key, 1, "", hex);
	CHECK_STR(hex, LONG);
}
