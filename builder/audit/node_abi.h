/*
 * node_abi.h - the NODE_MODULE_VERSION that an addon was compiled for.
 */
#ifndef BUILDER_AUDIT_NODE_ABI_H
#define BUILDER_AUDIT_NODE_ABI_H

#include <stdbool.h>
#include <stddef.h>

struct elf;

/* From "node_register_module_v127". */
bool node_abi_of_symbol(const char *name, unsigned *version);

/*
 * Of an addon that calls node_module_register() from a constructor: the number stands in the
 * struct node_module (node.h) that it passes, which is recognised in the data by its shape: the
 * name of a source file, functions, and the module's name, all relocated. False if there is no
 * such struct, or several that do not agree. `data` and `len` are what elf_read was given.
 */
bool node_abi_of_module(const struct elf *elf, const void *data, size_t len, unsigned *version);

#endif
