/*
 * format.h - says what a file is by its first bytes, also when it is not a binary at all: what
 * people find in place of an addon is often a page, an error text or a cut download.
 */
#ifndef BUILDER_AUDIT_FORMAT_H
#define BUILDER_AUDIT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum format_kind { FORMAT_UNKNOWN, FORMAT_ELF, FORMAT_MACHO, FORMAT_PE };

#define FORMAT_TEXT_SIZE 128

struct format {
	enum format_kind kind;
	char text[FORMAT_TEXT_SIZE]; /* "Mach-O arm64 bundle", "an HTML page", … */
};

/* Never fails: text says "unknown data" if nothing else fits. Pure. */
void format_identify(const void *data, size_t len, struct format *out);

/* "elf", "mach-o", "pe", "unknown". */
const char *format_name(enum format_kind kind);

/* "PE x64 DLL", for the machine in a PE file's header. */
void format_pe_text(uint16_t machine, char out[FORMAT_TEXT_SIZE]);

/* "Mach-O arm64 bundle", for the cpu type in a Mach-O header. */
void format_macho_text(uint32_t cpu, char out[FORMAT_TEXT_SIZE]);

/* "ELF 64-bit x86-64", from the fields of an ELF header; "machine 999" if that has no name. */
void format_elf_text(unsigned class, unsigned data, uint16_t machine, char out[FORMAT_TEXT_SIZE]);

#endif
