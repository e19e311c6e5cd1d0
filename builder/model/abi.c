#include "builder/model/abi.h"

#include <stdio.h>
#include <string.h>

#include "builder/base/err.h"
#include "builder/base/mem.h"

/* Far above any NODE_MODULE_VERSION, which grows by a few a year. */
#define MODULE_VERSION_MAX 9999

static const struct {
	enum abi_kind kind;
	const char *prefix;
	unsigned max;
} kinds[] = {
	{ABI_NAPI, "napi-v", ABI_NAPI_MAX},
	{ABI_NODE, "node-v", MODULE_VERSION_MAX},
	{ABI_ELECTRON, "electron-v", MODULE_VERSION_MAX},
};

int
abi_parse(const char *text, struct abi *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);
		const char *p = text + len;
		unsigned version = 0;

		if (strncmp(text, kinds[i].prefix, len) != 0)
			continue;
		/* One spelling for each version: no sign, no leading zero. */
		if (*p < '1' || *p > '9')
			return ERR_INVALID;
		for (; *p >= '0' && *p <= '9' && version <= kinds[i].max; p++)
			version = version * 10 + (unsigned)(*p - '0');
		if (*p != '\0' || version > kinds[i].max)
			return ERR_INVALID;
		*out = (struct abi){.kind = kinds[i].kind, .version = version};
		return 0;
	}
	return ERR_INVALID;
}

void
abi_text(struct abi abi, char out[ABI_TEXT_SIZE])
{
	snprintf(out, ABI_TEXT_SIZE, "none");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == abi.kind)
			snprintf(out, ABI_TEXT_SIZE, "%s%u", kinds[i].prefix, abi.version);
}

unsigned
abi_napi_of_node(const char *version)
{
	/* A minor release brought it to one that was out already. */
	static const struct {
		unsigned major, minor, napi, before;
	} releases[] = {
		{12, 22, 8, 7}, {14, 17, 8, 7},  {15, 12, 8, 7}, {18, 17, 9, 8},
		{20, 3, 9, 8},  {22, 14, 10, 9}, {23, 6, 10, 9},
	};
	static const struct {
		unsigned major, napi;
	} lines[] = {{24, 10}, {21, 9}, {16, 8}, {12, 7}};
	unsigned major, minor;

	if (sscanf(version, "%u.%u.", &major, &minor) != 2)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(releases); i++)
		if (releases[i].major == major)
			return minor >= releases[i].minor ? releases[i].napi : releases[i].before;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (major >= lines[i].major)
			return lines[i].napi;
	return 6;
}
