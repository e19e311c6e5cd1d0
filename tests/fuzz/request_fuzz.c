/*
 * request_fuzz.c - libFuzzer harness for the JSON of POST /v1/builds: the text as such, and what is
 * asked for in it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/jobs.h"
#include "api/routes/build_request.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/abi.h"
#include "builder/model/package.h"
#include "builder/model/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
check_request(const struct json *body)
{
	struct build_request want = {0};
	struct err e = {0};
	struct abi abi;
	bool all = false;
	int r = build_request_read(body, &want, &all, &e);

	must(r == e.code && (r == 0) == (e.msg[0] == '\0'));
	must(want.target_count <= ARRAY_SIZE(want.targets) &&
	     want.abi_count <= ARRAY_SIZE(want.abis));
	if (r != 0)
		return;
	/* What is not the registry's may say itself what it is. */
	if (want.origin.kind == ORIGIN_REGISTRY || want.package[0] != '\0')
		must(package_name_valid(want.package));
	if (want.origin.kind == ORIGIN_REGISTRY || want.version[0] != '\0')
		must(package_version_valid(want.version));
	must(all ? want.target_count == 0 : want.target_count > 0);
	for (size_t i = 0; i < want.target_count; i++) {
		must(target_find(want.targets[i]) != NULL);
		for (size_t k = 0; k < i; k++)
			must(strcmp(want.targets[i], want.targets[k]) != 0);
	}
	for (size_t i = 0; i < want.abi_count; i++)
		must(abi_parse(want.abis[i], &abi) == 0);
}

/* What is written is read as the same again. */
static void
check_text(const struct json *v)
{
	char *text = json_text(v), *twice, *pretty = json_pretty(v);
	struct json *again = json_parse(text, strlen(text), NULL);

	must(again != NULL);
	twice = json_text(again);
	must(strcmp(text, twice) == 0);
	json_free(again);
	again = json_parse(pretty, strlen(pretty), NULL);
	must(again != NULL);
	json_free(again);
	free(text);
	free(twice);
	free(pretty);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct json *v = json_parse((const char *)data, size, &e);

	must((v == NULL) == (e.code != 0));
	if (v == NULL)
		return 0;
	check_text(v);
	if (json_is_object(v))
		check_request(v);
	json_free(v);
	return 0;
}
