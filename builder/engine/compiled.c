#include "builder/engine/compiled.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/base/trim.h"

/* What is hashed before everything else: another way to make keys gets another name. */
#define KEY_FORMAT "compiled 1"

static long
position(const struct strv *argv, const char *flag)
{
	for (size_t i = 0; i + 1 < argv->n; i++)
		if (strcmp(argv->at[i], flag) == 0)
			return (long)i;
	return -1;
}

/* Flags that make the compiler read a file of which nothing is in the preprocessed source. */
static bool
reads_more(const char *arg)
{
	static const char *const flags[] = {
		"@",        "-Xclang",   "-fauto-profile", "-fmodule",     "-fpass-plugin",
		"-fplugin", "-fprofile", "-fsanitize-",    "-include-pch",
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strncmp(arg, flags[i], strlen(flags[i])) == 0)
			return true;
	return false;
}

/* And so does the assembler, by a directive in an asm statement. */
static bool
assembles_more(const struct buf *text)
{
	static const char *const directives[] = {".incbin", ".include"};

	for (size_t i = 0; text->len > 0 && i < ARRAY_SIZE(directives); i++)
		if (memmem(text->data, text->len, directives[i], strlen(directives[i])) != NULL)
			return true;
	return false;
}

bool
compiled_can(const struct strv *argv, const char *input)
{
	static const char *const ends[] = {".c", ".cc", ".cpp", ".cxx", ".c++", ".C"};
	const char *dot = input != NULL ? strrchr(input, '.') : NULL;

	for (size_t i = 0; i < argv->n; i++)
		if (reads_more(argv->at[i]))
			return false;
	for (size_t i = 0; dot != NULL && i < ARRAY_SIZE(ends); i++)
		if (strcmp(dot, ends[i]) == 0)
			return position(argv, "-c") > 0 && position(argv, "-o") > 0;
	return false;
}

void
compiled_preprocess(const struct strv *argv, const char *output, struct strv *out)
{
	long c = position(argv, "-c"), o = position(argv, "-o");

	for (long i = 0; i < (long)argv->n; i++)
		strv_add(out, i == c ? "-E" : i == o + 1 ? output : argv->at[i]);
}

const char *
compiled_object(const struct strv *argv)
{
	return argv->at[position(argv, "-o") + 1];
}

/* The preprocessed text holds what these have done. */
static bool
is_preprocessors(const char *arg)
{
	return arg[0] == '-' && arg[1] != '\0' && strchr("DIU", arg[1]) != NULL && arg[2] != '\0';
}

static void
add_text(struct digest_stream *s, const char *text)
{
	digest_add(s, text, strlen(text) + 1);
}

int
compiled_key(const char *toolchain, const struct strv *argv, const char *scratch,
	     const char *preprocessed, char key[DIGEST_HEX_SIZE], struct err *e)
{
	struct buf text = {0};
	struct digest_stream s;
	struct digest d;
	long o = position(argv, "-o");

	if (file_read_beneath(scratch, preprocessed, COMPILED_SOURCE_MAX, &text, e) == 0 &&
	    assembles_more(&text))
		err_set(e, ERR_UNSUPPORTED, "the assembler reads other files");
	if (e->code != 0) {
		buf_fini(&text);
		return e->code;
	}
	digest_start(&s);
	add_text(&s, KEY_FORMAT);
	add_text(&s, toolchain);
	for (long i = 0; i < (long)argv->n; i++)
		if (i != o + 1 && !is_preprocessors(argv->at[i]))
			add_text(&s, argv->at[i]);
	add_text(&s, "");
	digest_add(&s, text.data, text.len);
	digest_end(&s, &d);
	digest_hex(&d, key);
	buf_fini(&text);
	return 0;
}

bool
compiled_take(const char *dir, const char *key, const char *scratch, const char *to)
{
	char *path = xasprintf("%s/%s", dir, key);
	struct buf object = {0};
	bool taken = file_read(path, COMPILED_OBJECT_MAX, &object, NULL) == 0 &&
		     file_write_beneath(scratch, to, object.data, object.len, 0644, NULL) == 0;

	if (taken)
		utimensat(AT_FDCWD, path, NULL, 0);
	buf_fini(&object);
	free(path);
	return taken;
}

void
compiled_keep(const char *dir, const char *key, const char *scratch, const char *from)
{
	char *path = xasprintf("%s/%s", dir, key);
	struct buf object = {0};

	if (file_mkdirs(dir, 0755, NULL) == 0 &&
	    file_read_beneath(scratch, from, COMPILED_OBJECT_MAX, &object, NULL) == 0)
		file_write_atomic(path, object.data, object.len, 0644, NULL);
	buf_fini(&object);
	free(path);
}

void
compiled_trim(const char *dir, uint64_t bytes)
{
	/* Packages are folders, those with a scope a level deeper. */
	trim_oldest(dir, 2, bytes, 0);
}
