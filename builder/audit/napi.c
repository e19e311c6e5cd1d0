#include "builder/audit/napi.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "builder/audit/elf_read.h"
#include "builder/base/mem.h"

/* A decoder sees at most this much of a function, zeroes beyond the end of its segment; all of
 * its patterns are shorter. */
#define CODE_SIZE 48

struct code {
	unsigned char bytes[CODE_SIZE];
	size_t at;
	bool big;
};

static int
compare(const void *key, const void *entry)
{
	return strcmp(key, ((const struct napi_symbol *)entry)->name);
}

bool
napi_is_name(const char *symbol)
{
	return strncmp(symbol, "napi_", 5) == 0 || strncmp(symbol, "node_api_", 9) == 0;
}

unsigned
napi_symbol_version(const char *symbol)
{
	const struct napi_symbol *found =
		bsearch(symbol, napi_table, napi_table_count, sizeof napi_table[0], compare);

	return found != NULL ? found->version : 0;
}

/* Steps over `len` bytes if they are next. */
static bool
skip(struct code *c, const char *bytes, size_t len)
{
	if (c->at + len > CODE_SIZE || memcmp(c->bytes + c->at, bytes, len) != 0)
		return false;
	c->at += len;
	return true;
}

#define SKIP(c, literal) skip(c, literal, sizeof(literal) - 1)

/* The next instruction of two or four bytes; 0, which none of the patterns has, at the end. */
static uint32_t
take(struct code *c, size_t size)
{
	uint32_t v = 0;

	if (c->at + size > CODE_SIZE)
		return 0;
	for (size_t i = 0; i < size; i++)
		v |= (uint32_t)c->bytes[c->at + i] << 8 * (c->big ? size - 1 - i : i);
	c->at += size;
	return v;
}

static bool
skip_word(struct code *c, uint32_t word)
{
	size_t at = c->at;

	if (take(c, 4) == word)
		return true;
	c->at = at;
	return false;
}

/* mov eax, imm32 | push imm8, pop | xor eax, eax; with or without a frame and endbr. */
static bool
decode_x86(struct code *c, unsigned *version)
{
	SKIP(c, "\xf3\x0f\x1e\xfa"); /* endbr64 */
	SKIP(c, "\xf3\x0f\x1e\xfb"); /* endbr32 */
	SKIP(c, "\x8b\xff");         /* mov %edi, %edi: room for a patch */
	if (SKIP(c, "\x55")) {       /* push %rbp; mov %rsp, %rbp in either of its two forms */
		SKIP(c, "\x48");
		if (!SKIP(c, "\x89\xe5") && !SKIP(c, "\x8b\xec"))
			return false;
	}
	if (SKIP(c, "\xb8")) {
		*version = take(c, 4);
	} else if (SKIP(c, "\x6a")) {
		*version = c->bytes[c->at++];
		if (*version > 127 || !SKIP(c, "\x58"))
			return false;
	} else if (SKIP(c, "\x31\xc0")) {
		*version = 0;
	} else {
		return false;
	}
	if (!SKIP(c, "\x5d"))    /* pop %rbp */
		SKIP(c, "\xc9"); /* leave */
	SKIP(c, "\xf3");         /* rep ret */
	return SKIP(c, "\xc3");
}

/* The 32-bit value of a logical immediate whose pattern fills the register (N = 0, imms < 32):
 * a run of ones, rotated right. */
static uint32_t
logical_immediate(uint32_t insn)
{
	unsigned ones = (insn >> 10 & 63) + 1, rotate = insn >> 16 & 31;
	uint32_t v = ones >= 32 ? UINT32_MAX : (1u << ones) - 1;

	return rotate == 0 ? v : v >> rotate | v << (32 - rotate);
}

/* movz | movn w0, #imm16, lsl #0 or #16 | orr w0, wzr, #imm; with or without bti and pointer
 * authentication. */
static bool
decode_aarch64(struct code *c, unsigned *version)
{
	uint32_t insn;

	skip_word(c, 0xd503245f); /* bti c */
	skip_word(c, 0xd503233f); /* paciasp */
	insn = take(c, 4);
	if ((insn & 0xffe0001f) == 0x52800000)
		*version = insn >> 5 & 0xffff;
	else if ((insn & 0xffc0001f) == 0x12800000)
		*version = ~((insn >> 5 & 0xffff) << (insn >> 21 & 1) * 16);
	else if ((insn & 0xffe083ff) == 0x320003e0)
		*version = logical_immediate(insn);
	else
		return false;
	skip_word(c, 0xd50323bf);                                    /* autiasp */
	return skip_word(c, 0xd65f03c0) || skip_word(c, 0xd65f0bff); /* ret, retaa */
}

/* movs r0, #imm8 | mvn r0, #0x80000000, the experimental version; bx lr. */
static bool
decode_thumb(struct code *c, unsigned *version)
{
	uint32_t insn = take(c, 2);

	if ((insn & 0xff00) == 0x2000)
		*version = insn & 0xff;
	else if (insn == 0xf06f && take(c, 2) == 0x4000)
		*version = INT32_MAX;
	else
		return false;
	return take(c, 2) == 0x4770;
}

