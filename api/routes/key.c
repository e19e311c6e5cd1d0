/*
 * key.c - GET /v1/key: the public key of what is published here, as minisign reads it. A client that
 * takes it from the place that it takes the files from knows only that both are of one mind: pin it.
 */
#include "api/sign/key.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"

void
route_key(struct http_request *r, void *data)
{
	const struct service *s = data;
	struct buf text = {0};

	minisign_key_text(signing_key_public(s->signing_key), &text);
	reply_text(r, 200, "text/plain; charset=utf-8", text.data, text.len);
	buf_fini(&text);
}
