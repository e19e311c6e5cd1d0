#include "builder/audit/pe_read.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

#define DOS_SIZE      64
#define HEADER_SIZE   24 /* "PE\0\0" and the file header */
#define SECTION_SIZE  40
#define IMPORT_SIZE   20
#define DELAY_SIZE    32
#define DEBUG_SIZE    28
#define EXPORT_SIZE   40
#define DIRECTORY_MAX 16

/* Optional header, data directories. */
enum directory {
	DIRECTORY_EXPORT = 0,
	DIRECTORY_IMPORT = 1,
	DIRECTORY_CERTIFICATE = 4,
	DIRECTORY_RELOC = 5,
	DIRECTORY_DEBUG = 6,
	DIRECTORY_DELAY = 13,
	DIRECTORY_CLR = 14,
};

#define DEBUG_CODEVIEW 2
#define DEBUG_REPRO    16

struct range {
	uint32_t rva, size;
};

struct reader {
	const unsigned char *data;
	size_t len;
	struct pe *pe;
	struct err *err;
	uint64_t image_base;
	uint32_t headers_size; /* bytes at the start of the file that are mapped as they are */
	struct range directories[DIRECTORY_MAX];
};

/* ---- bytes: the caller has checked the range ---- */

static uint16_t
u16(const struct reader *r, size_t at)
{
	return (uint16_t)(r->data[at] | r->data[at + 1] << 8);
}

static uint32_t
u32(const struct reader *r, size_t at)
{
	return u16(r, at) | (uint32_t)u16(r, at + 2) << 16;
}

static uint64_t
u64(const struct reader *r, size_t at)
{
	return u32(r, at) | (uint64_t)u32(r, at + 4) << 32;
}

static bool
have(const struct reader *r, size_t at, size_t size)
{
	return at <= r->len && size <= r->len - at;
}

bool
pe_offset(const struct pe *pe, size_t len, uint32_t rva, uint32_t size, size_t *offset)
{
	for (size_t i = 0; i < pe->section_count; i++) {
		const struct pe_section *s = &pe->sections[i];
		uint32_t in, there = s->file_size;

		/* What the file has beyond the section's size in memory is not mapped. */
		if (s->size != 0 && s->size < there)
			there = s->size;
		if (rva < s->rva || rva - s->rva >= there)
			continue;
		in = rva - s->rva;
		if (size > there - in || s->offset > len || in > len - s->offset ||
		    size > len - s->offset - in)
			return false;
		*offset = (size_t)s->offset + in;
		return true;
	}
	return false;
}

/* A place in a table or header: an address, or in the headers themselves. */
static bool
place(const struct reader *r, uint32_t rva, uint32_t size, size_t *at)
{
	if (pe_offset(r->pe, r->len, rva, size, at))
		return true;
	*at = rva;
	return rva < r->headers_size && size <= r->headers_size - rva && have(r, rva, size);
}

static int
string(const struct reader *r, uint32_t rva, const char *what, const char **out)
{
	size_t at, most;

	if (place(r, rva, 1, &at)) {
		most = r->len - at < PE_STRING_MAX ? r->len - at : PE_STRING_MAX;
		if (memchr(r->data + at, '\0', most) != NULL) {
			*out = (const char *)r->data + at;
			return 0;
		}
	}
	return err_set(r->err, ERR_MALFORMED, "%s at 0x%x is not a string inside the file", what,
		       (unsigned)rva);
}

/* ---- headers ---- */

