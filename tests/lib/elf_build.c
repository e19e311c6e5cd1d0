#include "tests/lib/elf_build.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/seed.h"

#define SECTION_SIZE 40u    /* of a 32-bit file's section header */
#define HEADERS_SIZE 0x400u /* file header and program headers, room for all */

/* Where the parts lie in the file, which in the first segment is also their address. */
struct image {
	const struct elf_spec *spec;
	struct buf *out;
	struct buf strings;
	struct elf_spec_symbol order[ELF_SPEC_SYMBOLS]; /* undefined ones first */
	unsigned symbols, undefined;
	uint64_t strtab, symtab, hash, gnu_hash, versym, verneed, reloc, reloc_size, jmprel,
		jmprel_size, note, interp, text, first_end, data, dynamic, dynamic_size;
	uint64_t sections; /* file offset of the section headers, 0 without */
	uint64_t struct_at, filename_at, modname_at;
};

static bool
wide(const struct image *m)
{
	return m->spec->class == ELFCLASS64;
}

/* Most machines have relocations with addends; these two do not. */
static bool
addends(const struct image *m)
{
	return m->spec->machine != EM_386 && m->spec->machine != EM_ARM;
}

/* Distance between address and file offset in the second segment. */
static uint64_t
shift(const struct image *m)
{
	return m->spec->align + (m->spec->shifted ? 8 : 0);
}

static void
put(struct image *m, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned at = m->spec->data == ELFDATA2MSB ? size - 1 - i : i;
		unsigned char byte = (unsigned char)(value >> 8 * at);

		buf_add(m->out, &byte, 1);
	}
}

static void
put_word(struct image *m, uint64_t value)
{
	put(m, value, wide(m) ? 8 : 4);
}

static uint64_t
align(struct image *m, uint64_t to)
{
	while (m->out->len % to != 0)
		buf_add(m->out, "", 1);
	return m->out->len;
}

/* Offset of a string in the string table, added if it is new. */
static uint64_t
name(struct image *m, const char *s)
{
	uint64_t at = m->strings.len;

	for (uint64_t i = 0; i < m->strings.len; i += strlen(m->strings.data + i) + 1)
		if (strcmp(m->strings.data + i, s) == 0)
			return i;
	buf_add(&m->strings, s, strlen(s) + 1);
	return at;
}

static bool
is_defined(const struct elf_spec_symbol *s)
{
	return s->defined || s->code != NULL;
}

static void
order_symbols(struct image *m)
{
	for (int defined = 0; defined < 2; defined++) {
		for (unsigned i = 0; i < ELF_SPEC_SYMBOLS && m->spec->symbols[i].name; i++)
			if (is_defined(&m->spec->symbols[i]) == defined)
				m->order[m->symbols++] = m->spec->symbols[i];
		if (!defined)
			m->undefined = m->symbols;
	}
}

/* Index of a symbol's version in DT_VERSYM: its position among those that have one. */
static unsigned
version_index(const struct image *m, unsigned symbol)
{
	return m->order[symbol].version != NULL ? symbol + 2 : 1;
}

static void
put_code(struct image *m, const char *hex)
{
	for (; hex[0] != '\0'; hex += 2) {
		char digits[3] = {hex[0], hex[1], '\0'};
		char byte = (char)strtoul(digits, NULL, 16);

		buf_add(m->out, &byte, 1);
	}
}

static void
put_text(struct image *m, uint64_t address[ELF_SPEC_SYMBOLS])
{
	m->text = align(m, 16);
	for (unsigned i = 0; i < m->symbols; i++) {
		address[i] = is_defined(&m->order[i]) ? align(m, 16) : 0;
		if (is_defined(&m->order[i]))
			put_code(m, m->order[i].code != NULL ? m->order[i].code : "00");
	}
	align(m, 16);
	if (m->spec->text != NULL)
		buf_add(m->out, m->spec->text, strlen(m->spec->text) + 1);
	m->filename_at = m->out->len;
	buf_add(m->out, "../src/addon.cc", 16);
	m->modname_at = m->out->len;
	buf_add(m->out, "addon", 6);
}

