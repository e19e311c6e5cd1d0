/*
 * libelf_facts FILE… - what elf_facts prints, read by libelf: by sections, where our reader goes by
 * segments and what they hold. Only the printing is shared (facts.c).
 */
#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/mem.h"
#include "tests/lib/facts.h"

#define TAG_RELR 36 /* newer than many systems' elf.h */

struct reading {
	Elf *libelf;
	struct elf elf;
	/* What a version's index means, by index. */
	const char **versions;
	size_t version_count;
};

/* Room for one more at the end of an array. */
#define MORE(array, count) ((array) = xrealloc((array), ((count) + 1) * sizeof *(array)))

static void
fail(const char *what)
{
	printf("error libelf: %s: %s\n", what, elf_errmsg(-1));
}

static void
read_header(struct reading *r)
{
	GElf_Ehdr h;

	if (gelf_getehdr(r->libelf, &h) == NULL) {
		fail("header");
		return;
	}
	r->elf.class = h.e_ident[EI_CLASS];
	r->elf.data = h.e_ident[EI_DATA];
	r->elf.osabi = h.e_ident[EI_OSABI];
	r->elf.type = h.e_type;
	r->elf.machine = h.e_machine;
	r->elf.flags = h.e_flags;
	r->elf.entry = h.e_entry;
}

static void
read_segments(struct reading *r)
{
	const char *raw = elf_rawfile(r->libelf, NULL);
	size_t count = 0;

	if (elf_getphdrnum(r->libelf, &count) != 0)
		fail("program headers");
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr p;

		if (gelf_getphdr(r->libelf, (int)i, &p) == NULL) {
			fail("program header");
			continue;
		}
		MORE(r->elf.segments, r->elf.segment_count);
		r->elf.segments[r->elf.segment_count++] = (struct elf_segment){
			.type = p.p_type,
			.flags = p.p_flags,
			.offset = p.p_offset,
			.vaddr = p.p_vaddr,
			.filesz = p.p_filesz,
			.memsz = p.p_memsz,
			.align = p.p_align,
		};
		if (p.p_type == PT_INTERP)
			r->elf.interp = raw + p.p_offset;
	}
}

static void
take_dynamic(struct elf *elf, const GElf_Dyn *d, const char *string)
{
	uint64_t value = d->d_un.d_val;

	switch (d->d_tag) {
	case DT_NEEDED:
		MORE(elf->needed, elf->needed_count);
		elf->needed[elf->needed_count++] = string;
		break;
	case DT_SONAME:
		elf->soname = string;
		break;
	case DT_RPATH:
		elf->rpath = string;
		break;
	case DT_RUNPATH:
		elf->runpath = string;
		break;
	case DT_TEXTREL:
		elf->textrel = true;
		break;
	case DT_BIND_NOW:
		elf->bind_now = true;
		break;
	case DT_FLAGS:
		elf->textrel |= (value & DF_TEXTREL) != 0;
		elf->bind_now |= (value & DF_BIND_NOW) != 0;
		elf->static_tls |= (value & DF_STATIC_TLS) != 0;
		break;
	case DT_FLAGS_1:
		elf->bind_now |= (value & DF_1_NOW) != 0;
		break;
	case TAG_RELR:
		elf->has_relr = true;
		break;
	case DT_HASH:
		elf->has_hash = true;
		break;
	case DT_GNU_HASH:
		elf->has_gnu_hash = true;
		break;
	case DT_INIT:
	case DT_INIT_ARRAYSZ:
		elf->has_init |= value != 0;
		break;
	default:
		break;
	}
}

static void
read_dynamic(struct reading *r, const GElf_Shdr *section, Elf_Data *data)
{
	GElf_Dyn d;

	for (int i = 0; gelf_getdyn(data, i, &d) != NULL && d.d_tag != DT_NULL; i++)
		take_dynamic(&r->elf, &d, elf_strptr(r->libelf, section->sh_link, d.d_un.d_val));
}

