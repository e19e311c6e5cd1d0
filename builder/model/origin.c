#include "builder/model/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

#define DIGITS      "0123456789"
#define HEX         DIGITS "abcdef"
#define LETTERS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define PIN_SHOWN   12 /* digits of a pin in a version */
#define UPLOAD_HINT "upload the source instead: prebuildctl build --source DIR"

static bool
is_host(const char *s, size_t len)
{
	size_t name =
		s[0] == '[' ? strspn(s + 1, HEX "ABCDEF:.") + 2 : strspn(s, LETTERS DIGITS ".-");
	size_t port;

	if (s[0] == '[' ? name < 3 || s[name - 1] != ']' : name == 0 || s[0] == '-' || s[0] == '.')
		return false;
	if (name == len)
		return true;
	port = name < len && s[name] == ':' ? strspn(s + name + 1, DIGITS) : 0;
	return port > 0 && port <= 5 && name + 1 + port == len;
}

static int
check_path(const char *path, struct err *e)
{
	if (path[0] != '/' || path[1] == '\0')
		return err_set(e, ERR_INVALID, "git.url: it names no repository");
	if (strspn(path, LETTERS DIGITS "/._~%+@:,=&!$;()*-") != strlen(path))
		return err_set(e, ERR_INVALID,
			       "git.url: a character that does not belong into the address of a "
			       "repository");
	for (const char *p = path; *p != '\0';) {
		size_t len = strcspn(p + 1, "/");

		if ((len == 1 && p[1] == '.') || (len == 2 && p[1] == '.' && p[2] == '.'))
			return err_set(e, ERR_INVALID, "git.url: \".\" and \"..\" lead elsewhere");
		p += 1 + len;
	}
	return 0;
}

static int
check_url(const char *url, struct err *e)
{
	const char *host;
	size_t len;

	if (strlen(url) > ORIGIN_URL_MAX)
		return err_set(e, ERR_INVALID, "git.url: longer than %d bytes", ORIGIN_URL_MAX);
	if (strncmp(url, "https://", 8) == 0)
		host = url + 8;
	else if (strncmp(url, "http://", 7) == 0)
		host = url + 7;
	else
		return err_set(
			e, ERR_UNSUPPORTED,
			"git.url: only https:// and http:// are fetched, not ssh, git or a "
			"local path: a worker has neither keys nor your files; " UPLOAD_HINT);
	len = strcspn(host, "/");
	if (memchr(host, '@', len) != NULL)
		return err_set(e, ERR_UNSUPPORTED,
			       "git.url: a user or a password in it would end up in logs; for a "
			       "private repository, " UPLOAD_HINT);
	if (!is_host(host, len))
		return err_set(e, ERR_INVALID, "git.url: it names no host");
	return check_path(host + len, e);
}

/* What git allows, and fewer characters: it is part of a refspec, of messages and of addresses. */
static int
check_ref(const char *ref, struct err *e)
{
	size_t len = strlen(ref);

	if (len == 0 || len > ORIGIN_REF_MAX || strspn(ref, LETTERS DIGITS "._/+@-") != len ||
	    strchr("-/.", ref[0]) != NULL || ref[len - 1] == '/' || ref[len - 1] == '.' ||
	    strstr(ref, "..") != NULL || strstr(ref, "//") != NULL || strstr(ref, "/.") != NULL)
		return err_set(e, ERR_INVALID,
			       "git.ref: a branch, a tag or a whole commit is needed");
	return 0;
}

int
origin_git(const char *url, const char *ref, struct origin *out, struct err *e)
{
	int r;

	*out = (struct origin){.kind = ORIGIN_GIT};
	if (strncmp(url, "git+", 4) == 0)
		url += 4;
	if (ref == NULL || ref[0] == '\0')
		ref = "HEAD";
	r = check_url(url, e);
	if (r == 0)
		r = check_ref(ref, e);
	if (r != 0)
		return r;
	strcpy(out->url, url);
	strcpy(out->ref, ref);
	return 0;
}