static void
put_symbols(struct image *m, const uint64_t address[ELF_SPEC_SYMBOLS])
{
	m->symtab = align(m, 8);
	for (unsigned i = 0; i < (wide(m) ? 24 : 16); i++)
		put(m, 0, 1);
	for (unsigned i = 0; i < m->symbols; i++) {
		const struct elf_spec_symbol *s = &m->order[i];
		unsigned info = (s->weak ? 0u + STB_WEAK : STB_GLOBAL) << 4 | STT_FUNC;
		unsigned other = s->hidden ? STV_HIDDEN : STV_DEFAULT;
		uint64_t value = address[i] + s->thumb;

		put(m, name(m, s->name), 4);
		if (!wide(m)) {
			put(m, value, 4);
			put(m, 4, 4);
		}
		put(m, info, 1);
		put(m, other, 1);
		put(m, is_defined(s) ? 1 : SHN_UNDEF, 2);
		if (wide(m)) {
			put(m, value, 8);
			put(m, 4, 8);
		}
	}
}

/* Any hash of a name will do: what is tested looks nothing up. */
static void
put_hashes(struct image *m)
{
	unsigned size = wide(m) && m->spec->machine == EM_S390 ? 8 : 4;
	unsigned defined = m->symbols - m->undefined;

	if (!m->spec->gnu_hash) {
		m->hash = align(m, 8);
		put(m, 1, size);
		put(m, m->symbols + 1, size);
		put(m, m->symbols > 0, size);
		for (unsigned i = 0; i <= m->symbols; i++)
			put(m, i < m->symbols ? i + 1 : 0, size);
	}
	if (m->spec->gnu_hash || m->spec->both_hashes) {
		m->gnu_hash = align(m, 8);
		put(m, 1, 4);
		put(m, defined > 0 ? m->undefined + 1 : 1, 4);
		put(m, 1, 4);
		put(m, 6, 4);
		put_word(m, UINT64_MAX);
		put(m, defined > 0 ? m->undefined + 1 : 0, 4);
		for (unsigned i = 0; i < defined; i++)
			put(m, i + 1 == defined ? 1 : 2, 4);
	}
}

/* One Verneed with one Vernaux for each symbol that has a version. */
static void
put_versions(struct image *m)
{
	unsigned last = UINT32_MAX;

	for (unsigned i = 0; i < m->symbols; i++)
		last = m->order[i].version != NULL ? i : last;
	if (last == UINT32_MAX)
		return;
	m->versym = align(m, 2);
	put(m, 0, 2);
	for (unsigned i = 0; i < m->symbols; i++)
		put(m, version_index(m, i), 2);
	m->verneed = align(m, 4);
	for (unsigned i = 0; i <= last; i++) {
		if (m->order[i].version == NULL)
			continue;
		put(m, 1, 2);
		put(m, 1, 2);
		put(m, name(m, m->order[i].file), 4);
		put(m, 16, 4);
		put(m, i == last ? 0 : 32, 4);
		put(m, 0x1234, 4);
		put(m, m->order[i].weak ? VER_FLG_WEAK : 0, 2);
		put(m, version_index(m, i), 2);
		put(m, name(m, m->order[i].version), 4);
		put(m, 0, 4);
	}
}

static void
put_reloc(struct image *m, uint64_t at, uint32_t type, uint32_t symbol, uint64_t addend)
{
	put_word(m, at);
	put_word(m, wide(m) ? (uint64_t)symbol << 32 | type : symbol << 8 | (type & 0xff));
	if (addends(m))
		put_word(m, addend);
}

/* The struct and the relocations of its three pointers: file name, a function, module name. */
static void
put_relocs(struct image *m)
{
	uint64_t word = wide(m) ? 8 : 4;
	uint64_t pointers = m->struct_at + 8 + word + shift(m);

	m->reloc = align(m, 8);
	for (unsigned i = 0; i < ELF_SPEC_RELOCS && m->spec->relocs[i] != 0; i++)
		put_reloc(m, m->spec->textrel ? HEADERS_SIZE : m->data + shift(m),
			  m->spec->relocs[i], 0, 0);
	if (m->spec->module_abi != 0) {
		put_reloc(m, pointers, m->spec->relative, 0, m->filename_at);
		put_reloc(m, pointers + word, m->spec->relative, 0, m->text);
		put_reloc(m, pointers + 3 * word, m->spec->relative, 0, m->modname_at);
	}
	m->reloc_size = m->out->len - m->reloc;
	m->jmprel = m->out->len;
	for (unsigned i = 0; i < m->symbols; i++)
		if (m->order[i].looked_up)
			put_reloc(m, m->data + shift(m), 7, i + 1, 0);
	m->jmprel_size = m->out->len - m->jmprel;
	if (m->spec->relocs_overlap)
		m->reloc_size += m->jmprel_size;
}

