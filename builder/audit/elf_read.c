#include "builder/audit/elf_read.h"

#include <elf.h>
#include <stdlib.h>

#include "builder/audit/elf_parts.h"
#include "builder/base/mem.h"

/* Sizes of the file's structures, 32-bit and 64-bit class. */
#define EHDR_SIZE(wide)    ((wide) ? 64u : 52u)
#define PHDR_SIZE(wide)    ((wide) ? 56u : 32u)
#define DYNAMIC_SIZE(wide) ((wide) ? 16u : 8u)

static int
read_header(struct elf_reader *r, const unsigned char *data, size_t len)
{
	struct elf *elf = r->elf;

	if (len < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG) != 0)
		return err_set(r->err, ERR_UNSUPPORTED, "not an ELF file");
	elf->class = data[EI_CLASS];
	elf->data = data[EI_DATA];
	elf->osabi = data[EI_OSABI];
	if (elf->class != ELFCLASS32 && elf->class != ELFCLASS64)
		return err_set(r->err, ERR_MALFORMED, "ELF class is %u", elf->class);
	if (elf->data != ELFDATA2LSB && elf->data != ELFDATA2MSB)
		return err_set(r->err, ERR_MALFORMED, "ELF byte order is %u", elf->data);
	r->bytes = (struct elf_bytes){
		.data = data,
		.len = len,
		.big = elf->data == ELFDATA2MSB,
		.wide = elf->class == ELFCLASS64,
	};
	if (len < EHDR_SIZE(r->bytes.wide))
		return err_set(r->err, ERR_MALFORMED, "the file ends inside its header");
	elf->type = bytes_u16(&r->bytes, 16);
	elf->machine = bytes_u16(&r->bytes, 18);
	elf->entry = bytes_word(&r->bytes, 24);
	elf->flags = bytes_u32(&r->bytes, r->bytes.wide ? 48 : 36);
	return 0;
}

static struct elf_segment
segment_at(const struct elf_bytes *b, uint64_t at)
{
	if (b->wide)
		return (struct elf_segment){
			.type = bytes_u32(b, at),
			.flags = bytes_u32(b, at + 4),
			.offset = bytes_u64(b, at + 8),
			.vaddr = bytes_u64(b, at + 16),
			.filesz = bytes_u64(b, at + 32),
			.memsz = bytes_u64(b, at + 40),
			.align = bytes_u64(b, at + 48),
		};
	return (struct elf_segment){
		.type = bytes_u32(b, at),
		.offset = bytes_u32(b, at + 4),
		.vaddr = bytes_u32(b, at + 8),
		.filesz = bytes_u32(b, at + 16),
		.memsz = bytes_u32(b, at + 20),
		.flags = bytes_u32(b, at + 24),
		.align = bytes_u32(b, at + 28),
	};
}

static int
read_interp(struct elf_reader *r, const struct elf_segment *s)
{
	const char *path = (const char *)r->bytes.data + s->offset;

	if (s->filesz == 0 || memchr(path, '\0', (size_t)s->filesz) == NULL)
		return err_set(r->err, ERR_MALFORMED, "PT_INTERP is not a string");
	r->elf->interp = path;
	return 0;
}

static int
read_segments(struct elf_reader *r)
{
	const struct elf_bytes *b = &r->bytes;
	struct elf *elf = r->elf;
	uint64_t table = bytes_word(b, b->wide ? 32 : 28);
	unsigned entry = bytes_u16(b, b->wide ? 54 : 42);
	unsigned count = bytes_u16(b, b->wide ? 56 : 44);
	int rc;

	if (count == 0)
		return 0;
	if (count > ELF_PHDRS_MAX)
		return err_set(r->err, ERR_LIMIT, "%u program headers, at most %d are read", count,
			       ELF_PHDRS_MAX);
	if (entry != PHDR_SIZE(b->wide))
		return err_set(r->err, ERR_MALFORMED, "program headers of %u bytes", entry);
	if (!bytes_have(b, table, (uint64_t)count * entry))
		return err_set(r->err, ERR_MALFORMED,
			       "the program headers at 0x%llx lie outside the file (truncated?)",
			       (unsigned long long)table);
	elf->segments = xcalloc(count, sizeof *elf->segments);
	elf->segment_count = count;
	for (unsigned i = 0; i < count; i++) {
		struct elf_segment s = segment_at(b, table + (uint64_t)i * entry);

		elf->segments[i] = s;
		if (s.type != PT_NULL && !bytes_have(b, s.offset, s.filesz))
			return err_set(r->err, ERR_MALFORMED,
				       "segment %u, at 0x%llx, lies outside the file (truncated?)",
				       i, (unsigned long long)s.offset);
		if (s.type == PT_LOAD && s.filesz > s.memsz)
			return err_set(r->err, ERR_MALFORMED,
				       "segment %u is larger in the file than in memory", i);
		if (s.type == PT_INTERP && (rc = read_interp(r, &s)) < 0)
			return rc;
		if (s.type == PT_GNU_STACK) {
			elf->has_gnu_stack = true;
			elf->exec_stack = (s.flags & PF_X) != 0;
		}
		elf->has_relro |= s.type == PT_GNU_RELRO;
	}
	return 0;
}

