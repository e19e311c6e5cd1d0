/*
 * json.h - JSON values (RFC 8259). The only place that knows which library parses them.
 *
 * A value that was added to another belongs to it. Getters are forgiving in one way: a NULL
 * value, a missing member and a member of another type all give the fallback, so a chain of
 * lookups needs one check at its end.
 */
#ifndef BUILDER_BASE_JSON_H
#define BUILDER_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

struct json;

/* Parses exactly len bytes: one value and white space. Nesting deeper than 100 and embedded NUL
 * characters are refused. The caller frees the result with json_free. */
struct json *json_parse(const char *text, size_t len, struct err *e);
void json_free(struct json *v);

/* What a program says last: the last line of text that is a JSON object, NULL if there is none. */
struct json *json_last_object(const char *text);

/* The text, compact or indented; the caller frees it. */
char *json_text(const struct json *v);
char *json_pretty(const struct json *v);

struct json *json_object(void);
struct json *json_array(void);

/* Members of an object. json_set_str with NULL sets null. json_set takes v over. */
void json_set(struct json *object, const char *name, struct json *v);
void json_set_str(struct json *object, const char *name, const char *s);
void json_set_int(struct json *object, const char *name, int64_t n);
void json_set_bool(struct json *object, const char *name, bool b);

/* Elements of an array. json_add takes v over. */
void json_add(struct json *array, struct json *v);
void json_add_str(struct json *array, const char *s);

const struct json *json_get(const struct json *object, const char *name);
const char *json_str(const struct json *object, const char *name, const char *fallback);
int64_t json_int(const struct json *object, const char *name, int64_t fallback);
bool json_bool(const struct json *object, const char *name, bool fallback);

/* The value itself. */
const char *json_string(const struct json *v, const char *fallback);
int64_t json_number(const struct json *v, int64_t fallback);
bool json_is_object(const struct json *v);
bool json_is_array(const struct json *v);
bool json_is_null(const struct json *v);
size_t json_count(const struct json *array);
/* The name under which v stands in its object, or NULL. */
const char *json_name(const struct json *v);
struct json *json_copy(const struct json *v);
/* The name of the first member that is none of these, or NULL. */
const char *json_other(const struct json *object, const char *const *names, size_t count);

const struct json *json_first(const struct json *parent);
const struct json *json_next(const struct json *v);
#define json_foreach(v, parent) \
	for (const struct json *v = json_first(parent); v != NULL; v = json_next(v))

#endif
