/*
 * The description of the API against the table of routes: what one has, the other has. Whether the
 * answers are as described is checked with a running service, in tests/contract/openapi.sh.
 */
#include "api/routes/openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/fault.h"
#include "api/routes/service.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

static struct json *
document(void)
{
	struct err e = {0};
	struct json *doc = json_parse(embed_openapi_json, strlen(embed_openapi_json), &e);

	CHECK_MSG(doc != NULL, "%s", e.msg);
	return doc;
}

/* The pattern that the server has for a path of the document. */
static const char *
pattern_of(const struct json *path)
{
	return json_str(path, "x-route", json_name(path));
}

static bool
is_method(const char *name)
{
	static const char *const methods[] = {"get", "put", "post", "delete", "patch"};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i], name) == 0)
			return true;
	return false;
}

/* "GET" for "get". */
static const char *
upper(const char *name)
{
	static char text[16];
	size_t n = 0;

	for (; name[n] != '\0' && n + 1 < sizeof text; n++)
		text[n] = (char)(name[n] - 'a' + 'A');
	text[n] = '\0';
	return text;
}

static const struct http_route *
route_of(const char *method, const char *pattern)
{
	for (size_t i = 0; i < service_route_count; i++)
		if (strcmp(service_routes[i].method, method) == 0 &&
		    strcmp(service_routes[i].pattern, pattern) == 0)
			return &service_routes[i];
	return NULL;
}

/* Parameters that are shared stand in components. */
static const struct json *
resolve(const struct json *doc, const struct json *v)
{
	static const char prefix[] = "#/components/parameters/";
	const char *to = json_str(v, "$ref", NULL);

	if (to == NULL)
		return v;
	CHECK_MSG(strncmp(to, prefix, sizeof prefix - 1) == 0, "%s", to);
	return json_get(json_get(json_get(doc, "components"), "parameters"),
			to + sizeof prefix - 1);
}

/* Whether the operation declares a path's parameter. */
static bool
declares(const struct json *doc, const struct json *operation, const char *name, size_t len)
{
	json_foreach (item, json_get(operation, "parameters")) {
		const struct json *p = resolve(doc, item);
		const char *have = json_str(p, "name", "");

		if (strcmp(json_str(p, "in", ""), "path") == 0 && strlen(have) == len &&
		    memcmp(have, name, len) == 0)
			return json_bool(p, "required", false);
	}
	return false;
}

static size_t
check_parameters(const struct json *doc, const char *path, const struct json *operation)
{
	size_t in_path = 0, declared = 0;

	for (const char *open = strchr(path, '{'); open != NULL; open = strchr(open + 1, '{')) {
		const char *close = strchr(open, '}');

		in_path++;
		CHECK_MSG(close != NULL &&
				  declares(doc, operation, open + 1, (size_t)(close - open - 1)),
			  "%s: a parameter is not declared", path);
	}
	json_foreach (item, json_get(operation, "parameters"))
		declared += strcmp(json_str(resolve(doc, item), "in", ""), "path") == 0;
	CHECK_MSG(declared == in_path, "%s: a parameter is not in the path", path);
	return in_path;
}

static void
check_operation(const struct json *doc, const char *path, const struct json *operation,
		const struct http_route *route)
{
	const char *scope = json_str(operation, "x-scope", NULL);
	bool guarded = scope != NULL && strcmp(scope, "read") != 0;

	CHECK_MSG(json_get(operation, "x-scope") != NULL, "%s: x-scope is missing", path);
	CHECK_STR(scope != NULL ? scope : "none", route->scope != NULL ? route->scope : "none");
	CHECK_MSG((json_get(operation, "security") != NULL) == guarded, "%s: security", path);
	CHECK_MSG((json_get(operation, "requestBody") != NULL) == (route->body != HTTP_BODY_NONE),
		  "%s: requestBody", path);
	CHECK_MSG(json_str(operation, "operationId", NULL) != NULL, "%s: operationId", path);
	CHECK_MSG(json_get(json_get(operation, "responses"), "default") != NULL, "%s: default",
		  path);
	check_parameters(doc, path, operation);
}

TEST(every_operation_that_is_described_is_a_route)
{
	struct json *doc = document();
	size_t n = 0;

	json_foreach (path, json_get(doc, "paths")) {
		json_foreach (operation, path) {
			const struct http_route *route;

			if (!is_method(json_name(operation)))
				continue;
			route = route_of(upper(json_name(operation)), pattern_of(path));
			if (CHECK_MSG(route != NULL, "there is no %s %s", json_name(operation),
				      pattern_of(path)))
				check_operation(doc, json_name(path), operation, route);
			n++;
		}
	}
	CHECK(n >= service_route_count);
	json_free(doc);
}

TEST(every_route_is_described)
{
	struct json *doc = document();

	CHECK(service_route_count > 0);
	for (size_t i = 0; i < service_route_count; i++) {
		const struct http_route *r = &service_routes[i];
		bool found = false;

		json_foreach (path, json_get(doc, "paths")) {
			if (strcmp(pattern_of(path), r->pattern) != 0)
				continue;
			json_foreach (operation, path)
				found |= is_method(json_name(operation)) &&
					 strcmp(upper(json_name(operation)), r->method) == 0;
		}
		CHECK_MSG(found, "%s %s is not in api/openapi.json", r->method, r->pattern);
	}
	json_free(doc);
}

TEST(every_code_of_a_problem_is_described)
{
	static const char *const codes[] = {
#define X(constant, value, name, http, exit) name,
		ERR_CODES(X)
#undef X
#define X(constant, status, code) code,
			HTTP_FAULTS(X)
#undef X
	};
	struct json *doc = document();
	const struct json *schemas = json_get(json_get(doc, "components"), "schemas");
	const struct json *problem = json_get(json_get(schemas, "Problem"), "properties");
	const struct json *list = json_get(json_get(problem, "code"), "enum");

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		bool found = false;

		json_foreach (item, list)
			found |= strcmp(json_string(item, ""), codes[i]) == 0;
		CHECK_MSG(found, "code \"%s\" is not in api/openapi.json", codes[i]);
	}
	json_free(doc);
}
