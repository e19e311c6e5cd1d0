#include "builder/audit/x86_insn.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

#define VADDR 0x1000u
#define GOT   0x8000u
#define NONE  X86_SET_COUNT

/* Bytes of a hexadecimal text; returns how many. */
static size_t
bytes_of(const char *hex, unsigned char out[16])
{
	size_t n = 0;

	memset(out, 0, 16);
	for (; hex[0] != '\0' && n < 16; hex += 2) {
		char digits[3] = {hex[0], hex[1], '\0'};

		out[n++] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return n;
}

static const struct {
	const char *code, *name;
	enum x86_set set; /* NONE: every processor has it */
	bool vector, sse, tests;
} cases[] = {
	{"4889e5", "mov", NONE, false, false, false},
	{"0f10c1", "movups", NONE, false, true, false},
	{"f20f58c1", "addsd", NONE, false, true, false},
	{"660fefc0", "pxor", NONE, false, true, false},
	{"0fa2", "cpuid", NONE, false, false, true},
	{"0f01d0", "xgetbv", NONE, false, false, true},
	{"f30f1efa", "nop", NONE, false, false, false},   /* endbr64 */
	{"f3480fbcc0", "bsf", NONE, false, false, false}, /* tzcnt */
	{"f0480fc70e", "cmpxchg16b", NONE, false, false, false},
	{"f390", "pause", NONE, false, false, false},
	{"f30f12c1", "movsldup", X86_SSE3, false, false, false},
	{"f20fd0c1", "addsubps", X86_SSE3, false, false, false},
	{"f20ff000", "lddqu", X86_SSE3, false, false, false},
	{"660f3800c1", "pshufb", X86_SSSE3, false, false, false},
	{"66440f3800c1", "pshufb", X86_SSSE3, false, false, false},
	{"660f3840c1", "pmulld", X86_SSE4_1, false, false, false},
	{"660f3a0bc101", "roundsd", X86_SSE4_1, false, false, false},
	{"f2480f38f1c1", "crc32", X86_SSE4_2, false, false, false},
	{"f3480fb8c1", "popcnt", X86_POPCNT, false, false, false},
	{"f30fb8c1", "popcnt", X86_POPCNT, false, false, false},
	{"f3480fbdc1", "lzcnt", X86_LZCNT, false, false, false},
	{"480f38f006", "movbe", X86_MOVBE, false, false, false},
	{"c5f81000", "vmovups", X86_AVX, true, false, false},
	{"c5f877", "vzeroupper", X86_AVX, true, false, false},
	{"c5f857c0", "vxorps", X86_AVX, true, false, false},
	{"c4e27d5800", "vpbroadcastd", X86_AVX2, true, false, false},
	{"c4e2f5b8c2", "vfmadd231pd", X86_FMA, true, false, false},
	{"c4e27d13c0", "vcvtph2ps", X86_F16C, true, false, false},
	{"c4e278f2c1", "andn", X86_BMI1, false, false, false},
	{"c4e2fbf6c1", "mulx", X86_BMI2, false, false, false},
	{"62f17c481000", "vmovups", X86_AVX512, true, false, false},
	{"c5f892c0", "kmovw", X86_AVX512, true, false, false},
	{"660f38dcc1", "aesenc", X86_AES, false, false, false},
	{"660f3a44c100", "pclmulqdq", X86_PCLMULQDQ, false, false, false},
	{"0f38ccc1", "sha256msg1", X86_SHA, false, false, false},
	{"f3480f38f6c1", "adox", X86_ADX, false, false, false},
};

TEST(instructions_and_their_sets)
{
	struct x86_decoder *d = x86_decoder_new(true, 0);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned char code[16];
		size_t len = bytes_of(cases[i].code, code);
		struct x86_insn insn;

		if (!CHECK_MSG(x86_decode(d, code, len, VADDR, &insn), "%s", cases[i].code))
			continue;
		CHECK_INT((int64_t)insn.length, (int64_t)len);
		CHECK_STR(insn.name, cases[i].name);
		CHECK_MSG(insn.sets == (cases[i].set != NONE ? 1u << cases[i].set : 0), "%s: %x",
			  cases[i].name, insn.sets);
		CHECK_MSG(insn.vector == cases[i].vector && insn.sse == cases[i].sse &&
				  insn.tests == cases[i].tests,
			  "%s", cases[i].name);
	}
	x86_decoder_free(d);
}

