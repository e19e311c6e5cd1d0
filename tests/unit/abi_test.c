#include "builder/model/abi.h"

#include "builder/base/err.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

TEST(good_ones_round_trip)
{
	static const struct {
		const char *text;
		enum abi_kind kind;
		unsigned version;
	} cases[] = {
		{"napi-v1", ABI_NAPI, 1},
		{"napi-v3", ABI_NAPI, 3},
		{"napi-v6", ABI_NAPI, 6},
		{"napi-v8", ABI_NAPI, 8},
		{"napi-v9", ABI_NAPI, 9},
		{"napi-v10", ABI_NAPI, 10},
		{"node-v48", ABI_NODE, 48},
		{"node-v57", ABI_NODE, 57},
		{"node-v108", ABI_NODE, 108},
		{"node-v115", ABI_NODE, 115},
		{"node-v127", ABI_NODE, 127},
		{"node-v153", ABI_NODE, 153},
		{"electron-v121", ABI_ELECTRON, 121},
		{"electron-v150", ABI_ELECTRON, 150},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct abi abi = {0};
		char text[ABI_TEXT_SIZE];

		CHECK_MSG(abi_parse(cases[i].text, &abi) == 0, "%s", cases[i].text);
		CHECK_INT(abi.kind, cases[i].kind);
		CHECK_INT(abi.version, cases[i].version);
		abi_text(abi, text);
		CHECK_STR(text, cases[i].text);
	}
}

TEST(near_misses)
{
	static const char *const bad[] = {
		"",
		"napi",
		"napi-",
		"napi-v",
		"napi-v0",
		"napi-v06",
		"napi-v6 ",
		" napi-v6",
		"napi-v+6",
		"napi-v-6",
		"napi-v6.0",
		"napi-v11",
		"napi-v999999999999999999999",
		"napi-v2147483647",
		"NAPI-v6",
		"napi-V6",
		"napi_v6",
		"napi6",
		"napiv6",
		"node",
		"node-v",
		"node-127",
		"node-v0",
		"node-v0127",
		"node-v127a",
		"node-v0x7f",
		"node-v10000",
		"node-v4294967423",
		"node-v18.0.0",
		"electron",
		"electron-v",
		"electron-v6.1",
		"electron-v0121",
		"node-webkit-v121",
		"none",
		"v127",
		"127",
	};
	struct abi abi = {.kind = ABI_NODE, .version = 42};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_MSG(abi_parse(bad[i], &abi) == ERR_INVALID, "\"%s\" was accepted", bad[i]);
	/* And leave what was there. */
	CHECK_INT(abi.version, 42);
}

TEST(no_abi_has_a_text_that_is_none)
{
	char text[ABI_TEXT_SIZE];
	struct abi abi;

	abi_text((struct abi){0}, text);
	CHECK_STR(text, "none");
	CHECK_INT(abi_parse(text, &abi), ERR_INVALID);
}

TEST(which_node_api_a_node_has)
{
	static const struct {
		const char *version;
		unsigned napi;
	} cases[] = {{"12.22.12", 8}, {"14.16.0", 7},  {"16.20.2", 8},  {"18.16.1", 8},
		     {"18.20.8", 9},  {"20.2.0", 8},   {"20.20.2", 9},  {"21.0.0", 9},
		     {"22.13.1", 9},  {"22.14.0", 10}, {"23.11.1", 10}, {"24.21.0", 10},
		     {"26.10.0", 10}, {"x", 0}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_MSG(abi_napi_of_node(cases[i].version) == cases[i].napi, "%s",
			  cases[i].version);
}