bool
elf_offset(const struct elf *elf, uint64_t vaddr, uint64_t size, uint64_t *offset)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *s = &elf->segments[i];

		if (s->type == PT_LOAD && vaddr >= s->vaddr && vaddr - s->vaddr <= s->filesz &&
		    size <= s->filesz - (vaddr - s->vaddr)) {
			*offset = s->offset + (vaddr - s->vaddr);
			return true;
		}
	}
	return false;
}

/* Stores what a dynamic entry says; strings wait until the string table's place is known. */
static void
take_entry(struct elf_reader *r, uint64_t tag, uint64_t value)
{
	struct elf_dynamic *d = &r->dynamic;
	struct elf *elf = r->elf;

	switch (tag) {
	case DT_STRTAB:
		d->strtab = value;
		d->has_strtab = true;
		break;
	case DT_STRSZ:
		d->strsz = value;
		break;
	case DT_SYMTAB:
		d->symtab = value;
		d->has_symtab = true;
		break;
	case DT_SYMENT:
		d->syment = value;
		break;
	case DT_HASH:
		d->hash = value;
		elf->has_hash = true;
		break;
	case DT_GNU_HASH:
		d->gnu_hash = value;
		elf->has_gnu_hash = true;
		break;
	case DT_VERSYM:
		d->versym = value;
		break;
	case DT_VERNEED:
		d->verneed = value;
		break;
	case DT_VERDEF:
		d->verdef = value;
		break;
	case DT_REL:
		d->rel = value;
		break;
	case DT_RELSZ:
		d->relsz = value;
		break;
	case DT_RELA:
		d->rela = value;
		break;
	case DT_RELASZ:
		d->relasz = value;
		break;
	case DT_JMPREL:
		d->jmprel = value;
		break;
	case DT_PLTRELSZ:
		d->pltrelsz = value;
		break;
	case DT_PLTREL:
		d->pltrel = value;
		break;
	case DT_RELCOUNT:
		elf->relative_count[0] = (size_t)value;
		break;
	case DT_RELACOUNT:
		elf->relative_count[1] = (size_t)value;
		break;
	case DT_INIT:
		elf->init = value;
		break;
	case DT_INIT_ARRAY:
		elf->init_array = value;
		break;
	case DT_INIT_ARRAYSZ:
		elf->init_array_size = value;
		break;
	case DT_PLTGOT:
		elf->got = value;
		break;
	case DT_TEXTREL:
		elf->textrel = true;
		break;
	case DT_BIND_NOW:
		elf->bind_now = true;
		break;
	case DT_FLAGS:
		elf->dt_flags = value;
		break;
	case DT_FLAGS_1:
		elf->dt_flags_1 = value;
		break;
	case 36: /* DT_RELR, newer than many systems' elf.h */
		elf->has_relr = true;
		break;
	case DT_MIPS_SYMTABNO: /* in the range that each processor defines for itself */
		if (elf->machine == EM_MIPS)
			d->mips_symtabno = value;
		break;
	default:
		break;
	}
}

int
elf_dynamic_string(struct elf_reader *r, uint64_t offset, const char *what, const char **out)
{
	if (offset >= r->strings_size)
		return err_set(r->err, ERR_MALFORMED,
			       "%s: offset 0x%llx is outside the dynamic string table", what,
			       (unsigned long long)offset);
	*out = (const char *)r->bytes.data + r->strings + offset;
	return 0;
}

