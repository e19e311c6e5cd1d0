/*
 * s3.h - the store in a bucket of an S3 service, with copies on local disk.
 *
 *   PREFIX/sha256/ab/ab12…   content, in the bucket
 *   DIR/sha256/, DIR/names/  as on local disk (fs.h): copies of what was put or asked for, and every name
 *
 * Content is in the bucket before anybody is told of it. A copy is made when its content is first asked for, and
 * believed only if its digest is right. Names are links on this disk only: the catalog has them all, and at
 * its start a service makes those that are missing.
 */
#ifndef API_STORE_S3_H
#define API_STORE_S3_H

#include "api/store/store.h"

extern const struct store_ops store_s3;

#endif
