/*
 * Fuzzes what reads signatures, public keys, envelopes and the names of npm packages. Nothing that is read
 * may verify: no key is known here. What is accepted prints as something that reads the same.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/registry/release.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/signature/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_signature(const char *text, size_t len, const struct minisign_key *key)
{
	struct buf again = {0};
	struct minisign s, other;

	if (minisign_parse(text, len, &s, NULL) != 0)
		return;
	minisign_text(&s, &again);
	if (minisign_parse(again.data, again.len, &other, NULL) != 0 ||
	    memcmp(s.signature, other.signature, sizeof s.signature) != 0 ||
	    strcmp(s.comment, other.comment) != 0)
		abort();
	memcpy(s.id, key->id, sizeof s.id);
	if (minisign_verify(&s, key, STDIN_FILENO, &(struct err){0}) == 0)
		abort();
	buf_fini(&again);
}

static void
check_key(const char *text)
{
	struct minisign_key key, other;
	struct buf again = {0};

	if (minisign_key_parse(text, &key, NULL) != 0)
		return;
	minisign_key_text(&key, &again);
	if (minisign_key_parse(again.data, &other, NULL) != 0 ||
	    memcmp(key.key, other.key, sizeof key.key) != 0 ||
	    memcmp(key.id, other.id, sizeof key.id) != 0)
		abort();
	buf_fini(&again);
}

static void
check_release(const char *text)
{
	struct buf again = {0};
	struct release r;

	if (release_parse(text, &r) != 0)
		return;
	release_name(r.package, r.target, &again);
	if (strcmp(again.data, text) != 0)
		abort();
	buf_fini(&again);
}

static void
check_order(char *text)
{
	char *second = strchr(text, '\n');

	if (second == NULL)
		return;
	*second++ = '\0';
	if (!package_version_valid(text) || !package_version_valid(second))
		return;
	if (release_compare(text, second) != 0 &&
	    (release_compare(text, second) > 0) == (release_compare(second, text) > 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char known[] = "RWQpyUumzv/Z1VQyUuQAzLSHiM3iRFDti6iPDv3AqFZfwLnWrejdsHl3";
	char *text = xmalloc(size + 1);
	struct json *statement = NULL;
	struct minisign_key key;

	memcpy(text, data, size);
	text[size] = '\0';
	if (sodium_init() < 0 || minisign_key_parse(known, &key, NULL) != 0)
		abort();
	check_signature(text, size, &key);
	check_key(text);
	check_release(text);
	if (envelope_open(text, size, &key, &statement, &(struct err){0}) == 0)
		abort();
	check_order(text);
	free(text);
	return 0;
}
