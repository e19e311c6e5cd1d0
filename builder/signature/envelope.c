#include "builder/signature/envelope.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"

void
envelope_signed_bytes(const char *payload, size_t len, struct buf *out)
{
	buf_addf(out, "DSSEv1 %zu %s %zu ", strlen(ENVELOPE_TYPE), ENVELOPE_TYPE, len);
	buf_add(out, payload, len);
}

static void
set_base64(struct json *o, const char *name, const void *data, size_t len)
{
	size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *text = xmalloc(size);

	sodium_bin2base64(text, size, data, len, sodium_base64_VARIANT_ORIGINAL);
	json_set_str(o, name, text);
	free(text);
}

struct json *
envelope_make(const char *payload, size_t len, const unsigned char id[MINISIGN_ID_SIZE],
	      const unsigned char signature[MINISIGN_SIZE])
{
	struct json *o = json_object(), *list = json_array(), *s = json_object();
	char id_text[MINISIGN_ID_HEX];

	minisign_id_text(id, id_text);
	json_set_str(o, "payloadType", ENVELOPE_TYPE);
	set_base64(o, "payload", payload, len);
	json_set_str(s, "keyid", id_text);
	set_base64(s, "sig", signature, MINISIGN_SIZE);
	json_add(list, s);
	json_set(o, "signatures", list);
	return o;
}

/* Either of the two alphabets, as DSSE asks of who reads. */
static int
decode(const char *text, void *out, size_t size, size_t *len)
{
	size_t n = strlen(text);

	return sodium_base642bin(out, size, text, n, NULL, len, NULL,
				 sodium_base64_VARIANT_ORIGINAL) != 0
		       ? sodium_base642bin(out, size, text, n, NULL, len, NULL,
					   sodium_base64_VARIANT_URLSAFE)
		       : 0;
}

static bool
is_signed_by(const struct json *envelope, const struct buf *bytes, const struct minisign_key *key)
{
	unsigned char signature[MINISIGN_SIZE];
	size_t n;

	json_foreach (s, json_get(envelope, "signatures")) {
		if (decode(json_str(s, "sig", ""), signature, sizeof signature, &n) == 0 &&
		    n == sizeof signature &&
		    crypto_sign_verify_detached(signature, (const unsigned char *)bytes->data,
						bytes->len, key->key) == 0)
			return true;
	}
	return false;
}

int
envelope_open(const char *text, size_t len, const struct minisign_key *key, struct json **statement,
	      struct err *e)
{
	struct json *envelope = json_parse(text, len, e);
	const char *encoded = json_str(envelope, "payload", "");
	char *payload = xmalloc(strlen(encoded) + 1);
	struct buf bytes = {0};
	size_t n = 0;

	*statement = NULL;
	if (envelope == NULL)
		err_context(e, "provenance");
	else if (strcmp(json_str(envelope, "payloadType", ""), ENVELOPE_TYPE) != 0 ||
		 decode(encoded, payload, strlen(encoded), &n) != 0)
		err_set(e, ERR_MALFORMED, "the provenance is no DSSE envelope with a statement");
	else
		envelope_signed_bytes(payload, n, &bytes);
	if (bytes.data != NULL && !is_signed_by(envelope, &bytes, key))
		err_set(e, ERR_SIGNATURE, "the provenance is not signed with that key");
	if (e->code == 0)
		*statement = json_parse(payload, n, e);
	if (*statement != NULL && strcmp(json_str(*statement, "_type", ""), STATEMENT_TYPE) != 0)
		err_set(e, ERR_MALFORMED, "the provenance is no in-toto statement v1");
	if (e->code != 0) {
		json_free(*statement);
		*statement = NULL;
	}
	buf_fini(&bytes);
	free(payload);
	json_free(envelope);
	return e->code;
}

bool
statement_covers(const struct json *statement, const struct digest *sha256)
{
	struct digest d;

	json_foreach (s, json_get(statement, "subject")) {
		if (digest_parse(json_str(json_get(s, "digest"), "sha256", ""), &d) == 0 &&
		    digest_equal(&d, sha256))
			return true;
	}
	return false;
}
