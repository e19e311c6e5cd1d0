/*
 * field.h - members that the catalog's documents have in common.
 */
#ifndef API_CATALOG_FIELD_H
#define API_CATALOG_FIELD_H

#include <stdint.h>

struct json;

/* "b17": the number of a row, behind the letter of its kind. */
void field_id(struct json *o, const char *name, char prefix, int64_t id);

/* RFC 3339 of milliseconds since 1970; null for 0, which is a time that has not come. */
void field_time(struct json *o, const char *name, int64_t ms);

#endif
