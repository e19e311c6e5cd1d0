/*
 * electron.h - Electron's headers, for addons that use its V8. They come from who runs the worker, in
 * folders as node-gyp and @electron/rebuild keep them (~/.electron-gyp): VERSION/include/node, which is
 * the headers' tarball of that release, unpacked.
 */
#ifndef BUILDER_TOOLCHAIN_ELECTRON_H
#define BUILDER_TOOLCHAIN_ELECTRON_H

#include <stddef.h>

#include "builder/base/digest.h"
#include "builder/base/err.h"

#define ELECTRON_ABIS_MAX     64
#define ELECTRON_VERSION_MAX  32
#define ELECTRON_FILES_MAX    20000
#define ELECTRON_FILE_MAX     (16u << 20) /* bytes of one */
#define ELECTRON_HEADERS_NAME "electron"  /* of the folder with the copies, in a worker's cache */

/* digest: SHA-256 over the sorted lines "SHA256 PATH" of all files. */
struct electron_release {
	char version[ELECTRON_VERSION_MAX];
	unsigned abi; /* NODE_MODULE_VERSION */
	char digest[DIGEST_HEX_SIZE];
};

/* Plain data. One release for each ABI. */
struct electron {
	struct electron_release at[ELECTRON_ABIS_MAX];
	size_t count;
};

/* The newest release of each ABI in dir, without digests. ERR_INVALID names what is wrong with a
 * folder; folders whose name is no version are left alone. Blocks. */
int electron_list(const char *dir, struct electron *out, struct err *e);

/* The same with digests, and copies into `to`/VERSION, which is emptied first: what builds use does not
 * change under them, and their user can read it. */
int electron_copy(const char *dir, const char *to, struct electron *out, struct err *e);

/* NULL if there is none. */
const struct electron_release *electron_find(const struct electron *electron, unsigned abi);

#endif
