#include "builder/engine/pre_gyp.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

#define MANIFEST_MAX (4u << 20)
#define NAME_CHARS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* Where the package copies its addon after the build. Nobody looks there: clients get a tarball of
 * their own, and the load test asks node-pre-gyp. */
#define MODULE_FOLDER "build/module"

static bool
name_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < 200 && strspn(name, NAME_CHARS) == len;
}

void
pre_gyp_flags(const char *source, const char *mount, struct abi abi, struct strv *argv)
{
	char *path = xasprintf("%s/package.json", source), label[ABI_TEXT_SIZE];
	struct json *manifest = NULL;
	struct buf text = {0};
	const char *name;

	if (file_read_regular(path, MANIFEST_MAX, &text, NULL) == 0)
		manifest = json_parse(text.data, text.len, NULL);
	name = json_str(json_get(manifest, "binary"), "module_name", "");
	if (name_valid(name)) {
		abi_text(abi, label);
		strv_addf(argv, "--module=%s/" MODULE_FOLDER "/%s.node", mount, name);
		strv_addf(argv, "--module_name=%s", name);
		strv_addf(argv, "--module_path=%s/" MODULE_FOLDER, mount);
		strv_addf(argv, "--napi_version=%d", ABI_NAPI_MAX);
		strv_add(argv, "--node_abi_napi=napi");
		strv_addf(argv, "--node_napi_label=%s", label);
		/* For a Node-API addon this is given always. */
		if (abi.kind != ABI_NAPI)
			strv_add(argv, "--napi_build_version=0");
	}
	json_free(manifest);
	buf_fini(&text);
	free(path);
}