/* The addends stand here for machines that do not have them in the relocation. */
static void
put_module(struct image *m)
{
	m->struct_at = align(m, 8);
	if (m->spec->module_abi == 0)
		return;
	put(m, m->spec->module_abi, 4);
	put(m, 0, 4);
	put_word(m, 0);
	put_word(m, addends(m) ? 0 : m->filename_at);
	put_word(m, addends(m) ? 0 : m->text);
	put_word(m, 0);
	put_word(m, addends(m) ? 0 : m->modname_at);
	put_word(m, 0);
	put_word(m, 0);
}

static void
put_note(struct image *m)
{
	m->note = align(m, 8);
	put(m, 4, 4);
	put(m, 16, 4);
	put(m, NT_GNU_PROPERTY_TYPE_0, 4);
	buf_add(m->out, "GNU", 4);
	put(m, GNU_PROPERTY_X86_ISA_1_NEEDED, 4);
	put(m, 4, 4);
	put(m, m->spec->x86_isa, 4);
	put(m, 0, 4);
}

static void
entry(struct image *m, uint64_t tag, uint64_t value)
{
	put_word(m, tag);
	put_word(m, value);
}

/* Entries that are addresses are left out if there is nothing. */
static void
place(struct image *m, uint64_t tag, uint64_t at)
{
	if (at != 0)
		entry(m, tag, at);
}

static void
put_dynamic(struct image *m)
{
	const struct elf_spec *s = m->spec;

	m->dynamic = align(m, 8);
	for (unsigned i = 0; i < ELF_SPEC_NEEDED && s->needed[i] != NULL; i++)
		entry(m, DT_NEEDED, name(m, s->needed[i]));
	if (s->soname != NULL)
		entry(m, DT_SONAME, name(m, s->soname));
	if (s->rpath != NULL)
		entry(m, DT_RPATH, name(m, s->rpath));
	if (s->runpath != NULL)
		entry(m, DT_RUNPATH, name(m, s->runpath));
	entry(m, DT_STRTAB, m->strtab + shift(m));
	entry(m, DT_STRSZ, m->strings.len);
	entry(m, DT_SYMTAB, m->symtab);
	entry(m, DT_SYMENT, wide(m) ? 24 : 16);
	place(m, DT_HASH, m->hash);
	place(m, DT_GNU_HASH, m->gnu_hash);
	place(m, DT_VERSYM, m->versym);
	place(m, DT_VERNEED, m->verneed);
	entry(m, addends(m) ? DT_RELA : DT_REL, m->reloc);
	entry(m, addends(m) ? DT_RELASZ : DT_RELSZ, m->reloc_size);
	entry(m, DT_JMPREL, m->jmprel);
	entry(m, DT_PLTRELSZ, m->jmprel_size);
	entry(m, DT_PLTREL, addends(m) ? DT_RELA : DT_REL);
	if (s->init)
		entry(m, DT_INIT_ARRAYSZ, 8);
	if (s->textrel)
		entry(m, DT_TEXTREL, 0);
	if (s->relr)
		entry(m, 36, m->data + shift(m));
	place(m, DT_FLAGS, s->dt_flags);
	place(m, DT_FLAGS_1, s->dt_flags_1);
	entry(m, DT_NULL, 0);
	m->dynamic_size = m->out->len - m->dynamic;
}

static void
segment(struct image *m, uint32_t type, uint32_t flags, uint64_t at, uint64_t shifted,
	uint64_t size, uint64_t alignment)
{
	put(m, type, 4);
	if (wide(m))
		put(m, flags, 4);
	put_word(m, at);
	put_word(m, at + shifted);
	put_word(m, at + shifted);
	put_word(m, size);
	put_word(m, size);
	if (!wide(m))
		put(m, flags, 4);
	put_word(m, alignment);
}

