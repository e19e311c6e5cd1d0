#include "builder/model/name.h"

#include <stdio.h>
#include <string.h>

#include "builder/base/mem.h"

#define PART_CHARS    "abcdefghijklmnopqrstuvwxyz0123456789"
#define MUSL_PLATFORM "linuxmusl"

/* The layouts. Fields: {name} is the package without its scope and {file} its name in a file name,
 * {module} what binding.gyp calls the addon,
 * {platform} has the C library in it as prebuild-install spells it, {os} has not, {libc} is
 * node-pre-gyp's word for it, {addon} the addon's file name. The rows that are tried first are the
 * stricter ones. */
static const struct {
	const char *text;
	const char *file;
	const char *addon; /* its path in the tarball; NULL: no tarball */
} layouts[] = {
	[NAME_PREBUILD_INSTALL] = {"prebuild-install",
				   "{name}-v{version}-{abi}-{platform}-{arch}.tar.gz",
				   "build/Release/{addon}"},
	/* tar.x strips the first folder; the client's own tarballs have module_path's last part. */
	[NAME_PRE_GYP_LIBC] = {"node-pre-gyp", "{abi}-{os}-{libc}-{arch}.tar.gz",
			       "{abi}-{os}-{libc}-{arch}/{addon}"},
	[NAME_PRE_GYP] = {"node-pre-gyp-0.11", "{abi}-{os}-{arch}.tar.gz",
			  "{abi}-{os}-{arch}/{addon}"},
	[NAME_MODULE_ARCH_LIBC] = {"node-pre-gyp-module-arch-libc",
				   "{module}-v{version}-{abi}-{os}-{arch}-{libc}.tar.gz",
				   "{module}/{addon}"},
	[NAME_MODULE_LIBC_ARCH] = {"node-pre-gyp-module-libc-arch",
				   "{module}-v{version}-{abi}-{os}-{libc}-{arch}.tar.gz",
				   "{module}/{addon}"},
	[NAME_MODULE] = {"node-pre-gyp-module", "{module}-v{version}-{abi}-{os}-{arch}.tar.gz",
			 "{module}/{addon}"},
	[NAME_PREBUILDIFY] = {"prebuildify",
			      "{name}-v{version}-{abi}-{platform}-{arch}.prebuildify.tar.gz",
			      "prebuilds/{os}-{arch}/{file}.{tag}"},
	[NAME_IN_PACKAGE] = {"in-package",
			     "{name}-v{version}-{abi}-{platform}-{arch}.in-package.tar.gz",
			     "prebuilds/{platform}-{arch}.node"},
	[NAME_RAW] = {"raw", "{name}-v{version}-{abi}-{platform}-{arch}.node", NULL},
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

/* Packages whose clients ask by the module's name, binding.gyp's target: without this, any word could
 * stand in front of a version. */
static const struct {
	const char *package, *module;
} modules[] = {
	{"argon2", "argon2"},
	{"bcrypt", "bcrypt_lib"},
	{"canvas", "canvas"},
	{"grpc", "grpc_node"},
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

/* Two parts, "napi-v6"; node-pre-gyp's Electron versions have a third number. */
static bool
take_abi(const char **s, struct name *n)
{
	char text[ABI_TEXT_SIZE];
	size_t len = strspn(*s, PART_CHARS), digits;

	if ((*s)[len] == '-')
		len += 1 + strspn(*s + len + 1, PART_CHARS);
	if (len >= sizeof text)
		return false;
	memcpy(text, *s, len);
	text[len] = '\0';
	*s += len;
	if (abi_parse(text, &n->abi) != 0)
		return false;
	n->abi_minor[0] = '\0';
	digits = **s == '.' ? strspn(*s + 1, "0123456789") : 0;
	if (n->abi.kind == ABI_ELECTRON && n->layout != NAME_PREBUILD_INSTALL && digits > 0 &&
	    digits + 1 < sizeof n->abi_minor) {
		memcpy(n->abi_minor, *s, digits + 1);
		n->abi_minor[digits + 1] = '\0';
		*s += digits + 1;
	}
	return true;
}

static const char *
libc_word(const struct name *n)
{
	if (strcmp(n->platform, MUSL_PLATFORM) == 0)
		return "musl";
	return strcmp(n->platform, "linux") == 0 ? "glibc" : "unknown";
}

/* The platform without its C library. */
static const char *
os_word(const struct name *n)
{
	return strcmp(n->platform, MUSL_PLATFORM) == 0 ? "linux" : n->platform;
}

static bool
take_libc(const char **s, struct name *n)
{
	char text[sizeof n->platform];

	if (!take_part(s, text, sizeof text))
		return false;
	if (strcmp(text, "musl") == 0 && strcmp(n->platform, "linux") == 0)
		strcpy(n->platform, MUSL_PLATFORM);
	return strcmp(text, libc_word(n)) == 0;
}

/* The module's name of a package that has one. */
static const char *
module_of(const char *package)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (strcmp(modules[i].package, package) == 0)
			return modules[i].module;
	return NULL;
}

static bool
take_module(const char **s, const struct name *n)
{
	const char *module = module_of(n->package);

	return module != NULL && take_text(s, module, strlen(module));
}

static bool
is_field(const char *field, size_t len, const char *name)
{
	return strlen(name) == len && strncmp(field, name, len) == 0;
}

static bool
take_field(const char **s, const char *field, size_t len, struct name *n)
{
	const char *base = package_base(n->package);

	if (is_field(field, len, "{name}"))
		return take_text(s, base, strlen(base));
	if (is_field(field, len, "{module}"))
		return take_module(s, n);
	if (is_field(field, len, "{version}"))
		return take_text(s, n->version, strlen(n->version));
	if (is_field(field, len, "{abi}"))
		return take_abi(s, n);
	if (is_field(field, len, "{platform}"))
		return take_part(s, n->platform, sizeof n->platform);
	if (is_field(field, len, "{os}"))
		return take_part(s, n->platform, sizeof n->platform) &&
		       strcmp(n->platform, MUSL_PLATFORM) != 0;
	if (is_field(field, len, "{libc}"))
		return take_libc(s, n);
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

static bool
has_module(enum name_layout layout)
{
	return strstr(layouts[layout].file, "{module}") != NULL;
}

bool
name_of(enum name_layout layout, const char *package, const char *version, struct abi abi,
	const struct target *target, struct name *out)
{
	const char *module = module_of(package);

	*out = (struct name){.layout = layout, .abi = abi, .target = target};
	snprintf(out->package, sizeof out->package, "%s", package);
	snprintf(out->version, sizeof out->version, "%s", version);
	snprintf(out->platform, sizeof out->platform, "%s", target->node_platform);
	snprintf(out->arch, sizeof out->arch, "%s", target->node_arch);
	if (has_module(layout) && module == NULL)
		return false;
	if (layout == NAME_MODULE && strcmp(module, package_base(package)) == 0)
		return false;
	return (layout != NAME_PRE_GYP && layout != NAME_MODULE) || target->libc != LIBC_MUSL;
}

/* prebuildify's name of the package: a scope's slash is a plus. */
static void
print_file_name(const char *package, struct buf *out)
{
	for (const char *c = package; *c != '\0'; c++)
		buf_adds(out, (char[]){(char)(*c == '/' ? '+' : *c), '\0'});
}

/* node-gyp-build's tags: the ABI, and the C library where there are two. */
static void
print_tags(const struct name *n, struct buf *out)
{
	if (n->abi.kind == ABI_NAPI)
		buf_adds(out, "napi");
	else
		buf_addf(out, "%s.abi%u", n->abi.kind == ABI_NODE ? "node" : "electron",
			 n->abi.version);
	if (strcmp(os_word(n), "linux") == 0)
		buf_addf(out, ".%s", libc_word(n));
	buf_adds(out, ".node");
}

static void
print_field(const char *field, size_t len, const struct name *n, const char *addon, struct buf *out)
{
	char abi[ABI_TEXT_SIZE];

	abi_text(n->abi, abi);
	if (is_field(field, len, "{name}"))
		buf_adds(out, package_base(n->package));
	else if (is_field(field, len, "{module}"))
		buf_adds(out, module_of(n->package));
	else if (is_field(field, len, "{version}"))
		buf_adds(out, n->version);
	else if (is_field(field, len, "{abi}"))
		buf_addf(out, "%s%s", abi, n->abi_minor);
	else if (is_field(field, len, "{platform}"))
		buf_adds(out, n->platform);
	else if (is_field(field, len, "{os}"))
		buf_adds(out, os_word(n));
	else if (is_field(field, len, "{libc}"))
		buf_adds(out, libc_word(n));
	else if (is_field(field, len, "{addon}"))
		buf_adds(out, addon);
	else if (is_field(field, len, "{file}"))
		print_file_name(n->package, out);
	else if (is_field(field, len, "{tag}"))
		print_tags(n, out);
	else
		buf_adds(out, n->arch);
}

static void
print(const char *template, const struct name *n, const char *addon, struct buf *out)
{
	for (; *template != '\0'; template += piece(template)) {
		if (*template == '{')
			print_field(template, piece(template), n, addon, out);
		else
			buf_add(out, template, piece(template));
	}
}

void
name_file(const struct name *n, struct buf *out)
{
	print(layouts[n->layout].file, n, "", out);
}

void
name_path(const struct name *n, struct buf *out)
{
	buf_addf(out, "/prebuilds/%s/v%s/", n->package, n->version);
	name_file(n, out);
}

void
name_comment(const char *file, const char *package, const char *version, const char *sha256,
	     struct buf *out)
{
	buf_addf(out, "file:%s package:%s@%s sha256:%s", file, package, version, sha256);
}

void
name_addon_path(const struct name *n, const char *addon_file, struct buf *out)
{
	print(layouts[n->layout].addon, n, addon_file, out);
}

bool
name_is_raw(enum name_layout layout)
{
	return layouts[layout].addon == NULL;
}

const char *
name_layout_text(enum name_layout layout)
{
	return layouts[layout].text;
}

enum name_layout
name_layout_parse(const char *text)
{
	int i = 0;

	while (i < NAME_LAYOUT_COUNT && strcmp(layouts[i].text, text) != 0)
		i++;
	return (enum name_layout)i;
}