/* The quick look must see the newer ones, and not be alarmed by common code. */
TEST(a_quick_look)
{
	static const char common[] =
		"554889e54157415653504889fb488b3f4885ff7415e8000000004c8d3d10200000"
		"0f10060f1107f20f59c1660fefc00fb6c00fafc7480f44c175c5c331c0c9c3c4";
	unsigned char code[sizeof common / 2 + 4];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned char one[16];

		bytes_of(cases[i].code, one);
		/* Nobody uses mask registers alone. */
		if (strcmp(cases[i].name, "kmovw") == 0)
			continue;
		CHECK_MSG(x86_may_be_newer(one, sizeof one) == (cases[i].set != NONE), "%s",
			  cases[i].name);
	}
	for (size_t i = 0; i + 1 < sizeof common; i += 2) {
		char digits[3] = {common[i], common[i + 1], '\0'};

		code[i / 2] = (unsigned char)strtoul(digits, NULL, 16);
	}
	CHECK(!x86_may_be_newer(code, sizeof common / 2));
	CHECK(!x86_may_be_newer(code, 0));
	CHECK(!x86_may_be_newer((const unsigned char *)"\xc5\xf8\x10", 3));
}

TEST(what_an_instruction_refers_to)
{
	static const struct {
		const char *code;
		bool wide;
		enum x86_refers refers;
		uint64_t target;
	} refs[] = {
		{"e800010000", true, X86_TO_CODE, VADDR + 5 + 0x100},
		{"e8fbfeffff", true, X86_TO_CODE, VADDR - 0x100},
		{"7410", true, X86_TO_CODE, VADDR + 2 + 0x10},
		{"0f8400010000", true, X86_TO_CODE, VADDR + 6 + 0x100},
		{"488d0500020000", true, X86_TO_ADDRESS, VADDR + 7 + 0x200},
		{"8b0500020000", true, X86_READS, VADDR + 6 + 0x200},
		{"890500020000", true, X86_WRITES, VADDR + 6 + 0x200},
		{"c7050002000001000000", true, X86_WRITES, VADDR + 10 + 0x200},
		{"f6050002000020", true, X86_READS, VADDR + 7 + 0x200},
		{"488b4310", true, X86_REFERS_NOT, 0},
		{"ffd0", true, X86_REFERS_NOT, 0},
		{"e8fbdfffff", false, X86_TO_CODE, 0xfffff000}, /* wraps at 32 bits */
		{"8d8300010000", false, X86_TO_ADDRESS, GOT + 0x100},
		{"8b83f0ffffff", false, X86_READS, GOT - 0x10},
		{"898300010000", false, X86_WRITES, GOT + 0x100},
		{"8b4310", false, X86_REFERS_NOT, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
		struct x86_decoder *d = x86_decoder_new(refs[i].wide, refs[i].wide ? 0 : GOT);
		unsigned char code[16];
		size_t len = bytes_of(refs[i].code, code);
		struct x86_insn insn;

		if (CHECK_MSG(x86_decode(d, code, len, VADDR, &insn), "%s", refs[i].code)) {
			CHECK_MSG(insn.refers == refs[i].refers, "%s: %d", refs[i].code,
				  insn.refers);
			CHECK_MSG(insn.target == refs[i].target, "%s: 0x%llx", refs[i].code,
				  (unsigned long long)insn.target);
		}
		x86_decoder_free(d);
	}
}

TEST(bytes_that_are_no_instruction)
{
	struct x86_decoder *d = x86_decoder_new(true, 0);
	struct x86_insn insn;

	CHECK(!x86_decode(d, (const unsigned char *)"\x06", 1, 0, &insn));
	CHECK(!x86_decode(d, (const unsigned char *)"\xe8\0\0", 3, 0, &insn));
	CHECK(!x86_decode(d, (const unsigned char *)"", 0, 0, &insn));
	x86_decoder_free(d);
}

TEST(every_set_has_a_name)
{
	for (enum x86_set set = 0; set < X86_SET_COUNT; set++)
		CHECK(x86_set_name(set)[0] != '\0' && x86_set_level(set) <= 4);
	CHECK_STR(x86_set_name(X86_AVX2), "AVX2");
	CHECK_INT((int64_t)x86_set_level(X86_AVX2), 3);
}
