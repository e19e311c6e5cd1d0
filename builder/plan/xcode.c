#include "builder/plan/xcode.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/plan/flags.h"
#include "builder/toolchain/toolchain.h"

#define SDK "$(SDKROOT)"

/* Settings that are on or off, and what that means to clang; NULL: nothing. */
static const struct {
	const char *name, *on, *off;
	bool cxx_only;
} switches[] = {
	{"GCC_ENABLE_CPP_EXCEPTIONS", NULL, "-fno-exceptions", true},
	{"GCC_ENABLE_CPP_RTTI", NULL, "-fno-rtti", true},
	{"GCC_THREADSAFE_STATICS", NULL, "-fno-threadsafe-statics", true},
	{"GCC_INLINES_ARE_PRIVATE_EXTERN", "-fvisibility-inlines-hidden", NULL, true},
	{"CLANG_ENABLE_OBJC_ARC", "-fobjc-arc", NULL, false},
	{"GCC_CHAR_IS_UNSIGNED_CHAR", "-funsigned-char", NULL, false},
	{"GCC_ENABLE_PASCAL_STRINGS", "-mpascal-strings", NULL, false},
	{"GCC_STRICT_ALIASING", "-fstrict-aliasing", "-fno-strict-aliasing", false},
};

static const struct json *
settings(const struct json *release)
{
	return json_get(release, "xcode_settings");
}

static bool
is_inherited(const char *entry)
{
	return strstr(entry, "$(inherited)") != NULL || strstr(entry, "$(OTHER_CFLAGS)") != NULL;
}

/* An entry with the SDK's place in it; NULL for one that stands for others. */
static char *
expand(const char *entry)
{
	const char *at = strstr(entry, SDK);

	if (at != NULL)
		return xasprintf("%.*s" TOOLCHAIN_MOUNT "/sysroot%s", (int)(at - entry), entry,
				 at + strlen(SDK));
	return is_inherited(entry) ? NULL : xstrdup(entry);
}

/* A setting is one text or a list of them. */
static void
read_setting(const struct json *release, const char *name, struct strv *out)
{
	const struct json *value = json_get(settings(release), name);
	char *one;

	if (json_string(value, NULL) != NULL) {
		one = expand(json_string(value, ""));
		if (one != NULL)
			strv_add(out, one);
		free(one);
		return;
	}
	json_foreach (item, value) {
		one = expand(json_string(item, ""));
		if (one != NULL)
			strv_add(out, one);
		free(one);
	}
}

static void
add_flags(const struct json *release, const char *name, struct strv *argv, struct strv *dropped)
{
	struct strv flags = {0};

	read_setting(release, name, &flags);
	for (size_t i = 0; i < flags.n; i++)
		flags_add_package(flags.at[i], argv, dropped);
	strv_fini(&flags);
}

/* Nothing is what is inherited. */
static bool
names_inherited(const struct json *flags)
{
	if (flags == NULL || is_inherited(json_string(flags, "")))
		return true;
	json_foreach (item, flags)
		if (is_inherited(json_string(item, "")))
			return true;
	return false;
}

void
xcode_add_compile(const struct json *release, bool cxx, struct strv *argv, struct strv *dropped)
{
	const struct json *s = settings(release);
	const char *standard =
		json_str(s, cxx ? "CLANG_CXX_LANGUAGE_STANDARD" : "GCC_C_LANGUAGE_STANDARD", "");
	struct strv defines = {0};

	strv_addf(argv, "-O%s", json_str(s, "GCC_OPTIMIZATION_LEVEL", "s"));
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		const char *value = json_str(s, switches[i].name, "");
		const char *flag = strcmp(value, "YES") == 0  ? switches[i].on
				   : strcmp(value, "NO") == 0 ? switches[i].off
							      : NULL;

		if (flag != NULL && (cxx || !switches[i].cxx_only))
			strv_add(argv, flag);
	}
	if (strcmp(standard, "ansi") == 0)
		strv_add(argv, "-ansi");
	else if (standard[0] != '\0')
		strv_addf(argv, "-std=%s", standard);
	read_setting(release, "GCC_PREPROCESSOR_DEFINITIONS", &defines);
	for (size_t i = 0; i < defines.n; i++)
		strv_addf(argv, "-D%s", defines.at[i]);
	strv_fini(&defines);
	/* Those for C++ alone take the place of the others, unless they name them. */
	if (!cxx || names_inherited(json_get(s, "OTHER_CPLUSPLUSFLAGS")))
		add_flags(release, "OTHER_CFLAGS", argv, dropped);
	if (cxx)
		add_flags(release, "OTHER_CPLUSPLUSFLAGS", argv, dropped);
}

static bool
ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

void
xcode_add_library(const char *entry, struct strv *argv, struct strv *dropped)
{
	static const char framework[] = ".framework";
	const char *slash = strrchr(entry, '/');
	const char *name = slash != NULL ? slash + 1 : entry;
	bool system = slash == NULL || strstr(entry, SDK) != NULL || entry[0] == '/';
	char *path;

	if (entry[0] != '-' && ends_with(entry, framework)) {
		strv_add(argv, "-framework");
		strv_addf(argv, "%.*s", (int)(strlen(name) - strlen(framework)), name);
	} else if (entry[0] != '-' && system && strncmp(name, "lib", 3) == 0 &&
		   (ends_with(name, ".dylib") || ends_with(name, ".tbd"))) {
		strv_addf(argv, "-l%.*s", (int)(strrchr(name, '.') - name - 3), name + 3);
	} else if ((path = expand(entry)) != NULL) {
		flags_add_linker(path, argv, dropped);
		free(path);
	}
}

void
xcode_add_linker(const struct json *release, struct strv *argv, struct strv *dropped)
{
	struct strv flags = {0};

	read_setting(release, "OTHER_LDFLAGS", &flags);
	for (size_t i = 0; i < flags.n; i++)
		flags_add_linker(flags.at[i], argv, dropped);
	strv_fini(&flags);
}
