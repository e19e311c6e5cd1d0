#include "builder/engine/compiled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "tests/lib/test.h"

static struct strv
command(const char *const *args)
{
	struct strv v = {0};

	for (; *args != NULL; args++)
		strv_add(&v, *args);
	return v;
}

static void
write_text(const char *name, const char *text)
{
	CHECK_INT(file_write(test_path(name), text, strlen(text), 0644, NULL), 0);
}

#define COMMAND(...) command((const char *const[]){__VA_ARGS__, NULL})

static char *
key_of(const char *toolchain, const struct strv *argv)
{
	static char key[DIGEST_HEX_SIZE];
	struct err e = {0};

	CHECK_INT(compiled_key(toolchain, argv, test_dir(), "x.i", key, &e), 0);
	return strdup(key);
}

TEST(which_commands)
{
	struct strv c = COMMAND("cc", "-O2", "-c", "/work/src/a.c", "-o", "/work/obj/a.o");
	struct strv link = COMMAND("cc", "-shared", "-o", "/work/out/a.node");
	struct strv profile = COMMAND("cc", "-fprofile-use=p", "-c", "a.c", "-o", "a.o");
	struct strv file = COMMAND("cc", "@flags", "-c", "a.c", "-o", "a.o");
	struct strv made = {0};

	CHECK(compiled_can(&c, "/work/src/a.c"));
	CHECK(compiled_can(&c, "/work/src/a.cc"));
	CHECK(!compiled_can(&c, "/work/src/a.S"));
	CHECK(!compiled_can(&c, "/work/src/a"));
	CHECK(!compiled_can(&c, NULL));
	CHECK(!compiled_can(&link, "/work/src/a.c"));
	CHECK(!compiled_can(&profile, "/work/src/a.c"));
	CHECK(!compiled_can(&file, "/work/src/a.c"));
	CHECK_STR(compiled_object(&c), "/work/obj/a.o");
	compiled_preprocess(&c, "/work/obj/0.i", &made);
	CHECK(made.n == c.n);
	CHECK_STR(made.at[2], "-E");
	CHECK_STR(made.at[3], "/work/src/a.c");
	CHECK_STR(made.at[5], "/work/obj/0.i");
	strv_fini(&c);
	strv_fini(&link);
	strv_fini(&profile);
	strv_fini(&file);
	strv_fini(&made);
}

/* What the preprocessor has read is in its output; everything else that decides the object is not. */
TEST(what_decides_the_key)
{
	struct strv a = COMMAND("cc", "-O2", "-DX=1", "-I/a", "-c", "a.c", "-o", "a.o");
	struct strv b = COMMAND("cc", "-O2", "-DX=2", "-I/b", "-c", "a.c", "-o", "b.o");
	struct strv c = COMMAND("cc", "-O3", "-DX=1", "-I/a", "-c", "a.c", "-o", "a.o");
	char *first, *keys[4];

	write_text("x.i", "int x;\n");
	first = key_of("t1", &a);
	keys[0] = key_of("t1", &b);
	CHECK_STR(keys[0], first);
	keys[1] = key_of("t2", &a);
	CHECK(strcmp(keys[1], first) != 0);
	keys[2] = key_of("t1", &c);
	CHECK(strcmp(keys[2], first) != 0);
	write_text("x.i", "int y;\n");
	keys[3] = key_of("t1", &a);
	CHECK(strcmp(keys[3], first) != 0);
	for (int i = 0; i < 4; i++)
		free(keys[i]);
	free(first);
	strv_fini(&a);
	strv_fini(&b);
	strv_fini(&c);
}

TEST(no_key_where_the_assembler_reads_a_file)
{
	struct strv a = COMMAND("cc", "-c", "a.c", "-o", "a.o");
	char key[DIGEST_HEX_SIZE];
	struct err e = {0};

	write_text("x.i", "__asm__(\".incbin \\\"data\\\"\");\n");
	CHECK_INT(compiled_key("t1", &a, test_dir(), "x.i", key, &e), ERR_UNSUPPORTED);
	strv_fini(&a);
}

TEST(kept_and_taken)
{
	const char *dir = test_path("cache/@scope/name"), *scratch = test_dir();
	struct buf text = {0};

	CHECK(!compiled_take(dir, "k1", scratch, "obj/new.o"));
	CHECK_INT(mkdir(test_path("obj"), 0755), 0);
	write_text("obj/a.o", "object");
	compiled_keep(dir, "k1", scratch, "obj/a.o");
	CHECK(compiled_take(dir, "k1", scratch, "obj/new.o"));
	CHECK_INT(file_read(test_path("obj/new.o"), 100, &text, NULL), 0);
	CHECK(text.len == 6 && memcmp(text.data, "object", 6) == 0);
	buf_fini(&text);
}

/* The package's scripts may have put links in the way: nothing outside is read or written. */
TEST(links_are_not_followed)
{
	const char *dir = test_path("cache/p"), *scratch = test_path("scratch");

	CHECK_INT(mkdir(scratch, 0755), 0);
	CHECK_INT(mkdir(test_path("outside"), 0755), 0);
	write_text("outside/a.o", "secret");
	CHECK_INT(symlink(test_path("outside"), test_path("scratch/obj")), 0);
	CHECK_INT(symlink(test_path("outside/a.o"), test_path("scratch/b.o")), 0);
	compiled_keep(dir, "k1", scratch, "obj/a.o");
	compiled_keep(dir, "k1", scratch, "b.o");
	CHECK(!file_exists(test_path("cache/p/k1")));
	write_text("good.o", "object");
	compiled_keep(dir, "k2", test_dir(), "good.o");
	CHECK(!compiled_take(dir, "k2", scratch, "obj/c.o"));
	CHECK(!file_exists(test_path("outside/c.o")));
	/* A link in the object's own place is replaced. */
	CHECK(compiled_take(dir, "k2", scratch, "b.o"));
	CHECK(file_exists(test_path("outside/a.o")));
}

TEST(the_oldest_go)
{
	const char *dir = test_path("cache");

	write_text("o", "0123456789");
	for (int i = 0; i < 5; i++) {
		char key[16], path[32];
		struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};

		snprintf(key, sizeof key, "k%d", i);
		snprintf(path, sizeof path, "cache/p%d/%s", i % 2, key);
		compiled_keep(test_path(i % 2 ? "cache/p1" : "cache/p0"), key, test_dir(), "o");
		CHECK_INT(utimensat(-1, test_path(path), times, 0), 0);
	}
	compiled_trim(dir, 30);
	CHECK(!file_exists(test_path("cache/p0/k0")));
	CHECK(!file_exists(test_path("cache/p1/k1")));
	CHECK(file_exists(test_path("cache/p0/k2")));
	CHECK(file_exists(test_path("cache/p1/k3")));
	CHECK(file_exists(test_path("cache/p0/k4")));
	compiled_trim(test_path("none"), 30);
}