int
origin_upload(const char *digest, struct origin *out, struct err *e)
{
	struct digest d;

	*out = (struct origin){.kind = ORIGIN_UPLOAD};
	if (strncmp(digest, "sha256:", 7) != 0 || digest_parse(digest, &d) != 0)
		return err_set(e, ERR_INVALID,
			       "source: \"sha256:…\" is needed, as PUT /v1/sources answers it");
	digest_hex(&d, out->digest);
	return 0;
}

char *
origin_text(const struct origin *o)
{
	switch (o->kind) {
	case ORIGIN_GIT:
		return xasprintf("git+%s#%s", o->url, o->ref);
	case ORIGIN_UPLOAD:
		return xasprintf("sha256:%s", o->digest);
	default:
		return xstrdup("");
	}
}

int
origin_parse(const char *text, struct origin *out, struct err *e)
{
	const char *hash = strchr(text, '#');
	char url[4 + ORIGIN_URL_MAX + 1];

	*out = (struct origin){.kind = ORIGIN_REGISTRY};
	if (text[0] == '\0')
		return 0;
	if (strncmp(text, "git+", 4) != 0)
		return origin_upload(text, out, e);
	if (hash == NULL || (size_t)(hash - text) >= sizeof url)
		return err_set(e, ERR_INVALID, "git: an URL and a ref are needed");
	snprintf(url, sizeof url, "%.*s", (int)(hash - text), text);
	return origin_git(url, hash + 1, out, e);
}

bool
origin_is_commit(const char *ref)
{
	return strlen(ref) == ORIGIN_COMMIT && strspn(ref, HEX) == ORIGIN_COMMIT;
}

bool
origin_pin(const struct origin *o, char pin[ORIGIN_PIN_SIZE])
{
	if (o->kind == ORIGIN_UPLOAD)
		snprintf(pin, ORIGIN_PIN_SIZE, "src:%s", o->digest);
	else if (o->kind == ORIGIN_GIT && origin_is_commit(o->ref))
		snprintf(pin, ORIGIN_PIN_SIZE, "git:%.*s", ORIGIN_COMMIT, o->ref);
	else
		return false;
	return true;
}

int
origin_version(const char *base, const char *pin, char out[PACKAGE_VERSION_MAX + 1], struct err *e)
{
	char mark = strchr(base, '+') != NULL ? '.' : '+';
	int n = pin == NULL ? snprintf(out, PACKAGE_VERSION_MAX + 1, "%s%cgit", base, mark)
			    : snprintf(out, PACKAGE_VERSION_MAX + 1, "%s%c%.3s.%.*s", base, mark,
				       pin, PIN_SHOWN, pin + 4);

	if (n > PACKAGE_VERSION_MAX || !package_version_valid(out))
		return err_set(e, ERR_INVALID, "\"%.60s\" is no exact version such as 6.0.1", base);
	return 0;
}

/* Where the last identifier "git" or "src" of the build metadata begins, with the mark before it; NULL
 * if there is none. */
static const char *
find_mark(const char *version)
{
	const char *s = strchr(version, '+'), *found = NULL;

	while (s != NULL && *s != '\0') {
		size_t len = strcspn(s + 1, ".");

		if (len == 3 && (strncmp(s + 1, "git", 3) == 0 || strncmp(s + 1, "src", 3) == 0))
			found = s;
		s += 1 + len;
	}
	return found;
}

bool
origin_is_pinned(const char *version)
{
	return find_mark(version) != NULL;
}

void
origin_base(const char *version, char out[PACKAGE_VERSION_MAX + 1])
{
	const char *mark = find_mark(version);
	size_t len = mark != NULL ? (size_t)(mark - version) : strlen(version);

	snprintf(out, PACKAGE_VERSION_MAX + 1, "%.*s", (int)len, version);
}