static void
set_version(struct reading *r, unsigned index, const char *name)
{
	while (r->version_count <= index) {
		MORE(r->versions, r->version_count);
		r->versions[r->version_count++] = NULL;
	}
	r->versions[index] = name;
}

static void
read_needs(struct reading *r, const GElf_Shdr *section, Elf_Data *data)
{
	GElf_Verneed file;
	GElf_Vernaux need;
	int at = 0, aux;

	for (unsigned i = 0; i < section->sh_info; i++, at += (int)file.vn_next) {
		if (gelf_getverneed(data, at, &file) == NULL) {
			fail("needed versions");
			return;
		}
		aux = at + (int)file.vn_aux;
		for (unsigned k = 0; k < file.vn_cnt; k++, aux += (int)need.vna_next) {
			if (gelf_getvernaux(data, aux, &need) == NULL) {
				fail("a needed version");
				return;
			}
			MORE(r->elf.needs, r->elf.need_count);
			r->elf.needs[r->elf.need_count++] = (struct elf_version_need){
				.file = elf_strptr(r->libelf, section->sh_link, file.vn_file),
				.version = elf_strptr(r->libelf, section->sh_link, need.vna_name),
				.weak = (need.vna_flags & VER_FLG_WEAK) != 0,
			};
			set_version(r, need.vna_other & 0x7fff,
				    r->elf.needs[r->elf.need_count - 1].version);
		}
	}
}

static void
read_definitions(struct reading *r, const GElf_Shdr *section, Elf_Data *data)
{
	GElf_Verdef def;
	GElf_Verdaux name;
	int at = 0;

	for (unsigned i = 0; i < section->sh_info; i++, at += (int)def.vd_next) {
		if (gelf_getverdef(data, at, &def) == NULL ||
		    gelf_getverdaux(data, at + (int)def.vd_aux, &name) == NULL) {
			fail("defined versions");
			return;
		}
		if ((def.vd_flags & VER_FLG_BASE) == 0)
			set_version(r, def.vd_ndx & 0x7fff,
				    elf_strptr(r->libelf, section->sh_link, name.vda_name));
	}
}

static void
read_symbols(struct reading *r, const GElf_Shdr *section, Elf_Data *data)
{
	GElf_Sym s;

	for (int i = 1; gelf_getsym(data, i, &s) != NULL; i++) {
		MORE(r->elf.symbols, r->elf.symbol_count);
		r->elf.symbols[r->elf.symbol_count++] = (struct elf_symbol){
			.name = elf_strptr(r->libelf, section->sh_link, s.st_name),
			.value = s.st_value,
			.size = s.st_size,
			.type = GELF_ST_TYPE(s.st_info),
			.binding = GELF_ST_BIND(s.st_info),
			.visibility = GELF_ST_VISIBILITY(s.st_other),
			.defined = s.st_shndx != SHN_UNDEF,
		};
	}
}

/* After the symbols and the versions were read. */
static void
version_symbols(struct reading *r, Elf_Data *data)
{
	for (size_t i = 0; i < r->elf.symbol_count; i++) {
		GElf_Versym version;

		if (gelf_getversym(data, (int)i + 1, &version) == NULL) {
			fail("a symbol's version");
			return;
		}
		r->elf.symbols[i].hidden_version = (version & 0x8000) != 0;
		if ((version & 0x7fff) < r->version_count)
			r->elf.symbols[i].version = r->versions[version & 0x7fff];
	}
}

