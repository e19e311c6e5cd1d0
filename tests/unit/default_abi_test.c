#include "builder/source/default_abi.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

#define NODE 115

/* A package of three files; the ABI that it is for, as text. */
static void
guess(const char *manifest, const char *gyp, const char *source, char out[ABI_TEXT_SIZE])
{
	char folder[] = "/tmp/default-abi-XXXXXX";
	struct json *parsed = json_parse(manifest, strlen(manifest), NULL);
	char *path;

	CHECK(parsed != NULL && mkdtemp(folder) != NULL);
	path = xasprintf("%s/binding.gyp", folder);
	CHECK_INT(file_write(path, gyp, strlen(gyp), 0644, NULL), 0);
	free(path);
	path = xasprintf("%s/src/deep", folder);
	CHECK_INT(file_mkdirs(path, 0755, NULL), 0);
	free(path);
	path = xasprintf("%s/src/deep/a.cc", folder);
	CHECK_INT(file_write(path, source, strlen(source), 0644, NULL), 0);
	free(path);
	/* What others ship says nothing about the package. */
	path = xasprintf("%s/node_modules", folder);
	CHECK_INT(file_mkdirs(path, 0755, NULL), 0);
	free(path);
	path = xasprintf("%s/node_modules/b.h", folder);
	CHECK_INT(file_write(path, "#include <node_api.h>\n", 22, 0644, NULL), 0);
	free(path);
	abi_text(default_abi(folder, parsed, NODE), out);
	CHECK_INT(file_remove_tree(folder, NULL), 0);
	json_free(parsed);
}

TEST(what_a_package_says_of_itself)
{
	static const struct {
		const char *manifest, *gyp, *source, *abi;
	} cases[] = {
		{"{\"binary\":{\"napi_versions\":[3,6]}}", "{}", "", "napi-v6"},
		{"{\"binary\":{\"napi_versions\":[6,99,3]}}", "{}", "", "napi-v6"},
		{"{\"binary\":{\"napi_versions\":\"6\"}}", "{}", "#include <v8.h>", "node-v115"},
		{"{}", "{'defines': ['NAPI_VERSION=10']}", "", "napi-v10"},
		{"{}", "{'defines': ['NAPI_VERSION=4000000000']}", "#include <nan.h>", "node-v115"},
		{"{}", "{'defines': ['NAPI_VERSION=<(napi_build_version)']}",
		 "#include <node_api.h>", "napi-v8"},
		{"{}", "{}", "#include \"napi.h\"\n", "napi-v8"},
		{"{\"dependencies\":{\"node-addon-api\":\"^8\"}}", "{}", "", "napi-v8"},
		{"{\"dependencies\":{\"nan\":\"^2\"}}", "{}", "#include <nan.h>", "node-v115"},
		{"{}", "{}", "", "node-v115"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char abi[ABI_TEXT_SIZE];

		guess(cases[i].manifest, cases[i].gyp, cases[i].source, abi);
		CHECK_MSG(strcmp(abi, cases[i].abi) == 0, "case %zu: %s instead of %s", i, abi,
			  cases[i].abi);
	}
}
