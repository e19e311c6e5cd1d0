#include "builder/plan/msvc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/plan/flags.h"

/* An option of cl.exe without its "/" or "-", and what clang calls it; "" is left out silently. Those
 * with a star stand for all that begin so. */
static const struct option {
	const char *msvc, *clang;
	bool cxx_only;
} options[] = {
	{"std:c++14", "-std=gnu++14", true},
	{"std:c++17", "-std=gnu++17", true},
	{"std:c++20", "-std=gnu++20", true},
	{"std:c++23*", "-std=gnu++23", true},
	{"std:c++latest", "-std=gnu++23", true},
	{"std:c*", "", false},
	{"EHs*", "-fexceptions", true},
	{"EHa*", "-fexceptions", true},
	{"EH*", "", false},
	{"GR-", "-fno-rtti", true},
	{"GR", "-frtti", true},
	{"Od", "-O0", false},
	{"O1", "-Os", false},
	{"O2", "-O2", false},
	{"Ox", "-O3", false},
	{"J", "-funsigned-char", false},
	{"arch:AVX", "-mavx", false},
	{"arch:AVX2", "-mavx2", false},
	{"Zc:*", "", false},
	{"Z*", "", false},
	{"W*", "", false},
	{"w*", "", false},
	{"MP*", "", false},
	{"MT*", "", false},
	{"MD*", "", false},
	{"FS", "", false},
	{"GS*", "", false},
	{"Gy*", "", false},
	{"GF", "", false},
	{"bigobj", "", false},
	{"nologo", "", false},
	{"utf-8", "", false},
	{"permissive*", "", false},
};

/* As a C standard, of C sources only: "std:c11" is told from "std:c++…" by its digit. */
static bool
add_c_standard(const char *option, bool cxx, struct strv *argv)
{
	size_t prefix = strlen("std:c");

	if (strncmp(option, "std:c", prefix) != 0 || !isdigit((unsigned char)option[prefix]))
		return false;
	if (!cxx)
		strv_addf(argv, "-std=gnu%s", option + prefix);
	return true;
}

static bool
matches(const char *pattern, const char *s)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '*')
		return strncmp(pattern, s, n - 1) == 0;
	return strcmp(pattern, s) == 0;
}

static void
add_option(const char *option, bool cxx, struct strv *argv, struct strv *dropped)
{
	const char *name = option + 1;

	if (option[0] != '/' && option[0] != '-') {
		flags_drop(option, dropped);
		return;
	}
	if ((name[0] == 'D' || name[0] == 'U' || name[0] == 'I') && name[1] != '\0') {
		strv_addf(argv, "-%s", name);
		return;
	}
	if (add_c_standard(name, cxx, argv))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!matches(options[i].msvc, name))
			continue;
		if (options[i].clang[0] != '\0' && (cxx || !options[i].cxx_only))
			strv_add(argv, options[i].clang);
		return;
	}
	flags_drop(option, dropped);
}

/* A setting is one text or a list of them. In a list that adds to an inherited one, Visual Studio
 * writes the rest as "%(Name)". */
static void
read_setting(const struct json *tool, const char *name, struct strv *out)
{
	const struct json *value = json_get(tool, name);

	if (json_string(value, NULL) != NULL)
		strv_add(out, json_string(value, ""));
	else
		json_foreach (item, value)
			strv_add(out, json_string(item, ""));
	for (size_t i = 0; i < out->n; i++)
		if (strncmp(out->at[i], "%(", 2) == 0)
			out->at[i][0] = '\0';
}

static void
add_list(const struct json *tool, const char *name, const char *flag, struct strv *argv)
{
	struct strv values = {0};

	read_setting(tool, name, &values);
	for (size_t i = 0; i < values.n; i++)
		if (values.at[i][0] != '\0')
			strv_addf(argv, "%s%s", flag, values.at[i]);
	strv_fini(&values);
}

void
msvc_add_compile(const struct json *release, bool cxx, struct strv *argv, struct strv *dropped)
{
	static const char *const levels[] = {"-O0", "-Os", "-O2", "-O3"};
	const struct json *tool = json_get(json_get(release, "msvs_settings"), "VCCLCompilerTool");
	const char *level = json_str(tool, "Optimization", "2");
	const char *exceptions = json_str(tool, "ExceptionHandling", "");
	const char *rtti = json_str(tool, "RuntimeTypeInfo", "");
	struct strv list = {0};

	if (level[0] >= '0' && level[0] < '0' + (int)ARRAY_SIZE(levels))
		strv_add(argv, levels[level[0] - '0']);
	if (cxx && strcmp(exceptions, "0") == 0)
		strv_add(argv, "-fno-exceptions");
	if (cxx && strcmp(rtti, "false") == 0)
		strv_add(argv, "-fno-rtti");
	read_setting(tool, "AdditionalOptions", &list);
	for (size_t i = 0; i < list.n; i++)
		if (list.at[i][0] != '\0')
			add_option(list.at[i], cxx, argv, dropped);
	strv_fini(&list);
	add_list(tool, "PreprocessorDefinitions", "-D", argv);
	add_list(tool, "UndefinePreprocessorDefinitions", "-U", argv);
	add_list(tool, "AdditionalIncludeDirectories", "-I", argv);
	add_list(tool, "ForcedIncludeFiles", "-include", argv);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *back = strrchr(path, '\\');

	if (slash == NULL || (back != NULL && back > slash))
		slash = back;
	return slash != NULL ? slash + 1 : path;
}

void
msvc_add_library(const char *entry, struct strv *argv)
{
	static const char *const ours[] = {"node", "iojs", "libnode", "delayimp"};
	char *name;
	size_t len;

	if (strncmp(entry, "-l", 2) == 0)
		entry += 2;
	entry += strspn(entry, "\"");
	len = strcspn(entry, "\"");
	name = xasprintf("%.*s", (int)len, entry);
	/* A library that the package brings stays a file; one of Windows is found by its name, which
	 * is written in small letters here and in any way there. */
	if (base_name(name) == name && len > 4 && strcasecmp(name + len - 4, ".lib") == 0)
		name[len - 4] = '\0';
	entry = base_name(name);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		size_t n = strlen(ours[i]);

		if (strncasecmp(entry, ours[i], n) == 0 &&
		    (entry[n] == '\0' || strcasecmp(entry + n, ".lib") == 0))
			goto out;
	}
	if (entry != name) {
		strv_add(argv, name);
	} else if (name[0] != '\0') {
		for (char *c = name; *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
		strv_addf(argv, "-l%s", name);
	}
out:
	free(name);
}

void
msvc_add_linker(const struct json *release, struct strv *argv, struct strv *dropped)
{
	const struct json *tool = json_get(json_get(release, "msvs_settings"), "VCLinkerTool");
	struct strv list = {0};

	read_setting(tool, "AdditionalDependencies", &list);
	for (size_t i = 0; i < list.n; i++)
		msvc_add_library(list.at[i], argv);
	strv_fini(&list);
	read_setting(tool, "AdditionalOptions", &list);
	for (size_t i = 0; i < list.n; i++)
		if (list.at[i][0] != '\0')
			flags_drop(list.at[i], dropped);
	strv_fini(&list);
}

bool
msvc_is_hook(const char *source)
{
	return strcmp(base_name(source), "win_delay_load_hook.cc") == 0;
}
