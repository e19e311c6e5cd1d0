/*
 * napi.h - Node-API: which version has which symbol, and which version an addon declares.
 *
 * Source: the npm package node-api-headers (napi_table.js makes the table from it), and Node's
 * src/node_api.cc: a module is refused if node_api_module_get_api_version_v1() returns more than
 * that Node supports.
 */
#ifndef BUILDER_AUDIT_NAPI_H
#define BUILDER_AUDIT_NAPI_H

#include <stdbool.h>
#include <stddef.h>

struct elf;

struct napi_symbol {
	const char *name;
	unsigned version;
};

extern const struct napi_symbol napi_table[];
extern const size_t napi_table_count;

#define NAPI_ENTRY         "napi_register_module_v1"
#define NAPI_VERSION_ENTRY "node_api_module_get_api_version_v1"

/* Is this a name that only Node-API uses ("napi_…", "node_api_…")? */
bool napi_is_name(const char *symbol);

/* The first version that has the symbol; 0 if no released version has it. */
unsigned napi_symbol_version(const char *symbol);

/*
 * The number that the addon's NAPI_VERSION_ENTRY returns, decoded from its code: a load of a
 * constant and a return, as compilers write it for x86, ARM, AArch64, RISC-V, POWER and s390x.
 * False if there is no such function or it is written in a way that is not understood.
 * `data` is what elf_read was given.
 */
bool napi_declared(const struct elf *elf, const void *data, unsigned *version);

/* The same, of a function's code itself; `len` bytes of it are there. */
enum napi_code { NAPI_CODE_X86, NAPI_CODE_ARM64 };
bool napi_declared_code(enum napi_code kind, const void *code, size_t len, unsigned *version);

#endif
