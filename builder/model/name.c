#include "builder/model/name.h"

#include <stdbool.h>
#include <string.h>

#include "builder/base/mem.h"

#define PART_CHARS "abcdefghijklmnopqrstuvwxyz0123456789"

/* The layouts. A template's fields: {name} is the package without its scope, {platform} has the
 * C library in it as the client spells it. */
static const struct {
	const char *text;
	const char *file;
	const char *addon_dir; /* with a slash at its end */
} layouts[] = {
	[NAME_PREBUILD_INSTALL] = {"prebuild-install",
				   "{name}-v{version}-{abi}-{platform}-{arch}.tar.gz",
				   "build/Release/"},
};

_Static_assert(ARRAY_SIZE(layouts) == NAME_LAYOUT_COUNT, "every layout has its row");

/* What process.platform and process.arch can be, beside the targets' own names. "linuxmusl" is
 * the one platform that clients put together themselves. No arch is called armv6 or armv7:
 * clients ask for "arm" on both. */
static const char *const platforms[] = {
	"aix",       "android", "cygwin",  "darwin",      "freebsd", "haiku", "linux",
	"linuxmusl", "netbsd",  "openbsd", "openharmony", "sunos",   "win32",
};
static const char *const archs[] = {
	"arm", "arm64", "ia32",    "loong64", "mips",  "mipsel", "mips64el",
	"ppc", "ppc64", "riscv64", "s390",    "s390x", "x64",
};

static bool
listed(const char *const *list, size_t count, const char *s)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], s) == 0)
			return true;
	return false;
}

/* Each of these takes one thing from the front of *s. */
static bool
take_text(const char **s, const char *text, size_t len)
{
	if (strncmp(*s, text, len) != 0)
		return false;
	*s += len;
	return true;
}

static bool
take_part(const char **s, char *out, size_t size)
{
	size_t len = strspn(*s, PART_CHARS);

	if (len == 0 || len >= size)
		return false;
	memcpy(out, *s, len);
	out[len] = '\0';
	*s += len;
	return true;
}

/* Two parts, "napi-v6". */
static bool
take_abi(const char **s, struct abi *out)
{
	char text[ABI_TEXT_SIZE];
	size_t len = strspn(*s, PART_CHARS);

	if ((*s)[len] == '-')
		len += 1 + strspn(*s + len + 1, PART_CHARS);
	if (len >= sizeof text)
		return false;
	memcpy(text, *s, len);
	text[len] = '\0';
	*s += len;
	return abi_parse(text, out) == 0;
}

static bool
take_field(const char **s, const char *field, size_t len, struct name *n)
{
	const char *base = package_base(n->package);

	if (strncmp(field, "{name}", len) == 0)
		return take_text(s, base, strlen(base));
	if (strncmp(field, "{version}", len) == 0)
		return take_text(s, n->version, strlen(n->version));
	if (strncmp(field, "{abi}", len) == 0)
		return take_abi(s, &n->abi);
	if (strncmp(field, "{platform}", len) == 0)
		return take_part(s, n->platform, sizeof n->platform);
	return take_part(s, n->arch, sizeof n->arch);
}

/* Length of the field or of the plain text that a template goes on with. */
static size_t
piece(const char *template)
{
	return *template == '{' ? strcspn(template, "}") + 1 : strcspn(template, "{");
}

static bool
match(const char *template, const char *file, struct name *n)
{
	for (; *template != '\0'; template += piece(template)) {
		size_t len = piece(template);

		if (!(*template == '{' ? take_field(&file, template, len, n)
				       : take_text(&file, template, len)))
			return false;
	}
	return *file == '\0';
}

int
name_parse(const char *package, const char *version, const char *file, struct name *out)
{
	if (!package_name_valid(package) || !package_version_valid(version))
		return ERR_INVALID;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		*out = (struct name){.layout = (enum name_layout)i};
		strcpy(out->package, package);
		strcpy(out->version, version);
		if (!match(layouts[i].file, file, out))
			continue;
		out->target = target_from_node(out->platform, out->arch);
		if (out->target != NULL ||
		    (listed(platforms, ARRAY_SIZE(platforms), out->platform) &&
		     listed(archs, ARRAY_SIZE(archs), out->arch)))
			return 0;
	}
	return ERR_INVALID;
}

static void
print_field(const char *field, size_t len, const struct name *n, struct buf *out)
{
	char abi[ABI_TEXT_SIZE];

	abi_text(n->abi, abi);
	if (strncmp(field, "{name}", len) == 0)
		buf_adds(out, package_base(n->package));
	else if (strncmp(field, "{version}", len) == 0)
		buf_adds(out, n->version);
	else if (strncmp(field, "{abi}", len) == 0)
		buf_adds(out, abi);
	else if (strncmp(field, "{platform}", len) == 0)
		buf_adds(out, n->platform);
	else
		buf_adds(out, n->arch);
}

void
name_file(const struct name *n, struct buf *out)
{
	const char *template = layouts[n->layout].file;

	for (; *template != '\0'; template += piece(template)) {
		if (*template == '{')
			print_field(template, piece(template), n, out);
		else
			buf_add(out, template, piece(template));
	}
}

void
name_path(const struct name *n, struct buf *out)
{
	buf_addf(out, "/prebuilds/%s/v%s/", n->package, n->version);
	name_file(n, out);
}

void
name_addon_path(enum name_layout layout, const char *addon_file, struct buf *out)
{
	buf_adds(out, layouts[layout].addon_dir);
	buf_adds(out, addon_file);
}

const char *
name_layout_text(enum name_layout layout)
{
	return layouts[layout].text;
}
