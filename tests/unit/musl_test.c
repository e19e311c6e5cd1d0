#include "builder/audit/musl.h"

#include <elf.h>
#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* They are searched by halves. */
TEST(tables_are_sorted)
{
	CHECK(musl_table_count > 1000 && musl_missing_count > 1000);
	for (size_t i = 1; i < musl_table_count; i++)
		CHECK_MSG(strcmp(musl_table[i - 1].name, musl_table[i].name) < 0, "%s",
			  musl_table[i].name);
	for (size_t i = 1; i < musl_missing_count; i++)
		CHECK_MSG(strcmp(musl_missing[i - 1], musl_missing[i]) < 0, "%s", musl_missing[i]);
}

TEST(by_machine)
{
	static const uint16_t machines[] = {EM_X86_64, EM_AARCH64, EM_ARM,  EM_386,
					    EM_PPC64,  EM_S390,    EM_RISCV};
	/* What only some have is written in their ABIs: how thread-local variables are found, ARM's
	 * helpers, and the 64-bit time of what had a 32-bit one. */
	static const struct {
		const char *name;
		uint16_t on[2];
	} some[] = {
		{"__aeabi_memcpy", {EM_ARM}},
		{"___tls_get_addr", {EM_386}},
		{"__tls_get_offset", {EM_S390}},
		{"arch_prctl", {EM_X86_64, EM_386}},
		{"__clock_gettime64", {EM_ARM, EM_386}},
	};

	for (size_t m = 0; m < ARRAY_SIZE(machines); m++) {
		CHECK_INT(musl_since("memcpy", machines[m]), 1);
		CHECK_INT(musl_since("pthread_create", machines[m]), 1);
		CHECK_INT(musl_since("fcntl64", machines[m]), 0);
		CHECK_INT(musl_since("__memcpy_chk", machines[m]), 0);
		CHECK_INT(musl_since("", machines[m]), 0);
		for (size_t i = 0; i < ARRAY_SIZE(some); i++)
			CHECK_MSG((musl_since(some[i].name, machines[m]) > 0) ==
					  (some[i].on[0] == machines[m] ||
					   some[i].on[1] == machines[m]),
				  "%s on machine %u", some[i].name, machines[m]);
	}
	CHECK_INT(musl_since("memcpy", EM_MIPS), 0);
}

/* Of musl's release notes. */
TEST(since_1_2)
{
	static const char *const news[] = {
		"_Fork",        "gettid",       "pthread_getname_np", "qsort_r",
		"reallocarray", "tcgetwinsize", "tcsetwinsize",
	};

	for (size_t i = 0; i < ARRAY_SIZE(news); i++)
		CHECK_MSG(musl_since(news[i], EM_AARCH64) == 2, "%s", news[i]);
	CHECK_INT(musl_since("__clock_gettime64", EM_ARM), 2);
	CHECK_INT(musl_since("clock_gettime", EM_ARM), 1);
	CHECK_INT(musl_since("getrandom", EM_AARCH64), 1); /* of 1.1.20 */
}

TEST(who_else_has_it)
{
	static const struct {
		const char *symbol, *text;
	} cases[] = {
		{"arch_prctl", "in musl on x86_64, i686"},
		{"fcntl64", "in glibc"},
		{"__memcpy_chk", "in glibc"},
		{"__isoc23_strtol", ""}, /* newer than the glibc of the table */
		{"memcpy", "in musl on x86_64, aarch64, arm, i686, powerpc64le, s390x, riscv64"},
		{"sqlite3_open", ""},
		{"", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[MUSL_ELSEWHERE_SIZE];

		musl_elsewhere(cases[i].symbol, text);
		CHECK_STR(text, cases[i].text);
	}
}
