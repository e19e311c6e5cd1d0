#include "builder/source/registry.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/digest.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/package.h"

#define INTEGRITY_MAX 2048
#define URL_MAX       1024

/* The base may end in slashes; a scope's slash is encoded, as npm does. version: NULL for the
 * package's own document. */
static char *
document_url(const char *registry, const char *package, const char *version)
{
	size_t len = strlen(registry);
	struct buf url = {0};

	while (len > 0 && registry[len - 1] == '/')
		len--;
	buf_add(&url, registry, len);
	buf_adds(&url, "/");
	for (const char *p = package; *p != '\0'; p++) {
		if (*p == '/')
			buf_adds(&url, "%2f");
		else
			buf_add(&url, p, 1);
	}
	if (version != NULL)
		buf_addf(&url, "/%s", version);
	return buf_take(&url);
}

static int
get_document(const char *registry, const char *package, const char *version,
	     const struct fetch_limits *l, struct json **out, struct err *e)
{
	struct fetch_limits limits = *l;
	char *url = document_url(registry, package, version);
	struct buf text = {0};
	struct err why = {0};
	int r;

	limits.bytes = REGISTRY_DOCUMENT_MAX;
	/* The full documents: the abbreviated ones do not say when a version came out, nor what its
	 * scripts are. */
	r = fetch_buf(url, "application/json", &limits, &text, &why);
	if (r == ERR_NOT_FOUND) {
		err_set(e, r, "the registry has no package %s", package);
		goto out;
	}
	if (r != 0) {
		err_set(e, r, "%s", why.msg);
		goto out;
	}
	*out = json_parse(text.data != NULL ? text.data : "", text.len, &why);
	if (*out == NULL)
		r = err_set(e, ERR_MALFORMED, "the registry's document is no good: %s", why.msg);
out:
	buf_fini(&text);
	free(url);
	return r;
}

/* The sha512 among the hashes of an SRI string, which are separated by spaces and may have
 * options after a '?'. NULL if there is none. */
static char *
pick_sha512(const char *integrity)
{
	const char *p = integrity;

	if (strlen(integrity) > INTEGRITY_MAX)
		return NULL;
	for (;;) {
		p += strspn(p, " \t\r\n");
		if (*p == '\0')
			return NULL;
		if (strncmp(p, "sha512-", 7) == 0)
			return xstrndup(p, strcspn(p, " \t\r\n?"));
		p += strcspn(p, " \t\r\n");
	}
}

/* RFC 3339 with a full date and time: d is a digit in the pattern. */
static bool
is_time(const char *s)
{
	static const char pattern[] = "dddd-dd-ddTdd:dd:dd", offset[] = "dd:dd";

	for (const char *p = pattern; *p != '\0'; p++, s++)
		if (*p == 'd' ? (*s < '0' || *s > '9') : *s != *p)
			return false;
	if (*s == '.') {
		size_t len = strspn(s + 1, "0123456789");

		if (len == 0 || len > 9)
			return false;
		s += 1 + len;
	}
	if (*s == 'Z')
		return s[1] == '\0';
	if (*s != '+' && *s != '-')
		return false;
	s++;
	for (const char *p = offset; *p != '\0'; p++, s++)
		if (*p == 'd' ? (*s < '0' || *s > '9') : *s != *p)
			return false;
	return *s == '\0';
}

static bool
is_web(const char *url)
{
	return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
}

/* Fills *out from the version's part of a document. On failure *out may be filled in part. */
static int
pick_manifest(const struct json *manifest, const char *package, const char *version,
	      struct registry_version *out, struct err *e)
{
	const struct json *dist = json_get(manifest, "dist");
	const char *tarball = json_str(dist, "tarball", NULL);

	if (strcmp(json_str(manifest, "name", ""), package) != 0 ||
	    strcmp(json_str(manifest, "version", ""), version) != 0)
		return err_set(e, ERR_MALFORMED, "the registry describes another package there");
	if (tarball == NULL || !is_web(tarball))
		return err_set(e, ERR_MALFORMED, "the registry names no http(s) tarball");
	out->integrity = pick_sha512(json_str(dist, "integrity", ""));
	if (out->integrity == NULL)
		return err_set(e, ERR_UNSUPPORTED,
			       "the registry has no SHA-512 of this version; with less its "
			       "tarball cannot be trusted");
	out->tarball = xstrdup(tarball);
	out->manifest = json_text(manifest);
	return 0;
}

static int
pick_version(const struct json *doc, const char *package, const char *version,
	     struct registry_version *out, struct err *e)
{
	const struct json *manifest = json_get(json_get(doc, "versions"), version);
	const char *published = json_str(json_get(doc, "time"), version, NULL);

	if (!json_is_object(doc))
		return err_set(e, ERR_MALFORMED, "the registry's document is not an object");
	if (manifest == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s has no version %s", package, version);
	out->published = published != NULL && is_time(published) ? xstrdup(published) : NULL;
	return pick_manifest(manifest, package, version, out, e);
}

int
registry_version_get(const char *registry, const char *package, const char *version,
		     const struct fetch_limits *l, struct registry_version *out, struct err *e)
{
	struct json *doc = NULL;
	int r;

	*out = (struct registry_version){0};
	if (!package_name_valid(package) || !package_version_valid(version))
		return err_set(e, ERR_INVALID, "not the name and version of a package");
	r = get_document(registry, package, NULL, l, &doc, e);
	if (r == 0)
		r = pick_version(doc, package, version, out, e);
	json_free(doc);
	if (r != 0) {
		registry_version_fini(out);
		err_context(e, "%s@%s", package, version);
	}
	return r;
}

int
registry_manifest_get(const char *registry, const char *package, const char *version,
		      const struct fetch_limits *l, struct registry_version *out, struct err *e)
{
	struct json *doc = NULL;
	struct err why = {0};
	int r;

	*out = (struct registry_version){0};
	if (!package_name_valid(package) || !package_version_valid(version))
		return err_set(e, ERR_INVALID, "not the name and version of a package");
	r = get_document(registry, package, version, l, &doc, &why);
	if (r == 0)
		r = pick_manifest(doc, package, version, out, &why);
	json_free(doc);
	/* Nothing is in `out` unless it was picked. */
	if (r == 0)
		return 0;
	/* Whatever such a registry answers there; what the package's document says counts then. */
	if (r != ERR_CANCELLED && r != ERR_UNSUPPORTED)
		return registry_version_get(registry, package, version, l, out, e);
	return err_set(e, r, "%s@%s: %s", package, version, why.msg);
}

void
registry_version_fini(struct registry_version *v)
{
	free(v->tarball);
	free(v->integrity);
	free(v->published);
	free(v->manifest);
	*v = (struct registry_version){0};
}

int
registry_tarball(const struct registry_version *v, const struct fetch_limits *l, const char *path,
		 char **host, struct err *e)
{
	struct fetch_limits limits = *l;
	int r;

	if (limits.bytes == 0)
		limits.bytes = REGISTRY_TARBALL_MAX;
	r = fetch_file(v->tarball, &limits, path, host, e);
	if (r != 0)
		return r;
	r = digest_check_integrity(path, v->integrity, e);
	if (r != 0)
		unlink(path);
	return r;
}

char *
registry_configured(void)
{
	FILE *p = popen("npm config get registry --loglevel=silent 2>/dev/null", "r");
	char line[URL_MAX] = "";

	if (p != NULL) {
		if (fgets(line, sizeof line, p) == NULL)
			line[0] = '\0';
		pclose(p);
	}
	line[strcspn(line, "\r\n")] = '\0';
	return is_web(line) ? xstrdup(line) : NULL;
}