static int
read_optional(struct reader *r, size_t at, size_t size)
{
	struct pe *pe = r->pe;
	size_t fixed, count;
	uint16_t magic;

	if (size < 2 || !have(r, at, size))
		return err_set(r->err, ERR_MALFORMED, "the file ends inside its optional header");
	magic = u16(r, at);
	if (magic != 0x10b && magic != 0x20b)
		return err_set(r->err, ERR_MALFORMED, "the optional header's magic is 0x%x", magic);
	pe->wide = magic == 0x20b;
	fixed = pe->wide ? 112 : 96;
	if (size < fixed)
		return err_set(r->err, ERR_MALFORMED, "an optional header of %zu bytes", size);
	r->image_base = pe->wide ? u64(r, at + 24) : u32(r, at + 28);
	pe->section_align = u32(r, at + 32);
	pe->os_major = u16(r, at + 40);
	pe->os_minor = u16(r, at + 42);
	pe->subsystem_major = u16(r, at + 48);
	pe->subsystem_minor = u16(r, at + 50);
	r->headers_size = u32(r, at + 60);
	pe->subsystem = u16(r, at + 68);
	pe->dll_characteristics = u16(r, at + 70);
	count = u32(r, at + fixed - 4);
	if (count > DIRECTORY_MAX)
		count = DIRECTORY_MAX;
	if (count > (size - fixed) / 8)
		return err_set(r->err, ERR_MALFORMED, "%zu data directories in %zu bytes", count,
			       size - fixed);
	for (size_t i = 0; i < count; i++) {
		r->directories[i].rva = u32(r, at + fixed + 8 * i);
		r->directories[i].size = u32(r, at + fixed + 8 * i + 4);
	}
	return 0;
}

static int
read_sections(struct reader *r, size_t at, size_t count)
{
	struct pe *pe = r->pe;

	if (count > PE_SECTIONS_MAX)
		return err_set(r->err, ERR_LIMIT, "%zu sections, at most %d are read", count,
			       PE_SECTIONS_MAX);
	if (!have(r, at, count * SECTION_SIZE))
		return err_set(r->err, ERR_MALFORMED,
			       "the section table lies outside the file (truncated?)");
	pe->sections = xcalloc(count, sizeof *pe->sections);
	pe->section_count = count;
	for (size_t i = 0; i < count; i++, at += SECTION_SIZE) {
		struct pe_section *s = &pe->sections[i];

		memcpy(s->name, r->data + at, 8);
		s->size = u32(r, at + 8);
		s->rva = u32(r, at + 12);
		s->file_size = u32(r, at + 16);
		s->offset = u32(r, at + 20);
		s->flags = u32(r, at + 36);
		if (s->file_size > 0 && !have(r, s->offset, s->file_size))
			return err_set(r->err, ERR_MALFORMED,
				       "section %zu, at 0x%x, lies outside the file (truncated?)",
				       i, (unsigned)s->offset);
	}
	return 0;
}

static int
read_headers(struct reader *r)
{
	struct pe *pe = r->pe;
	size_t at, optional;
	int rc;

	if (r->len < DOS_SIZE || memcmp(r->data, "MZ", 2) != 0)
		return err_set(r->err, ERR_UNSUPPORTED, "not a PE file");
	at = u32(r, 60);
	if (!have(r, at, HEADER_SIZE) || memcmp(r->data + at, "PE\0", 4) != 0)
		return err_set(r->err, ERR_UNSUPPORTED, "not a PE file");
	pe->machine = u16(r, at + 4);
	pe->timestamp = u32(r, at + 8);
	pe->characteristics = u16(r, at + 22);
	optional = u16(r, at + 20);
	rc = read_optional(r, at + HEADER_SIZE, optional);
	if (rc == 0)
		rc = read_sections(r, at + HEADER_SIZE + optional, u16(r, at + 6));
	return rc;
}

/* ---- imports ---- */

static int
add_dll(struct reader *r, uint32_t name, bool delayed)
{
	struct pe *pe = r->pe;
	const char *text;

	if (pe->dll_count == PE_DLLS_MAX)
		return err_set(r->err, ERR_LIMIT, "more than %d imported DLLs", PE_DLLS_MAX);
	if (string(r, name, "the name of an imported DLL", &text) != 0)
		return r->err->code;
	pe->dlls = xrealloc(pe->dlls, (pe->dll_count + 1) * sizeof *pe->dlls);
	pe->dlls[pe->dll_count++] = (struct pe_dll){.name = text, .delayed = delayed};
	return 0;
}

