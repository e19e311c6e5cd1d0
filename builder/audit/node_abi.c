#include "builder/audit/node_abi.h"

#include <elf.h>
#include <stdlib.h>

#include "builder/audit/elf_parts.h"
#include "builder/base/mem.h"

/* Versions are near 150; what is far above them is something else. */
#define NODE_ABI_MAX 9999

/* Structs that may be looked at closely; a file has one, but a crafted one may have many. */
#define CANDIDATES_MAX 16

#define NAME_MAX_LENGTH 256

bool
node_abi_of_symbol(const char *name, unsigned *version)
{
	static const char prefix[] = "node_register_module_v";
	char *end;
	unsigned long n;

	if (strncmp(name, prefix, sizeof prefix - 1) != 0)
		return false;
	name += sizeof prefix - 1;
	if (*name < '1' || *name > '9')
		return false;
	n = strtoul(name, &end, 10);
	*version = (unsigned)n;
	return *end == '\0' && n <= NODE_ABI_MAX;
}

static const struct {
	uint16_t machine;
	uint32_t relative;
} types[] = {
	{EM_X86_64, R_X86_64_RELATIVE},   {EM_386, R_386_RELATIVE},
	{EM_AARCH64, R_AARCH64_RELATIVE}, {EM_ARM, R_ARM_RELATIVE},
	{EM_PPC64, R_PPC64_RELATIVE},     {EM_S390, R_390_RELATIVE},
	{EM_RISCV, R_RISCV_RELATIVE},
};

/* Pointers in the data, as relative relocations say them. */
struct pointers {
	const struct elf *elf;
	struct elf_bytes bytes;
	uint32_t relative;
};

/* Is relocation i of that table a pointer, and where does it point? */
static bool
pointer_at(const struct pointers *p, size_t table, size_t i, uint64_t *at, uint64_t *to)
{
	struct elf_reloc reloc = elf_reloc_at(p->elf, p->bytes.data, table, i);
	uint64_t place;

	if (reloc.type != p->relative)
		return false;
	*at = reloc.offset;
	*to = reloc.addend;
	if (p->elf->relocs[table].addends)
		return true;
	if (!elf_offset(p->elf, reloc.offset, p->bytes.wide ? 8 : 4, &place))
		return false;
	*to = bytes_word(&p->bytes, place);
	return true;
}

/* The string at an address, if it is short and printable. */
static const char *
string_at(const struct pointers *p, uint64_t vaddr)
{
	const char *s;
	uint64_t at;
	size_t n = 0;

	if (!elf_offset(p->elf, vaddr, 1, &at))
		return NULL;
	s = (const char *)p->bytes.data + at;
	while (n < NAME_MAX_LENGTH && at + n < p->bytes.len && s[n] >= ' ' && s[n] <= '~')
		n++;
	return n > 0 && at + n < p->bytes.len && s[n] == '\0' ? s : NULL;
}

static bool
is_source_name(const char *s)
{
	static const char *const ends[] = {".cc", ".cpp", ".cxx", ".c", ".c++", ".C"};
	size_t len = strlen(s);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (len > strlen(ends[i]) && strcmp(s + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* Does a pointer to a string stand at that address? */
static bool
has_name_at(const struct pointers *p, uint64_t vaddr)
{
	uint64_t at, to;

	for (size_t table = 0; table < 2; table++)
		for (size_t i = 0; i < p->elf->relocs[table].count; i++)
			if (pointer_at(p, table, i, &at, &to) && at == vaddr)
				return string_at(p, to) != NULL;
	return false;
}

/*
 * struct node_module, with `filename` the address of its fourth member:
 * int nm_version; unsigned nm_flags; void *nm_dso_handle; const char *nm_filename;
 * two functions; const char *nm_modname; …
 */
static bool
module_around(const struct pointers *p, uint64_t filename, unsigned *version)
{
	uint64_t word = p->bytes.wide ? 8 : 4, at;

	if (!elf_offset(p->elf, filename - word - 8, 8 + 5 * word, &at))
		return false;
	*version = bytes_u32(&p->bytes, at);
	return *version > 0 && *version <= NODE_ABI_MAX && bytes_u32(&p->bytes, at + 4) < 16 &&
	       bytes_word(&p->bytes, at + 8) == 0 && has_name_at(p, filename + 3 * word);
}

bool
node_abi_of_module(const struct elf *elf, const void *data, size_t len, unsigned *version)
{
	struct pointers p = {.elf = elf};
	unsigned candidates = 0, found = 0, v;
	size_t t = 0;

	while (t < ARRAY_SIZE(types) && types[t].machine != elf->machine)
		t++;
	if (t == ARRAY_SIZE(types))
		return false;
	p.relative = types[t].relative;
	p.bytes = (struct elf_bytes){.data = data,
				     .len = len,
				     .big = elf->data == ELFDATA2MSB,
				     .wide = elf->class == ELFCLASS64};
	for (size_t table = 0; table < 2; table++) {
		for (size_t i = 0; i < elf->relocs[table].count; i++) {
			const char *name;
			uint64_t at, to;

			if (!pointer_at(&p, table, i, &at, &to) ||
			    (name = string_at(&p, to)) == NULL || !is_source_name(name))
				continue;
			if (candidates++ == CANDIDATES_MAX)
				return false;
			if (!module_around(&p, at, &v))
				continue;
			if (found != 0 && found != v)
				return false;
			found = v;
		}
	}
	*version = found;
	return found != 0;
}
