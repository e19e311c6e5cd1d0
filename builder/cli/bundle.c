#include "builder/cli/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"

int
bundle_item_read(const struct json *artifact, struct bundle_item *out, struct err *e)
{
	const char *package = json_str(artifact, "package", "");
	const char *version = json_str(artifact, "version", "");
	const char *file = json_str(artifact, "file", "");
	const struct target *target = target_find(json_str(artifact, "target", ""));
	struct buf path = {0};
	struct abi abi;

	*out = (struct bundle_item){0};
	if (!package_name_valid(package) || !package_version_valid(version))
		return err_set(e, ERR_MALFORMED, "\"%.60s@%.60s\" is no package's version", package,
			       version);
	if (target == NULL)
		return err_set(e, ERR_MALFORMED, "%s@%s: the target \"%.40s\" is not known here",
			       package, version, json_str(artifact, "target", ""));
	if (abi_parse(json_str(artifact, "abi", ""), &abi) != 0 ||
	    !name_of(NAME_RAW, package, version, abi, target, &out->name))
		return err_set(e, ERR_MALFORMED, "%s@%s: the ABI \"%.40s\" is not known here",
			       package, version, json_str(artifact, "abi", ""));
	if (digest_parse(json_str(artifact, "sha256", ""), &out->digest) != 0)
		return err_set(e, ERR_MALFORMED, "%s@%s: there is no digest", package, version);
	if (file[0] == '\0' || file[0] == '.' || strchr(file, '/') != NULL)
		return err_set(e, ERR_MALFORMED, "%s@%s: \"%.60s\" is no file's name", package,
			       version, file);
	out->file = xstrdup(file);
	name_path(&out->name, &path);
	out->path = xstrdup(path.data + 1);
	buf_fini(&path);
	return 0;
}

void
bundle_item_fini(struct bundle_item *item)
{
	free(item->file);
	free(item->path);
	*item = (struct bundle_item){0};
}

char *
bundle_item_text(const struct bundle_item *item)
{
	char abi[ABI_TEXT_SIZE];

	abi_text(item->name.abi, abi);
	return xasprintf("%s@%s %s %s", item->name.package, item->name.version, abi,
			 item->name.target->triple);
}
