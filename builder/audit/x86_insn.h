/*
 * x86_insn.h - one instruction of x86, 32 or 64 bits: how long it is, whether every processor has
 * it, and what it refers to. The decoder is Zydis, whose tables say for each instruction which
 * extension it belongs to.
 */
#ifndef BUILDER_AUDIT_X86_INSN_H
#define BUILDER_AUDIT_X86_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * X(constant, name, level): extensions that came after the first 64-bit processors, with the level
 * of the x86-64 psABI that has them, or 0. Left out is what older processors run too, only
 * differently: TZCNT is BSF to them, and compilers use that; CET's markers do nothing. Also left
 * out: CMPXCHG16B, which all but the very first have, and instructions that no compiler makes of
 * ordinary code.
 */
#define X86_SETS(X)                         \
	X(X86_SSE3, "SSE3", 2)              \
	X(X86_SSSE3, "SSSE3", 2)            \
	X(X86_SSE4_1, "SSE4.1", 2)          \
	X(X86_SSE4_2, "SSE4.2", 2)          \
	X(X86_POPCNT, "POPCNT", 2)          \
	X(X86_AVX, "AVX", 3)                \
	X(X86_AVX2, "AVX2", 3)              \
	X(X86_BMI1, "BMI1", 3)              \
	X(X86_BMI2, "BMI2", 3)              \
	X(X86_F16C, "F16C", 3)              \
	X(X86_FMA, "FMA", 3)                \
	X(X86_LZCNT, "LZCNT", 3)            \
	X(X86_MOVBE, "MOVBE", 3)            \
	X(X86_AVX512, "AVX-512", 4)         \
	X(X86_AES, "AES", 0)                \
	X(X86_PCLMULQDQ, "PCLMULQDQ", 0)    \
	X(X86_SHA, "SHA", 0)                \
	X(X86_ADX, "ADX", 0)                \
	X(X86_AMD, "SSE4A, XOP or FMA4", 0) \
	X(X86_LATER, "a later extension", 0)

enum x86_set {
#define X(constant, name, level) constant,
	X86_SETS(X)
#undef X
		X86_SET_COUNT
};

const char *x86_set_name(enum x86_set set);
unsigned x86_set_level(enum x86_set set);

enum x86_refers {
	X86_REFERS_NOT,
	X86_TO_CODE,    /* a call or jump to a fixed place */
	X86_TO_ADDRESS, /* takes an address */
	X86_READS,
	X86_WRITES,
};

struct x86_insn {
	const char *name; /* static */
	unsigned length;
	uint32_t sets; /* bit of its enum x86_set, 0 if every processor has it */
	bool vector;   /* uses vector registers as AVX does, by a VEX or EVEX prefix */
	bool sse;      /* uses them as SSE and SSE2 do */
	bool tests;    /* asks which extensions there are: CPUID, XGETBV */
	enum x86_refers refers;
	uint64_t target; /* virtual address, if it refers to something */
};

struct x86_decoder;

/* `got` is the address that 32-bit code addresses its data from (DT_PLTGOT), or 0. */
struct x86_decoder *x86_decoder_new(bool wide, uint64_t got);
void x86_decoder_free(struct x86_decoder *d);

/* The instruction at `code`, whose address is `vaddr`; false if these bytes are none. */
bool x86_decode(const struct x86_decoder *d, const unsigned char *code, size_t len, uint64_t vaddr,
		struct x86_insn *out);

/* Can there be an instruction of those sets in the code? False is sure for what compilers write;
 * true asks for a closer look. Reads each byte once or so. */
bool x86_may_be_newer(const unsigned char *code, size_t len);

#endif
