#include "tests/lib/pe_build.h"

#include <stdlib.h>
#include <string.h>

#include "builder/audit/pe_read.h"
#include "tests/lib/seed.h"

#define HEADERS 0x400u  /* bytes of headers, and the section's place in the file */
#define RVA     0x1000u /* of the section */
#define BASE    0x10000000u

/* The section's contents while they grow; places are addresses. */
struct image {
	const struct pe_spec *spec;
	struct buf section;
	uint32_t directories[16][2];
};

static uint32_t
here(const struct image *m)
{
	return RVA + (uint32_t)m->section.len;
}

static void
put(struct buf *out, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)(i < 8 ? value >> 8 * i : 0);

		buf_add(out, &byte, 1);
	}
}

static void
set(struct buf *out, size_t at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		out->data[at + i] = (char)(value >> 8 * i);
}

static uint32_t
put_string(struct image *m, const char *text)
{
	uint32_t at = here(m);

	buf_add(&m->section, text, strlen(text) + 1);
	return at;
}

/* The table of a DLL's functions; returns its address. */
static uint32_t
put_names(struct image *m, const struct pe_spec_dll *dll)
{
	unsigned word = m->spec->narrow ? 4 : 8;
	uint32_t base = dll->addresses ? BASE : 0, table;
	uint64_t entries[PE_SPEC_IMPORTS + 1] = {0};

	for (unsigned i = 0; i < PE_SPEC_IMPORTS && dll->functions[i] != NULL; i++) {
		if (dll->functions[i][0] == '#') {
			entries[i] = (uint64_t)1 << (8 * word - 1) |
				     strtoul(dll->functions[i] + 1, NULL, 10);
			continue;
		}
		entries[i] = here(m) + base;
		put(&m->section, 0, 2);
		put_string(m, dll->functions[i]);
	}
	table = here(m);
	for (unsigned i = 0; i == 0 || entries[i - 1] != 0; i++)
		put(&m->section, entries[i], word);
	return table;
}

static void
put_imports(struct image *m, bool delayed)
{
	uint32_t names[PE_SPEC_DLLS], functions[PE_SPEC_DLLS];
	unsigned kind = delayed ? 13 : 1, size = delayed ? 32 : 20, count = 0;

	for (unsigned i = 0; i < PE_SPEC_DLLS && m->spec->dlls[i].name != NULL; i++) {
		names[i] = put_string(m, m->spec->dlls[i].name);
		functions[i] = put_names(m, &m->spec->dlls[i]);
	}
	m->directories[kind][0] = here(m);
	for (unsigned i = 0; i < PE_SPEC_DLLS && m->spec->dlls[i].name != NULL; i++) {
		const struct pe_spec_dll *dll = &m->spec->dlls[i];
		uint32_t base = dll->addresses ? BASE : 0;

		if (dll->delayed != delayed)
			continue;
		count++;
		if (delayed) {
			uint32_t words[8] = {!dll->addresses, names[i] + base, 0, 0,
					     functions[i] + base};

			for (unsigned w = 0; w < 8; w++)
				put(&m->section, words[w], 4);
		} else {
			uint32_t words[5] = {functions[i], 0, 0, names[i], functions[i]};

			for (unsigned w = 0; w < 5; w++)
				put(&m->section, words[w], 4);
		}
	}
	for (unsigned i = 0; i < size; i++)
		put(&m->section, 0, 1);
	m->directories[kind][1] = (count + 1) * size;
	if (count == 0)
		memset(m->directories[kind], 0, sizeof m->directories[kind]);
}

static void
put_exports(struct image *m)
{
	uint32_t names[PE_SPEC_EXPORTS], code = here(m), tables, count = 0;

	for (const char *c = m->spec->code; c != NULL && c[0] != '\0'; c += 2) {
		char digits[3] = {c[0], c[1], '\0'};

		put(&m->section, strtoul(digits, NULL, 16), 1);
	}
	while (count < PE_SPEC_EXPORTS && m->spec->exports[count] != NULL) {
		names[count] = put_string(m, m->spec->exports[count]);
		count++;
	}
	if (count == 0)
		return;
	tables = here(m);
	for (unsigned i = 0; i < count; i++)
		put(&m->section, code, 4);
	for (unsigned i = 0; i < count; i++)
		put(&m->section, names[i], 4);
	for (unsigned i = 0; i < count; i++)
		put(&m->section, i, 2);
	m->directories[0][0] = here(m);
	m->directories[0][1] = 40;
	put(&m->section, 0, 20);
	put(&m->section, count, 4);
	put(&m->section, count, 4);
	put(&m->section, tables, 4);
	put(&m->section, tables + 4 * count, 4);
	put(&m->section, tables + 8 * count, 4);
}

