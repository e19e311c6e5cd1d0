#include "builder/audit/x86_insn.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

struct x86_decoder {
	ZydisDecoder zydis;
	uint64_t got;
	bool wide;
};

static const struct {
	const char *name;
	unsigned level;
} sets[] = {
#define X(constant, name, level) [constant] = {name, level},
	X86_SETS(X)
#undef X
};

/* Zydis has finer sets than ours; those of AVX-512 are too many to be named one by one. */
static const struct {
	ZydisISASet from;
	enum x86_set to;
} zydis_sets[] = {
	{ZYDIS_ISA_SET_SSE3, X86_SSE3},
	{ZYDIS_ISA_SET_SSE3X87, X86_SSE3},
	{ZYDIS_ISA_SET_SSSE3, X86_SSSE3},
	{ZYDIS_ISA_SET_SSSE3MMX, X86_SSSE3},
	{ZYDIS_ISA_SET_SSE4, X86_SSE4_1},
	{ZYDIS_ISA_SET_SSE42, X86_SSE4_2},
	{ZYDIS_ISA_SET_POPCNT, X86_POPCNT},
	{ZYDIS_ISA_SET_AVX, X86_AVX},
	{ZYDIS_ISA_SET_AVX2, X86_AVX2},
	{ZYDIS_ISA_SET_AVX2GATHER, X86_AVX2},
	{ZYDIS_ISA_SET_BMI1, X86_BMI1},
	{ZYDIS_ISA_SET_BMI2, X86_BMI2},
	{ZYDIS_ISA_SET_F16C, X86_F16C},
	{ZYDIS_ISA_SET_FMA, X86_FMA},
	{ZYDIS_ISA_SET_LZCNT, X86_LZCNT},
	{ZYDIS_ISA_SET_MOVBE, X86_MOVBE},
	{ZYDIS_ISA_SET_AVX512F_KOP, X86_AVX512},
	{ZYDIS_ISA_SET_AVX512BW_KOP, X86_AVX512},
	{ZYDIS_ISA_SET_AVX512DQ_KOP, X86_AVX512},
	{ZYDIS_ISA_SET_AES, X86_AES},
	{ZYDIS_ISA_SET_AVXAES, X86_AES},
	{ZYDIS_ISA_SET_VAES, X86_AES},
	{ZYDIS_ISA_SET_PCLMULQDQ, X86_PCLMULQDQ},
	{ZYDIS_ISA_SET_VPCLMULQDQ, X86_PCLMULQDQ},
	{ZYDIS_ISA_SET_SHA, X86_SHA},
	{ZYDIS_ISA_SET_ADOX_ADCX, X86_ADX},
	{ZYDIS_ISA_SET_SSE4A, X86_AMD},
	{ZYDIS_ISA_SET_XOP, X86_AMD},
	{ZYDIS_ISA_SET_FMA4, X86_AMD},
};

const char *
x86_set_name(enum x86_set set)
{
	return sets[set].name;
}

unsigned
x86_set_level(enum x86_set set)
{
	return sets[set].level;
}