static int
add_import(struct reader *r, const struct pe_import *import)
{
	struct pe *pe = r->pe;

	if (pe->import_count == PE_IMPORTS_MAX)
		return err_set(r->err, ERR_LIMIT, "more than %d imports", PE_IMPORTS_MAX);
	if ((pe->import_count & (pe->import_count - 1)) == 0)
		pe->imports =
			xrealloc(pe->imports, (pe->import_count > 0 ? 2 * pe->import_count : 1) *
						      sizeof *pe->imports);
	pe->imports[pe->import_count++] = *import;
	return 0;
}

/* The names that are taken from the DLL that was added last: a table of addresses of a number and a
 * name, or with the highest bit set, of numbers. The last is zero. */
static int
read_names(struct reader *r, uint32_t table, uint32_t base)
{
	uint32_t entry = r->pe->wide ? 8 : 4;
	struct pe_import import = {.dll = r->pe->dll_count - 1};
	size_t at;

	for (;; table += entry) {
		uint64_t value;

		if (!place(r, table, entry, &at))
			return err_set(r->err, ERR_MALFORMED,
				       "the table of imports at 0x%x lies outside the file",
				       (unsigned)table);
		value = r->pe->wide ? u64(r, at) : u32(r, at);
		if (value == 0)
			return 0;
		import.name = NULL;
		import.ordinal = 0;
		if (value >> (8 * entry - 1) != 0)
			import.ordinal = (uint16_t)value;
		else if (string(r, (uint32_t)value - base + 2, "the name of an import",
				&import.name) != 0)
			return r->err->code;
		if (add_import(r, &import) != 0)
			return r->err->code;
	}
}

/* A table that ends with an entry of zeros; its size in the directory is not to be relied upon, as
 * Windows does not. */
static int
read_imports(struct reader *r)
{
	uint32_t rva = r->directories[DIRECTORY_IMPORT].rva;
	size_t at;

	for (; rva != 0; rva += IMPORT_SIZE) {
		uint32_t names, name;

		if (!place(r, rva, IMPORT_SIZE, &at))
			return err_set(r->err, ERR_MALFORMED,
				       "the import directory at 0x%x lies outside the file",
				       (unsigned)rva);
		names = u32(r, at);
		name = u32(r, at + 12);
		if (name == 0)
			break;
		/* Without the table of names, that of addresses holds the same before loading. */
		if (names == 0)
			names = u32(r, at + 16);
		if (add_dll(r, name, false) != 0 || (names != 0 && read_names(r, names, 0) != 0))
			return r->err->code;
	}
	return 0;
}

static int
read_delayed(struct reader *r)
{
	uint32_t rva = r->directories[DIRECTORY_DELAY].rva;
	size_t at;

	for (; rva != 0; rva += DELAY_SIZE) {
		uint32_t names, name, base;

		if (!place(r, rva, DELAY_SIZE, &at))
			return err_set(r->err, ERR_MALFORMED,
				       "the delay-load directory at 0x%x lies outside the file",
				       (unsigned)rva);
		/* Old linkers wrote addresses where newer ones write offsets in the image, for which
		 * they set the lowest bit of the attributes. */
		base = (u32(r, at) & 1) != 0 ? 0 : (uint32_t)r->image_base;
		name = u32(r, at + 4);
		names = u32(r, at + 16);
		if (name == 0)
			break;
		if (add_dll(r, name - base, true) != 0 ||
		    (names != 0 && read_names(r, names - base, base) != 0))
			return r->err->code;
	}
	return 0;
}

/* ---- exports and debug data ---- */

