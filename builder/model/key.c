#include "builder/model/key.h"

#include "builder/base/buf.h"

void
key_compute(const struct key_parts *parts, char hex[DIGEST_HEX_SIZE])
{
	struct buf text = {0};
	struct digest d;

	buf_addf(&text,
		 "prebuildd build key 1\n"
		 "recipe %s\nsource %s\nlock %s\nabi %s\ntarget %s\ntoolchain %s\n",
		 KEY_RECIPE, parts->source, parts->lock, parts->abi, parts->target,
		 parts->toolchain);
	if (parts->headers != NULL)
		buf_addf(&text, "headers %s\n", parts->headers);
	if (parts->identity != NULL)
		buf_addf(&text, "as %s\n", parts->identity);
	digest_bytes(text.data, text.len, &d);
	digest_hex(&d, hex);
	buf_fini(&text);
}
