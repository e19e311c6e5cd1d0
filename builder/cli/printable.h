/*
 * printable.h - text that may come from a hostile package's build, made fit for a terminal.
 */
#ifndef BUILDER_CLI_PRINTABLE_H
#define BUILDER_CLI_PRINTABLE_H

#include <stddef.h>

struct buf;

/* Appends at most `columns` characters of text (0: all). Control characters, with which a terminal
 * could be made to do things, become "?". */
void printable_add(struct buf *out, const char *text, size_t columns);

#endif
