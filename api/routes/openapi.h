/*
 * openapi.h - the text of api/openapi.json.
 */
#ifndef API_ROUTES_OPENAPI_H
#define API_ROUTES_OPENAPI_H

extern const char embed_openapi_json[];

#endif
