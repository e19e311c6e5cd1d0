/*
 * fs.h - the store on local disk.
 *
 *   DIR/sha256/ab/ab12…      content, mode 0444
 *   DIR/names/prebuilds/…    relative links to content; the link's last part is the digest, so a
 *                            download is one readlink and one open
 *   DIR/tmp/                 unfinished writes
 */
#ifndef API_STORE_FS_H
#define API_STORE_FS_H

#include "api/store/store.h"

extern const struct store_ops store_fs;

#endif
