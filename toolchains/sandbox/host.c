/*
 * host.c - loads a Node-API addon as Node does, but with every symbol bound at once, and lets it
 * register itself. Prints a report as JSON; exit status 0 only if all went well.
 *
 * usage: host ADDON
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host.h"

static unsigned long calls;
static char handles[4096];
static size_t handle_count;
static char thrown[512];
static napi_module *announced;

void
called(void)
{
	calls++;
}

void *
handle(void)
{
	return &handles[1 + handle_count++ % (sizeof handles - 1)];
}

static void
throw(const char *message)
{
	called();
	if (thrown[0] == '\0')
		snprintf(thrown, sizeof thrown, "it threw: %s", message != NULL ? message : "");
}

#define THROWS(name)                                                                 \
	napi_status NAPI_CDECL name(napi_env env, const char *code, const char *msg) \
	{                                                                            \
		(void)env;                                                           \
		(void)code;                                                          \
		throw(msg);                                                          \
		return napi_ok;                                                      \
	}
THROWS(napi_throw_error)
THROWS(napi_throw_type_error)
THROWS(napi_throw_range_error)
THROWS(node_api_throw_syntax_error)

napi_status NAPI_CDECL
napi_throw(napi_env env, napi_value error)
{
	(void)env;
	(void)error;
	throw("a value");
	return napi_ok;
}

void NAPI_CDECL
napi_module_register(napi_module *mod)
{
	announced = mod;
}

napi_status NAPI_CDECL
napi_get_version(node_api_basic_env env, uint32_t *result)
{
	(void)env;
	called();
	*result = host_node_api;
	return napi_ok;
}

napi_status NAPI_CDECL
napi_get_node_version(node_api_basic_env env, const napi_node_version **version)
{
	static const napi_node_version none = {0, 0, 0, "none"};

	(void)env;
	called();
	*version = &none;
	return napi_ok;
}

napi_status NAPI_CDECL
napi_get_last_error_info(node_api_basic_env env, const napi_extended_error_info **result)
{
	static const napi_extended_error_info none = {.error_code = napi_ok};

	(void)env;
	called();
	*result = &none;
	return napi_ok;
}

napi_status NAPI_CDECL
napi_typeof(napi_env env, napi_value value, napi_valuetype *result)
{
	(void)env;
	(void)value;
	called();
	*result = napi_object;
	return napi_ok;
}

napi_status NAPI_CDECL
napi_get_uv_event_loop(node_api_basic_env env, struct uv_loop_s **loop)
{
	/* Larger than a uv_loop_t anywhere; nobody runs it. */
	static _Alignas(16) char zeroes[4096];

	(void)env;
	called();
	*loop = (struct uv_loop_s *)zeroes;
	return napi_ok;
}

static void
print_report(const char *error, int declared)
{
	printf("{\"ran\":true,\"ok\":%s,\"checks\":[%s],\"declared\":%d,\"calls\":%lu",
	       error == NULL ? "true" : "false", error == NULL ? "\"dlopen\",\"register\"" : "",
	       declared, calls);
	if (error != NULL) {
		printf(",\"error\":\"");
		for (const char *c = error; *c != '\0'; c++)
			if (*c == '"' || *c == '\\')
				printf("\\%c", *c);
			else
				putchar(*c < ' ' || *c > '~' ? '?' : *c);
		printf("\"");
	}
	printf("}\n");
	fflush(stdout);
}

_Noreturn void NAPI_CDECL
napi_fatal_error(const char *location, size_t location_len, const char *message, size_t message_len)
{
	(void)location;
	(void)location_len;
	(void)message_len;
	print_report(message != NULL ? message : "napi_fatal_error", -1);
	exit(1);
}

int
main(int argc, char **argv)
{
	napi_addon_register_func enter = NULL;
	node_api_addon_get_api_version_func version = NULL;
	const char *error = NULL;
	void *addon;
	int declared = -1;

	if (argc != 2) {
		fprintf(stderr, "usage: host ADDON\n");
		return 2;
	}
	addon = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (addon == NULL) {
		error = dlerror();
	} else {
		*(void **)&enter = dlsym(addon, "napi_register_module_v1");
		*(void **)&version = dlsym(addon, "node_api_module_get_api_version_v1");
		if (version != NULL)
			declared = version();
		if (enter == NULL && announced != NULL)
			enter = announced->nm_register_func;
		if (enter == NULL)
			error = "it did not register itself";
		else
			enter((napi_env)handle(), (napi_value)handle());
		if (thrown[0] != '\0')
			error = thrown;
	}
	print_report(error, declared);
	return error == NULL ? 0 : 1;
}