/* The 8 bits of an ARM instruction's immediate, rotated right by twice the 4 bits above them. */
static uint32_t
rotated_immediate(uint32_t insn)
{
	uint32_t v = insn & 0xff, rotate = (insn >> 8 & 15) * 2;

	return rotate == 0 ? v : v >> rotate | v << (32 - rotate);
}

/* mov | mvn r0, #imm; bx lr | mov pc, lr; around them what gcc writes to keep a frame pointer. */
static bool
decode_arm(struct code *c, unsigned *version)
{
	static const uint32_t frame[] = {
		0xe52db004, /* str fp, [sp, #-4]! */
		0xe28db000, /* add fp, sp, #0 */
		0xe28bd000, /* add sp, fp, #0 */
		0xe24bd000, /* sub sp, fp, #0 */
		0xe49db004, /* ldr fp, [sp], #4 */
	};
	bool loaded = false;

	for (;;) {
		uint32_t insn = take(c, 4);
		size_t i = 0;

		while (i < ARRAY_SIZE(frame) && insn != frame[i])
			i++;
		if (i < ARRAY_SIZE(frame))
			continue;
		if (insn == 0xe12fff1e || insn == 0xe1a0f00e)
			return loaded;
		if ((insn & 0xfffff000) != 0xe3a00000 && (insn & 0xfffff000) != 0xe3e00000)
			return false;
		*version = rotated_immediate(insn);
		if ((insn & 0xfffff000) == 0xe3e00000)
			*version = ~*version;
		loaded = true;
	}
}

/* c.li a0, imm | addi a0, zero, imm | lui a0, imm and c.addiw a0, -1 | addiw a0, a0, -1, which is
 * the experimental version; c.jr ra | jalr zero, ra. */
static bool
decode_riscv(struct code *c, unsigned *version)
{
	uint32_t insn = take(c, 2);

	if ((insn & 0xff83) == 0x4501) {
		*version = insn >> 2 & 31;
	} else {
		c->at = 0;
		insn = take(c, 4);
		*version = insn >> 20;
		if (insn == 0x80000537 && (skip_word(c, 0xfff5051b) || take(c, 2) == 0x357d))
			*version = INT32_MAX;
		else if ((insn & 0x800fffff) != 0x513)
			return false;
	}
	return skip_word(c, 0x8067) || take(c, 2) == 0x8082;
}

/* li r3, imm | lis r3, imm and ori r3, r3, imm; blr. */
static bool
decode_ppc64(struct code *c, unsigned *version)
{
	uint32_t insn = take(c, 4), low;

	*version = insn & 0xffff;
	if ((insn & 0xffff8000) == 0x3c600000 && ((low = take(c, 4)) & 0xffff0000) == 0x60630000)
		*version = *version << 16 | (low & 0xffff);
	else if ((insn & 0xffff8000) != 0x38600000)
		return false;
	return skip_word(c, 0x4e800020);
}

/* lghi | lhi | lgfi %r2, imm; br %r14. */
static bool
decode_s390(struct code *c, unsigned *version)
{
	uint32_t insn = take(c, 4);

	*version = insn & 0xffff;
	if ((insn & 0xffff8000) == 0xc0210000)
		*version = *version << 16 | take(c, 2);
	else if ((insn & 0xffff8000) != 0xa7290000 && (insn & 0xffff8000) != 0xa7280000)
		return false;
	return take(c, 2) == 0x07fe;
}

static bool
decode(const struct elf *elf, bool odd, struct code *c, unsigned *version)
{
	switch (elf->machine) {
	case EM_X86_64:
	case EM_386:
		return decode_x86(c, version);
	case EM_AARCH64:
		return decode_aarch64(c, version);
	case EM_ARM:
		return odd ? decode_thumb(c, version) : decode_arm(c, version);
	case EM_RISCV:
		return decode_riscv(c, version);
	case EM_PPC64:
		return decode_ppc64(c, version);
	case EM_S390:
		return decode_s390(c, version);
	default:
		return false;
	}
}

static const struct elf_symbol *
version_entry(const struct elf *elf)
{
	for (size_t i = 0; i < elf->symbol_count; i++)
		if (elf->symbols[i].defined &&
		    strcmp(elf->symbols[i].name, NAPI_VERSION_ENTRY) == 0)
			return &elf->symbols[i];
	return NULL;
}

bool
napi_declared(const struct elf *elf, const void *data, unsigned *version)
{
	const struct elf_symbol *s = version_entry(elf);
	struct code c = {.big = elf->data == ELFDATA2MSB};
	bool odd;

	if (s == NULL)
		return false;
	/* On ARM the lowest bit of a function's address says that it is Thumb code. */
	odd = elf->machine == EM_ARM && (s->value & 1) != 0;
	for (size_t i = 0; i < CODE_SIZE; i++) {
		uint64_t at;

		if (!elf_offset(elf, s->value - odd + i, 1, &at))
			break;
		c.bytes[i] = ((const unsigned char *)data)[at];
	}
	return decode(elf, odd, &c, version);
}

bool
napi_declared_code(enum napi_code kind, const void *code, size_t len, unsigned *version)
{
	struct code c = {0};

	memcpy(c.bytes, code, len < CODE_SIZE ? len : CODE_SIZE);
	return kind == NAPI_CODE_ARM64 ? decode_aarch64(&c, version) : decode_x86(&c, version);
}
