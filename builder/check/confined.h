/*
 * confined.h - the limits of a check in a process of its own (confined.c).
 */
#ifndef BUILDER_CHECK_CONFINED_H
#define BUILDER_CHECK_CONFINED_H

#define CHECK_UPLOAD_MAX (256u << 20) /* bytes of the upload */
#define CHECK_MEMORY     (2ull << 30) /* address space, bytes */
#define CHECK_SECONDS    20           /* CPU time */

#endif