static void
put_debug(struct image *m)
{
	uint32_t path = here(m), size = 0;

	if (m->spec->pdb != NULL) {
		size = 24 + (uint32_t)strlen(m->spec->pdb) + 1;
		buf_adds(&m->section, "RSDS");
		for (unsigned i = 0; i < 5; i++)
			put(&m->section, i, 4);
		put_string(m, m->spec->pdb);
	}
	if (m->spec->pdb == NULL && !m->spec->repro)
		return;
	m->directories[6][0] = here(m);
	m->directories[6][1] = 28;
	put(&m->section, 0, 12);
	put(&m->section, m->spec->repro ? 16 : 2, 4);
	put(&m->section, size, 4);
	put(&m->section, path, 4);
	put(&m->section, path - RVA + HEADERS, 4);
}

struct pe_spec
pe_spec_good(void)
{
	return (struct pe_spec){
		.machine = PE_MACHINE_AMD64,
		.characteristics = PE_FILE_DLL | 0x22,
		.subsystem = 2,
		.dll_characteristics = PE_DLL_HIGH_ENTROPY | PE_DLL_DYNAMIC_BASE | PE_DLL_NX,
		.subsystem_major = 6,
		.section_align = 0x1000,
		.section_flags = 0x60000020,
		.dlls = {{.name = "KERNEL32.dll", .functions = {"GetModuleHandleA", "Sleep"}},
			 {.name = "node.exe",
			  .delayed = true,
			  .functions = {"napi_create_object", "napi_set_instance_data"}}},
		.exports = {"napi_register_module_v1", "node_api_module_get_api_version_v1"},
		.code = "b806000000c3",
	};
}

void
pe_build(const struct pe_spec *spec, struct buf *out)
{
	unsigned optional = spec->narrow ? 96 : 112;
	struct image m = {.spec = spec};
	size_t at;

	put_imports(&m, false);
	put_imports(&m, true);
	put_exports(&m);
	put_debug(&m);
	if (!spec->no_relocs) {
		m.directories[5][0] = here(&m);
		m.directories[5][1] = 8;
		put(&m.section, 0, 8);
	}
	m.directories[14][0] = spec->clr ? RVA : 0;

	while (out->len < HEADERS)
		put(out, 0, 8);
	memcpy(out->data, "MZ", 2);
	set(out, 60, 0x80, 4);
	memcpy(out->data + 0x80, "PE\0", 4);
	set(out, 0x84, spec->machine, 2);
	set(out, 0x86, 1, 2);
	set(out, 0x88, spec->timestamp, 4);
	set(out, 0x94, optional + 128, 2);
	set(out, 0x96, spec->characteristics, 2);
	at = 0x98;
	set(out, at, spec->narrow ? 0x10b : 0x20b, 2);
	set(out, at + (spec->narrow ? 28 : 24), BASE, 4);
	set(out, at + 32, spec->section_align, 4);
	set(out, at + 36, 0x200, 4);
	set(out, at + 48, spec->subsystem_major, 2);
	set(out, at + 50, spec->subsystem_minor, 2);
	set(out, at + 60, HEADERS, 4);
	set(out, at + 68, spec->subsystem, 2);
	set(out, at + 70, spec->dll_characteristics, 2);
	set(out, at + optional - 4, 16, 4);
	for (unsigned i = 0; i < 16; i++) {
		set(out, at + optional + 8 * i, m.directories[i][0], 4);
		set(out, at + optional + 8 * i + 4, m.directories[i][1], 4);
	}
	at += optional + 128;
	memcpy(out->data + at, ".text", 5);
	set(out, at + 8, m.section.len, 4);
	set(out, at + 12, RVA, 4);
	set(out, at + 16, m.section.len, 4);
	set(out, at + 20, HEADERS, 4);
	set(out, at + 36, spec->section_flags, 4);
	buf_add(out, m.section.data, m.section.len);
	/* The first byte chooses target and ABI: here, what the file says itself, for Node-API. */
	seed_keep("pe", "\7", 1, out->data, out->len);
	buf_fini(&m.section);
}
