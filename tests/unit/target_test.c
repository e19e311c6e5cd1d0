#include "builder/model/target.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* What the targets are, from the ELF ABI supplements and Node's process.arch. */
static const struct {
	const char *triple, *alias;
	enum libc libc;
	unsigned char class, data;
	uint16_t machine;
	const char *loader;
} known[] = {
	{"aarch64-linux-gnu", "linux-arm64", LIBC_GLIBC, ELFCLASS64, ELFDATA2LSB, EM_AARCH64,
	 "ld-linux-aarch64.so.1"},
	{"aarch64-linux-musl", "linuxmusl-arm64", LIBC_MUSL, ELFCLASS64, ELFDATA2LSB, EM_AARCH64,
	 NULL},
	{"arm-linux-gnueabihf", "linux-arm", LIBC_GLIBC, ELFCLASS32, ELFDATA2LSB, EM_ARM,
	 "ld-linux-armhf.so.3"},
	{"i686-linux-gnu", "linux-ia32", LIBC_GLIBC, ELFCLASS32, ELFDATA2LSB, EM_386,
	 "ld-linux.so.2"},
	{"powerpc64le-linux-gnu", "linux-ppc64", LIBC_GLIBC, ELFCLASS64, ELFDATA2LSB, EM_PPC64,
	 "ld64.so.2"},
	{"riscv64-linux-gnu", "linux-riscv64", LIBC_GLIBC, ELFCLASS64, ELFDATA2LSB, EM_RISCV,
	 "ld-linux-riscv64-lp64d.so.1"},
	{"s390x-linux-gnu", "linux-s390x", LIBC_GLIBC, ELFCLASS64, ELFDATA2MSB, EM_S390,
	 "ld64.so.1"},
	{"x86_64-linux-gnu", "linux-x64", LIBC_GLIBC, ELFCLASS64, ELFDATA2LSB, EM_X86_64,
	 "ld-linux-x86-64.so.2"},
	{"x86_64-linux-musl", "linuxmusl-x64", LIBC_MUSL, ELFCLASS64, ELFDATA2LSB, EM_X86_64, NULL},
};

TEST(known_targets)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct target *t = target_find(known[i].triple);

		if (!CHECK_MSG(t != NULL, "%s is missing", known[i].triple))
			continue;
		CHECK_MSG(target_find(known[i].alias) == t, "%s", known[i].alias);
		CHECK_INT(t->libc, known[i].libc);
		CHECK_INT(t->elf_class, known[i].class);
		CHECK_INT(t->elf_data, known[i].data);
		CHECK_INT(t->elf_machine, known[i].machine);
		if (known[i].loader != NULL)
			CHECK_STR(t->loader, known[i].loader);
	}
}

TEST(every_target_is_found_by_each_of_its_names)
{
	CHECK(target_count() >= ARRAY_SIZE(known));
	for (size_t i = 0; i < target_count(); i++) {
		const struct target *t = target_at(i);
		char *assembly = target_assembly(t);
		char alias[64];

		snprintf(alias, sizeof alias, "%s-%s", t->node_platform, t->node_arch);
		CHECK_MSG(target_find(t->triple) == t, "%s", t->triple);
		CHECK_MSG(target_find(alias) == t, "%s", alias);
		CHECK(target_from_node(t->node_platform, t->node_arch) == t);
		CHECK(t->floor_major > 0);
		CHECK((t->pe_machine != 0) == (t->libc == LIBC_MSVCRT));
		CHECK((t->macho_cpu != 0) == (t->libc == LIBC_SYSTEM));
		CHECK(t->recipe != RECIPE_NONE || !t->load_tested);
		CHECK((assembly == NULL) == (t->recipe == RECIPE_NONE));
		free(assembly);
		if (t->pe_machine == 0 && t->macho_cpu == 0) {
			CHECK(t->page_align >= 4096 && (t->page_align & (t->page_align - 1)) == 0);
			CHECK_INT(t->elf_flags_value & ~t->elf_flags_mask, 0);
			CHECK(t->loader[0] != '\0');
		}
		if (i > 0)
			CHECK(strcmp(target_at(i - 1)->triple, t->triple) < 0);
	}
	CHECK(target_at(target_count()) == NULL);
}