static unsigned
put_segments(struct image *m, uint64_t data_end)
{
	const struct elf_spec *s = m->spec;
	size_t start = m->out->len;

	segment(m, PT_LOAD, s->writable_text ? PF_R | PF_W | PF_X : PF_R | PF_X, 0, 0, m->first_end,
		s->align);
	segment(m, PT_LOAD, PF_R | PF_W, m->data, shift(m), data_end - m->data, s->align);
	if (!s->no_dynamic)
		segment(m, PT_DYNAMIC, PF_R | PF_W, m->dynamic, shift(m), m->dynamic_size, 8);
	if (!s->no_stack)
		segment(m, PT_GNU_STACK, s->exec_stack ? PF_R | PF_W | PF_X : PF_R | PF_W, 0, 0, 0,
			16);
	if (!s->no_relro)
		segment(m, PT_GNU_RELRO, PF_R, m->data, shift(m), data_end - m->data, 1);
	if (s->interp != NULL)
		segment(m, PT_INTERP, PF_R, m->interp, 0, strlen(s->interp) + 1, 1);
	if (s->tls)
		segment(m, PT_TLS, PF_R, m->data, shift(m), 8, 8);
	if (s->x86_isa != 0)
		segment(m, PT_NOTE, PF_R, m->note, 0, 32, 8);
	return (unsigned)((m->out->len - start) / (wide(m) ? 56 : 32));
}

static void
put_header(struct image *m, unsigned segments)
{
	const struct elf_spec *s = m->spec;
	unsigned char ident[EI_NIDENT] = {0x7f, 'E', 'L', 'F', s->class, s->data, 1, s->osabi};

	buf_add(m->out, ident, sizeof ident);
	put(m, s->type, 2);
	put(m, s->machine, 2);
	put(m, 1, 4);
	put_word(m, 0);
	put_word(m, wide(m) ? 64 : 52);
	put_word(m, m->sections);
	put(m, s->flags, 4);
	put(m, wide(m) ? 64 : 52, 2);
	put(m, wide(m) ? 56 : 32, 2);
	put(m, segments, 2);
	put(m, m->sections != 0 ? SECTION_SIZE : 0, 2);
	put(m, m->sections != 0 ? 2 : 0, 2);
	put(m, 0, 2);
}

static void
put_body(struct image *m)
{
	uint64_t address[ELF_SPEC_SYMBOLS];

	while (m->out->len < HEADERS_SIZE)
		buf_add(m->out, "", 1);
	put_note(m);
	m->interp = m->out->len;
	if (m->spec->interp != NULL)
		buf_add(m->out, m->spec->interp, strlen(m->spec->interp) + 1);
	put_text(m, address);
	put_symbols(m, address);
	put_hashes(m);
	put_versions(m);
	put_relocs(m);
	m->first_end = m->out->len;
	m->data = align(m, 16);
	put_word(m, 0); /* what relocations change */
	put_module(m);
	put_dynamic(m);
	m->strtab = m->out->len;
	buf_add(m->out, m->strings.data, m->strings.len);
}

/* Attributes, and a table of an empty section and theirs. */
static void
put_sections(struct image *m)
{
	uint64_t start = align(m, 4), size;

	put_code(m, m->spec->arm_attributes);
	size = m->out->len - start;
	m->sections = align(m, 4);
	for (unsigned i = 0; i < SECTION_SIZE + 4; i += 4)
		put(m, 0, 4);
	put(m, SHT_ARM_ATTRIBUTES, 4);
	put(m, 0, 8);
	put(m, start, 4);
	put(m, size, 4);
	put(m, 0, 8);
	put(m, 0, 8);
}

void
elf_build(const struct elf_spec *spec, struct buf *out)
{
	struct buf headers = {0};
	uint64_t data_end;
	unsigned segments;
	struct image m = {.spec = spec, .out = out};

	buf_add(&m.strings, "", 1);
	order_symbols(&m);
	/* Sizes do not depend on places, so the second time all places are known. */
	for (int pass = 0; pass < 2; pass++) {
		out->len = 0;
		put_body(&m);
	}
	data_end = out->len;
	if (spec->arm_attributes != NULL)
		put_sections(&m);
	m.out = &headers;
	put_header(&m, 0);
	segments = put_segments(&m, data_end);
	headers.len = 0;
	put_header(&m, segments);
	put_segments(&m, data_end);
	memcpy(out->data, headers.data, headers.len);
	/* The first byte chooses the target: here, what the file says itself. */
	seed_keep("elf", "\xff", 1, out->data, out->len);
	buf_fini(&m.strings);
	buf_fini(&headers);
}

void
elf_build_symbol(struct elf_spec *spec, struct elf_spec_symbol symbol)
{
	unsigned i = 0;

	while (spec->symbols[i].name != NULL)
		i++;
	if (i + 1 == ELF_SPEC_SYMBOLS)
		abort();
	spec->symbols[i] = symbol;
}
