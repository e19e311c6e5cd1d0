#include <elf.h>

#include "builder/audit/elf_parts.h"
#include "builder/base/mem.h"

#define NOTE_HEADER_SIZE 12u

static uint64_t
aligned(uint64_t n, uint64_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static char *
hex_text(const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = xmalloc(2 * len + 1);

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * len] = '\0';
	return text;
}

/* NT_GNU_PROPERTY_TYPE_0: an array of (type, size, data), each aligned to the class's word. */
static void
take_properties(struct elf_reader *r, uint64_t at, uint64_t size)
{
	const struct elf_bytes *b = &r->bytes;
	uint64_t word = b->wide ? 8 : 4;

	while (size >= 8) {
		uint32_t type = bytes_u32(b, at);
		uint32_t len = bytes_u32(b, at + 4);
		uint64_t step = 8 + aligned(len, word);

		if (len > size - 8)
			return;
		if (type == GNU_PROPERTY_X86_ISA_1_NEEDED && len >= 4)
			r->elf->x86_isa_needed = bytes_u32(b, at + 8);
		if (step >= size)
			return;
		at += step;
		size -= step;
	}
}

static void
take_note(struct elf_reader *r, uint32_t type, uint64_t desc, uint64_t size)
{
	if (type == NT_GNU_BUILD_ID && r->elf->build_id == NULL && size > 0 &&
	    size <= ELF_BUILD_ID_MAX)
		r->elf->build_id = hex_text(r->bytes.data + desc, (size_t)size);
	else if (type == NT_GNU_PROPERTY_TYPE_0 &&
		 (r->elf->machine == EM_X86_64 || r->elf->machine == EM_386))
		take_properties(r, desc, size);
}

static void
take_segment(struct elf_reader *r, const struct elf_segment *s)
{
	const struct elf_bytes *b = &r->bytes;
	uint64_t align = s->align == 8 ? 8 : 4;
	uint64_t at = s->offset, end = s->offset + s->filesz;

	while (end - at >= NOTE_HEADER_SIZE) {
		uint64_t name_size = bytes_u32(b, at);
		uint64_t desc_size = bytes_u32(b, at + 4);
		uint32_t type = bytes_u32(b, at + 8);
		uint64_t desc = aligned(NOTE_HEADER_SIZE + name_size, align);
		uint64_t next = aligned(desc + desc_size, align);

		if (desc + desc_size > end - at)
			return;
		if (name_size == sizeof ELF_NOTE_GNU &&
		    memcmp(b->data + at + NOTE_HEADER_SIZE, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0)
			take_note(r, type, at + desc, desc_size);
		if (next > end - at)
			return;
		at += next;
	}
}

void
elf_read_notes(struct elf_reader *r)
{
	for (size_t i = 0; i < r->elf->segment_count; i++)
		if (r->elf->segments[i].type == PT_NOTE)
			take_segment(r, &r->elf->segments[i]);
}