static int
read_exports(struct reader *r)
{
	struct range dir = r->directories[DIRECTORY_EXPORT];
	uint32_t functions, names, ordinals, count, function_count;
	struct pe *pe = r->pe;
	size_t at, functions_at, names_at, ordinals_at;

	if (dir.rva == 0 || dir.size == 0)
		return 0;
	if (!place(r, dir.rva, EXPORT_SIZE, &at))
		return err_set(r->err, ERR_MALFORMED,
			       "the export directory at 0x%x lies outside the file",
			       (unsigned)dir.rva);
	function_count = u32(r, at + 20);
	count = u32(r, at + 24);
	functions = u32(r, at + 28);
	names = u32(r, at + 32);
	ordinals = u32(r, at + 36);
	if (count == 0)
		return 0;
	if (count > PE_EXPORTS_MAX || function_count > PE_EXPORTS_MAX)
		return err_set(r->err, ERR_LIMIT, "%u exports, at most %d are read",
			       (unsigned)(count > function_count ? count : function_count),
			       PE_EXPORTS_MAX);
	if (!place(r, functions, 4 * function_count, &functions_at) ||
	    !place(r, names, 4 * count, &names_at) || !place(r, ordinals, 2 * count, &ordinals_at))
		return err_set(r->err, ERR_MALFORMED, "the tables of exports lie outside the file");
	pe->exports = xcalloc(count, sizeof *pe->exports);
	for (uint32_t i = 0; i < count; i++) {
		struct pe_export *x = &pe->exports[i];
		uint16_t ordinal = u16(r, ordinals_at + 2 * (size_t)i);

		if (ordinal >= function_count)
			return err_set(r->err, ERR_MALFORMED, "export %u has no function",
				       (unsigned)i);
		if (string(r, u32(r, names_at + 4 * (size_t)i), "the name of an export",
			   &x->name) != 0)
			return r->err->code;
		x->rva = u32(r, functions_at + 4 * (size_t)ordinal);
		x->forwarded = x->rva >= dir.rva && x->rva - dir.rva < dir.size;
		pe->export_count++;
	}
	return 0;
}

/* What is malformed here is left out: nothing loads or runs by it. */
static void
read_debug(struct reader *r)
{
	struct range dir = r->directories[DIRECTORY_DEBUG];
	size_t count = dir.size / DEBUG_SIZE, at;

	if (count > PE_DEBUG_MAX)
		count = PE_DEBUG_MAX;
	if (dir.rva == 0 || !place(r, dir.rva, (uint32_t)(count * DEBUG_SIZE), &at))
		return;
	for (size_t i = 0; i < count; i++, at += DEBUG_SIZE) {
		uint32_t type = u32(r, at + 12), size = u32(r, at + 16), where = u32(r, at + 24);

		r->pe->reproducible |= type == DEBUG_REPRO;
		/* "RSDS", a digest, a number, and the path. */
		if (type != DEBUG_CODEVIEW || size < 25 || !have(r, where, size) ||
		    memcmp(r->data + where, "RSDS", 4) != 0 ||
		    memchr(r->data + where + 24, '\0', size - 24) == NULL)
			continue;
		if (r->data[where + 24] != '\0')
			r->pe->pdb = (const char *)r->data + where + 24;
	}
}

int
pe_read(const void *data, size_t len, struct pe *out, struct err *e)
{
	struct reader r = {.data = data, .len = len, .pe = out, .err = e};

	*out = (struct pe){0};
	if (read_headers(&r) != 0 || read_imports(&r) != 0 || read_delayed(&r) != 0 ||
	    read_exports(&r) != 0) {
		pe_fini(out);
		return e->code;
	}
	read_debug(&r);
	out->has_relocs =
		r.directories[DIRECTORY_RELOC].rva != 0 && r.directories[DIRECTORY_RELOC].size > 0;
	out->has_clr = r.directories[DIRECTORY_CLR].rva != 0;
	out->has_certificate = r.directories[DIRECTORY_CERTIFICATE].rva != 0;
	return 0;
}

void
pe_fini(struct pe *pe)
{
	free(pe->sections);
	free(pe->dlls);
	free(pe->imports);
	free(pe->exports);
	*pe = (struct pe){0};
}
