#include "builder/cli/hand_in.h"

#include "builder/base/buf.h"
#include "builder/remote/remote.h"

int
hand_in(const struct remote *r, const struct name *n, const char *file, const char *addon,
	struct json **artifact, struct err *e)
{
	struct buf path = {0};
	struct name named;
	int done;

	/* A tarball goes under prebuild-install's name, an addon under the raw one. */
	name_of(addon != NULL ? NAME_RAW : NAME_PREBUILD_INSTALL, n->package, n->version, n->abi,
		n->target, &named);
	buf_addf(&path, "/v1/publish/%s/v%s/", named.package, named.version);
	name_file(&named, &path);
	if (addon != NULL)
		remote_add_query(&path, "addon", addon);
	done = remote_send_file(r, path.data, file, artifact, e);
	buf_fini(&path);
	return done;
}
