/*
 * elf_arm.c - the build attributes of a 32-bit ARM file. Source: "Addenda to, and Errata in, the
 * ABI for the Arm Architecture", 3 (ARM IHI 0045): a version byte 'A'; subsections of a size and a
 * vendor's name; in them, parts of a tag, a size and attributes; an attribute is a tag and a number
 * or a string.
 */
#include <elf.h>

#include "builder/audit/elf_parts.h"
#include "builder/base/mem.h"

#define TAG_FILE          1 /* the part's attributes are for the whole file */
#define TAG_CPU_RAW_NAME  4
#define TAG_CPU_NAME      5
#define TAG_CPU_ARCH      6
#define TAG_COMPATIBILITY 32 /* a number and a string */

/* Values of TAG_CPU_ARCH by their architecture's number. */
static const unsigned char archs[] = {
	3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 7, 6, 6, 7, 8, 8, 8, 8, 8, 8, 8, 8, 9,
};

struct cursor {
	const unsigned char *at, *end;
};

static uint64_t
take_number(struct cursor *c)
{
	uint64_t n = 0;

	for (unsigned shift = 0; c->at < c->end && shift < 64; shift += 7) {
		unsigned char byte = *c->at++;

		n |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			break;
	}
	return n;
}

static void
skip_string(struct cursor *c)
{
	const unsigned char *nul = memchr(c->at, '\0', (size_t)(c->end - c->at));

	c->at = nul != NULL ? nul + 1 : c->end;
}

static void
take_attributes(struct elf_reader *r, struct cursor c)
{
	while (c.at < c.end) {
		uint64_t tag = take_number(&c), value;

		/* Above 32, odd tags have strings and even ones numbers. */
		if (tag == TAG_CPU_RAW_NAME || tag == TAG_CPU_NAME ||
		    (tag > TAG_COMPATIBILITY && tag % 2 == 1)) {
			skip_string(&c);
			continue;
		}
		value = take_number(&c);
		if (tag == TAG_COMPATIBILITY)
			skip_string(&c);
		if (tag == TAG_CPU_ARCH && value < ARRAY_SIZE(archs))
			r->elf->arm_arch = archs[value];
	}
}

/* Cuts the next part off, which says its size `header` bytes after its start, itself included. */
static bool
take_part(const struct elf_reader *r, struct cursor *c, size_t header, struct cursor *part)
{
	uint32_t size;

	if ((size_t)(c->end - c->at) < header + 4)
		return false;
	size = bytes_u32(&r->bytes, (uint64_t)(c->at - r->bytes.data) + header);
	if (size < header + 4 || size > (size_t)(c->end - c->at))
		return false;
	*part = (struct cursor){c->at + header + 4, c->at + size};
	c->at += size;
	return true;
}

static void
take_section(struct elf_reader *r, const struct elf_section *s)
{
	struct cursor all = {r->bytes.data + s->offset, r->bytes.data + s->offset + s->size};
	struct cursor vendor, part;

	if (all.at == all.end || *all.at++ != 'A')
		return;
	while (take_part(r, &all, 0, &vendor)) {
		static const char name[] = "aeabi";

		if ((size_t)(vendor.end - vendor.at) < sizeof name ||
		    memcmp(vendor.at, name, sizeof name) != 0)
			continue;
		vendor.at += sizeof name;
		while (vendor.at < vendor.end) {
			bool for_file = *vendor.at == TAG_FILE;

			if (!take_part(r, &vendor, 1, &part))
				return;
			if (for_file)
				take_attributes(r, part);
		}
	}
}

void
elf_read_arm(struct elf_reader *r)
{
	if (r->elf->machine != EM_ARM)
		return;
	for (size_t i = 0; i < r->elf->section_count; i++) {
		const struct elf_section *s = &r->elf->sections[i];

		if (s->type == SHT_ARM_ATTRIBUTES && bytes_have(&r->bytes, s->offset, s->size))
			take_section(r, s);
	}
}
