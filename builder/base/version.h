/*
 * version.h - the version of this program, as users see it.
 */
#ifndef BUILDER_BASE_VERSION_H
#define BUILDER_BASE_VERSION_H

#define PREBUILDD_VERSION "0.1.0"

#endif