struct x86_decoder *
x86_decoder_new(bool wide, uint64_t got)
{
	struct x86_decoder *d = xcalloc(1, sizeof *d);

	d->got = got;
	d->wide = wide;
	ZydisDecoderInit(&d->zydis,
			 wide ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
			 wide ? ZYDIS_STACK_WIDTH_64 : ZYDIS_STACK_WIDTH_32);
	/* It is what the oldest processor makes of the bytes that counts. */
	ZydisDecoderEnableMode(&d->zydis, ZYDIS_DECODER_MODE_TZCNT, ZYAN_FALSE);
	ZydisDecoderEnableMode(&d->zydis, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	ZydisDecoderEnableMode(&d->zydis, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE);
	ZydisDecoderEnableMode(&d->zydis, ZYDIS_DECODER_MODE_CLDEMOTE, ZYAN_FALSE);
	return d;
}

void
x86_decoder_free(struct x86_decoder *d)
{
	free(d);
}

static uint32_t
set_of(const ZydisDecodedInstruction *z)
{
	if (z->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX)
		return 1u << X86_AVX512;
	for (size_t i = 0; i < ARRAY_SIZE(zydis_sets); i++)
		if (zydis_sets[i].from == z->meta.isa_set)
			return 1u << zydis_sets[i].to;
	return z->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ? 1u << X86_LATER : 0;
}

/* mov to memory: the only kind of store that is told from the others, for it is how flags and
 * pointers are kept. */
static bool
is_store(const ZydisDecodedInstruction *z)
{
	return z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       (z->opcode == 0x88 || z->opcode == 0x89 || z->opcode == 0xc6 || z->opcode == 0xc7 ||
		z->opcode == 0x86 || z->opcode == 0x87);
}

static void
set_reference(const struct x86_decoder *d, const ZydisDecodedInstruction *z, uint64_t vaddr,
	      struct x86_insn *out)
{
	bool modrm = (z->attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
	uint64_t from;

	if (z->raw.imm[0].is_relative) {
		out->refers = X86_TO_CODE;
		out->target = vaddr + z->length + (uint64_t)z->raw.imm[0].value.s;
	} else if (modrm && (d->wide ? z->raw.modrm.mod == 0 && z->raw.modrm.rm == 5
				     : z->raw.modrm.mod == 2 && d->got != 0)) {
		/* 64 bits: relative to the next instruction. 32 bits: to the table of offsets,
		 * which is in some register. */
		from = d->wide ? vaddr + z->length : d->got;
		out->refers = z->mnemonic == ZYDIS_MNEMONIC_LEA ? X86_TO_ADDRESS
			      : is_store(z)                     ? X86_WRITES
								: X86_READS;
		out->target = from + (uint64_t)z->raw.disp.value;
	}
	if (!d->wide)
		out->target = (uint32_t)out->target;
}

bool
x86_decode(const struct x86_decoder *d, const unsigned char *code, size_t len, uint64_t vaddr,
	   struct x86_insn *out)
{
	ZydisDecodedInstruction z;
	ZydisDecoderContext context;

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d->zydis, &context, code, len, &z)))
		return false;
	*out = (struct x86_insn){
		.name = ZydisMnemonicGetString(z.mnemonic),
		.length = z.length,
		.sets = set_of(&z),
		.sse = z.meta.isa_set == ZYDIS_ISA_SET_SSE || z.meta.isa_set == ZYDIS_ISA_SET_SSE2,
		.tests = z.mnemonic == ZYDIS_MNEMONIC_CPUID || z.mnemonic == ZYDIS_MNEMONIC_XGETBV,
	};
	out->vector = (z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ||
		       z.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX) &&
		      (out->sets & (1u << X86_BMI1 | 1u << X86_BMI2)) == 0;
	set_reference(d, &z, vaddr, out);
	return true;
}

/* VEX of two bytes, as moves and conversions have it: no second source (1111), a common opcode. */
static bool
is_short_vex(const unsigned char *p)
{
	static const unsigned char opcodes[] = {0x10, 0x11, 0x28, 0x29, 0x2e, 0x2f, 0x57,
						0x5a, 0x6e, 0x6f, 0x70, 0x77, 0x7e, 0x7f,
						0xd6, 0xd7, 0xe6, 0xe7, 0xef};

	return (p[1] & 0x78) == 0x78 && memchr(opcodes, p[2], sizeof opcodes) != NULL;
}

/* VEX of three bytes: opcode map 1 without a second source as above, or the maps 2 and 3. */
static bool
is_long_vex(const unsigned char *p)
{
	unsigned map = p[1] & 0x1f;

	return (map == 1 && (p[2] & 0x78) == 0x78) || map == 2 || map == 3;
}

/* Bytes after 0x0f, with what is before it: maps 38 and 3a, and the few of SSE3 and later that are
 * in the first map. */
static bool
is_newer_0f(const unsigned char *p, unsigned before, unsigned before_rex)
{
	unsigned prefix = (before & 0xf0) == 0x40 ? before_rex : before;

	switch (p[1]) {
	case 0x38:
	case 0x3a:
		return true;
	case 0xb8: /* popcnt */
	case 0xbd: /* lzcnt */
	case 0x16: /* movshdup */
		return prefix == 0xf3;
	case 0x12: /* movddup, movsldup */
		return prefix == 0xf2 || prefix == 0xf3;
	case 0x7c: /* haddpd, haddps and so on */
	case 0x7d:
	case 0xd0:
		return prefix == 0x66 || prefix == 0xf2;
	case 0xf0: /* lddqu */
		return prefix == 0xf2;
	default:
		return false;
	}
}

bool
x86_may_be_newer(const unsigned char *code, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++) {
		const unsigned char *p = code + i;

		switch (*p) {
		case 0xc5:
			if (is_short_vex(p))
				return true;
			break;
		case 0xc4:
			if (is_long_vex(p))
				return true;
			break;
		case 0x62: /* EVEX, of which two bits are fixed */
			if ((p[1] & 0x08) == 0 && (p[1] & 7) != 0 && (p[2] & 4) != 0)
				return true;
			break;
		case 0x0f:
			if (is_newer_0f(p, i > 0 ? p[-1] : 0, i > 1 ? p[-2] : 0))
				return true;
			break;
		default:
			break;
		}
	}
	return false;
}