TEST(windows_is_a_target_of_pe_files)
{
	const struct target *t = target_find("win32-x64");

	CHECK(t != NULL && t == target_find("x86_64-w64-mingw32"));
	if (t == NULL)
		return;
	CHECK_INT(t->pe_machine, 0x8664);
	CHECK_INT(t->floor_major, 10);
	CHECK_STR(target_libc_text(t), "msvcrt");
	CHECK_STR(target_libc_text(target_find("linux-x64")), "glibc");
	CHECK_STR(target_libc_text(target_find("linuxmusl-x64")), "musl");
}

/* What is judged and served without being built, or only with what the operator brings. */
TEST(targets_that_not_everybody_builds)
{
	static const struct {
		const char *alias, *triple, *note;
		uint16_t pe_machine;
		uint32_t macho_cpu;
		enum recipe recipe;
	} cases[] = {
		{"darwin-arm64", "aarch64-apple-darwin", "needs a macOS SDK; not load-tested", 0,
		 0x0100000c, RECIPE_MACOS_SDK},
		{"darwin-x64", "x86_64-apple-darwin", "needs a macOS SDK; not load-tested", 0,
		 0x01000007, RECIPE_MACOS_SDK},
		{"win32-ia32", "i686-w64-mingw32", "not built here; not load-tested", 0x14c, 0,
		 RECIPE_NONE},
		{"win32-arm64", "aarch64-w64-mingw32", "not built here; not load-tested", 0xaa64, 0,
		 RECIPE_NONE},
	};
	char *assembly;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct target *t = target_find(cases[i].alias);
		struct json *v;

		if (!CHECK_MSG(t != NULL, "%s", cases[i].alias))
			continue;
		CHECK_STR(t->triple, cases[i].triple);
		CHECK_INT(t->pe_machine, cases[i].pe_machine);
		CHECK_INT(t->macho_cpu, cases[i].macho_cpu);
		CHECK_INT(t->recipe, cases[i].recipe);
		CHECK_STR(target_note(t), cases[i].note);
		v = target_json(t);
		CHECK_STR(json_str(v, "node", ""), cases[i].alias);
		CHECK_STR(json_str(v, "recipe", ""), target_recipe_text(t));
		CHECK(!json_bool(v, "load_tested", true));
		json_free(v);
	}
	CHECK(target_note(target_find("linux-x64")) == NULL);
	assembly = target_assembly(target_find("darwin-arm64"));
	CHECK_STR(assembly, "aarch64-apple-darwin --macos-sdk FOLDER");
	free(assembly);
	assembly = target_assembly(target_find("linux-x64"));
	CHECK_STR(assembly, "x86_64-linux-gnu");
	free(assembly);
}

TEST(unknown_names)
{
	static const char *const names[] = {
		"",           "linux",        "linux-",           "-x64",
		"linux-x64 ", "x86_64-linux", "X86_64-linux-gnu", "win32-arm"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_MSG(target_find(names[i]) == NULL, "\"%s\"", names[i]);
	CHECK(target_from_node("linux", "mips") == NULL);
	CHECK(target_from_node("", "") == NULL);
}

TEST(the_host_is_one_of_them)
{
	struct utsname u;

	CHECK_INT(uname(&u), 0);
	if (strcmp(u.machine, "x86_64") == 0 && sizeof(void *) == 8)
		CHECK(target_host() == target_find("x86_64-linux-gnu"));
	if (strcmp(u.machine, "aarch64") == 0)
		CHECK(target_host() == target_find("aarch64-linux-gnu"));
}
