/*
 * unpack_box.h - a folder in which archives are unpacked, for unit tests, and what came to be in it. What
 * must hold always is checked each time: nothing is written beside it, errors are one line of text.
 */
#ifndef TESTS_LIB_UNPACK_BOX_H
#define TESTS_LIB_UNPACK_BOX_H

#include "builder/base/buf.h"
#include "builder/base/err.h"
#include "builder/source/unpack.h"

/* A million bytes, a thousand entries, ten deep, with links, without the top folder. */
extern const struct unpack_limits box_usual;

/* Unpacks bytes into an empty box. */
int box_unpack(const struct buf *bytes, const struct unpack_limits *l, struct err *e);

/* The same, and frees the bytes. Expects a failure with this code and text; or none. */
void box_refuses(struct buf *bytes, const struct unpack_limits *l, int code, const char *text);
void box_accepts(struct buf *bytes, const struct unpack_limits *l);

/* Of what was unpacked; "" if it is not there. Each lasts until the next call: type letter and octal mode
 * ("-644", "d755"), content, target of a link. */
const char *box_mode(const char *name);
const char *box_text(const char *name);
const char *box_target(const char *name);

/* An archive of files, folders and a link, and what must be there when it was unpacked. */
struct buf box_small_tar(void);
void box_check_small_tree(void);

#endif