/* Finds the string table, and how much of it holds strings that end. */
static int
find_strings(struct elf_reader *r)
{
	const struct elf_dynamic *d = &r->dynamic;
	const char *table;
	const char *last;

	if (!d->has_strtab)
		return 0;
	if (!elf_offset(r->elf, d->strtab, d->strsz, &r->strings))
		return err_set(r->err, ERR_MALFORMED,
			       "DT_STRTAB 0x%llx, %llu bytes, is in no segment",
			       (unsigned long long)d->strtab, (unsigned long long)d->strsz);
	table = (const char *)r->bytes.data + r->strings;
	last = memrchr(table, '\0', (size_t)d->strsz);
	r->strings_size = last != NULL ? (uint64_t)(last - table) + 1 : 0;
	return 0;
}

/* The second pass over the entries: those that are strings. */
static int
take_strings(struct elf_reader *r, uint64_t at, size_t count)
{
	const struct elf_bytes *b = &r->bytes;
	struct elf *elf = r->elf;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		uint64_t entry = at + i * DYNAMIC_SIZE(b->wide);
		uint64_t value = bytes_word(b, entry + DYNAMIC_SIZE(b->wide) / 2);

		switch (bytes_word(b, entry)) {
		case DT_NEEDED:
			if (elf->needed_count == ELF_NEEDED_MAX)
				return err_set(r->err, ERR_LIMIT, "more than %d DT_NEEDED",
					       ELF_NEEDED_MAX);
			if (elf->needed == NULL)
				elf->needed = xcalloc(ELF_NEEDED_MAX, sizeof *elf->needed);
			rc = elf_dynamic_string(r, value, "DT_NEEDED",
						&elf->needed[elf->needed_count++]);
			break;
		case DT_SONAME:
			rc = elf_dynamic_string(r, value, "DT_SONAME", &elf->soname);
			break;
		case DT_RPATH:
			rc = elf_dynamic_string(r, value, "DT_RPATH", &elf->rpath);
			break;
		case DT_RUNPATH:
			rc = elf_dynamic_string(r, value, "DT_RUNPATH", &elf->runpath);
			break;
		default:
			break;
		}
	}
	return rc;
}

static int
read_dynamic(struct elf_reader *r)
{
	const struct elf_bytes *b = &r->bytes;
	const struct elf_segment *s = NULL;
	struct elf *elf = r->elf;
	size_t count;
	int rc;

	for (size_t i = 0; i < elf->segment_count && s == NULL; i++)
		if (elf->segments[i].type == PT_DYNAMIC)
			s = &elf->segments[i];
	if (s == NULL)
		return 0;
	elf->has_dynamic = true;
	for (count = 0; count < s->filesz / DYNAMIC_SIZE(b->wide); count++) {
		uint64_t entry = s->offset + count * DYNAMIC_SIZE(b->wide);
		uint64_t tag = bytes_word(b, entry);

		if (tag == DT_NULL)
			break;
		if (count == ELF_DYNAMIC_MAX)
			return err_set(r->err, ERR_LIMIT, "more than %d dynamic entries",
				       ELF_DYNAMIC_MAX);
		take_entry(r, tag, bytes_word(b, entry + DYNAMIC_SIZE(b->wide) / 2));
	}
	elf->textrel |= (elf->dt_flags & DF_TEXTREL) != 0;
	elf->bind_now |= (elf->dt_flags & DF_BIND_NOW) != 0 || (elf->dt_flags_1 & DF_1_NOW) != 0;
	elf->static_tls = (elf->dt_flags & DF_STATIC_TLS) != 0;
	elf->has_init = elf->init != 0 || elf->init_array_size != 0;
	if ((rc = find_strings(r)) < 0 || (rc = take_strings(r, s->offset, count)) < 0 ||
	    (rc = elf_read_relocs(r)) < 0)
		return rc;
	return elf_read_symbols(r);
}

int
elf_read(const void *data, size_t len, struct elf *out, struct err *e)
{
	struct elf_reader r = {.elf = out, .err = e};
	int rc;

	*out = (struct elf){0};
	if ((rc = read_header(&r, data, len)) < 0 || (rc = read_segments(&r)) < 0 ||
	    (rc = read_dynamic(&r)) < 0 || (rc = elf_read_sections(&r)) < 0) {
		elf_fini(out);
		return rc;
	}
	elf_read_notes(&r);
	elf_read_arm(&r);
	return 0;
}

void
elf_fini(struct elf *elf)
{
	free(elf->segments);
	free(elf->needed);
	free(elf->symbols);
	free(elf->needs);
	free(elf->sections);
	free((void *)(uintptr_t)elf->build_id);
	*elf = (struct elf){0};
}