static void
read_notes(struct reading *r, Elf_Data *data)
{
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while ((at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		const unsigned char *bytes = (const unsigned char *)data->d_buf + desc;
		char *text;

		if (r->elf.build_id != NULL || note.n_type != NT_GNU_BUILD_ID ||
		    strcmp((const char *)data->d_buf + name, "GNU") != 0)
			continue;
		text = xcalloc(2 * (size_t)note.n_descsz + 1, 1);
		for (size_t i = 0; i < note.n_descsz; i++)
			snprintf(text + 2 * i, 3, "%02x", bytes[i]);
		r->elf.build_id = text;
	}
}

/* Prints the entries itself: the struct only has a table's place. */
static void
read_relocs(struct reading *r, const GElf_Shdr *section, Elf_Data *data)
{
	size_t count = section->sh_size / section->sh_entsize;

	if (count > 0)
		printf("relocs %zu\n", count);
	for (size_t i = 0; i < count; i++) {
		bool addend = section->sh_type == SHT_RELA;
		GElf_Rela a = {0};
		GElf_Rel rel;

		if (addend && gelf_getrela(data, (int)i, &a) == NULL)
			fail("a relocation");
		if (!addend && gelf_getrel(data, (int)i, &rel) != NULL)
			a = (GElf_Rela){.r_offset = rel.r_offset, .r_info = rel.r_info};
		facts_reloc(&r->elf,
			    &(struct elf_reloc){.offset = a.r_offset,
						.addend = (uint64_t)a.r_addend,
						.type = (uint32_t)GELF_R_TYPE(a.r_info),
						.symbol = (uint32_t)GELF_R_SYM(a.r_info)},
			    addend);
	}
}

static void
read_section(struct reading *r, const GElf_Shdr *section, Elf_Data *data)
{
	switch (section->sh_type) {
	case SHT_DYNAMIC:
		read_dynamic(r, section, data);
		break;
	case SHT_DYNSYM:
		read_symbols(r, section, data);
		break;
	case SHT_GNU_verneed:
		read_needs(r, section, data);
		break;
	case SHT_GNU_verdef:
		read_definitions(r, section, data);
		break;
	case SHT_NOTE:
		read_notes(r, data);
		break;
	case SHT_REL:
	case SHT_RELA:
		read_relocs(r, section, data);
		break;
	default:
		break;
	}
}

static void
read_sections(struct reading *r)
{
	Elf_Data *versym = NULL;
	Elf_Scn *scn;
	size_t count = 0, names = 0;
	GElf_Shdr s;

	if (elf_getshdrnum(r->libelf, &count) != 0 || elf_getshdrstrndx(r->libelf, &names) != 0)
		fail("sections");
	for (size_t i = 0; i < count; i++) {
		scn = elf_getscn(r->libelf, i);
		if (scn == NULL || gelf_getshdr(scn, &s) == NULL) {
			fail("a section");
			continue;
		}
		MORE(r->elf.sections, r->elf.section_count);
		r->elf.sections[r->elf.section_count++] = (struct elf_section){
			.name = elf_strptr(r->libelf, names, s.sh_name),
			.addr = s.sh_addr,
			.offset = s.sh_offset,
			.size = s.sh_size,
		};
		if (s.sh_type == SHT_GNU_versym)
			versym = elf_getdata(scn, NULL);
		else
			read_section(r, &s, elf_getdata(scn, NULL));
		if (s.sh_type == SHT_PROGBITS &&
		    (strcmp(r->elf.sections[i].name, ".debug_info") == 0 ||
		     strcmp(r->elf.sections[i].name, ".zdebug_info") == 0))
			r->elf.has_debug_info = true;
	}
	if (versym != NULL)
		version_symbols(r, versym);
}

static void
print_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct reading r = {.libelf = elf_begin(fd, ELF_C_READ_MMAP, NULL)};

	facts_file(path);
	if (r.libelf == NULL || elf_kind(r.libelf) != ELF_K_ELF) {
		fail("file");
	} else {
		read_header(&r);
		read_segments(&r);
		read_sections(&r);
		facts_print(&r.elf);
	}
	elf_fini(&r.elf);
	free(r.versions);
	elf_end(r.libelf);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char **argv)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return 1;
	for (int i = 1; i < argc; i++)
		print_file(argv[i]);
	return 0;
}
