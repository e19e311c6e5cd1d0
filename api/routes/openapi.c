/*
 * openapi.c - GET /openapi.json: the description of this API, made from api/openapi.json at build
 * time. tests/unit/openapi_test.c compares it with the table of routes.
 */
#include "api/routes/openapi.h"

#include <string.h>

#include "api/http/reply.h"
#include "api/routes/service.h"

void
route_openapi(struct http_request *r, void *data)
{
	(void)data;
	reply_text(r, 200, "application/json", embed_openapi_json, strlen(embed_openapi_json));
}
