/*
 * prebuilds.c - the mirror for install hooks: /prebuilds/{package}/v{version}/{file}, and the same
 * path + ".sha256", ".minisig", ".report.json" or ".provenance.json".
 *
 * A published file is one readlink and one open, on the loop thread (content.h: unless it is elsewhere). What is
 * valid but not there is misses.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/catalog/artifacts.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/publish/publish.h"
#include "api/routes/content.h"
#include "api/routes/misses.h"
#include "api/routes/service.h"
#include "api/store/store.h"
#include "builder/base/mem.h"
#include "builder/model/name.h"

static void
reply_checksum(struct http_request *r, const struct name *name, const char *hex)
{
	struct buf line = {0};

	buf_addf(&line, "%s  ", hex);
	name_file(name, &line);
	buf_adds(&line, "\n");
	reply_text(r, 200, "text/plain; charset=utf-8", line.data, line.len);
	buf_fini(&line);
}

void
prebuild_reply(struct service *s, struct http_request *r, const struct name *name,
	       enum prebuild_kind kind, const char *hex)
{
	char digest[sizeof "sha256:" + DIGEST_HEX_SIZE];

	if (kind == PREBUILD_SIGNATURE) {
		content_reply(s, r, hex, "text/plain; charset=utf-8");
		return;
	}
	if (kind == PREBUILD_PROVENANCE) {
		content_reply(s, r, hex, "application/json");
		return;
	}
	snprintf(digest, sizeof digest, "sha256:%s", hex);
	reply_header(r, "X-Prebuild-Digest", digest);
	if (kind == PREBUILD_SHA256)
		reply_checksum(r, name, hex);
	else
		content_reply(s, r, hex,
			      name_is_raw(name->layout) ? "application/octet-stream"
							: "application/gzip");
}

static int
report_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	const struct name *name = arg;
	char abi[ABI_TEXT_SIZE];
	const struct artifact_want want = {name->package, name->version, abi, name->target->triple};

	abi_text(name->abi, abi);
	return artifacts_want_report(db, &want, out, e);
}

/* node-pre-gyp up to 0.11 puts the module's folder behind the mirror that was set for one package:
 * "sqlite3/sqlite3/v5.0.2/…". Returns the slash before the version. */
static const char *
skip_repeated(const char *path, const char *slash)
{
	size_t len = (size_t)(slash - path);

	return strncmp(slash + 1, path, len) == 0 && slash[1 + len] == '/' ? slash + 1 + len
									   : slash;
}

bool
prebuild_split(const char *path, char package[PACKAGE_NAME_MAX + 1],
	       char version[PACKAGE_VERSION_MAX + 1], const char **file)
{
	const char *slash = strchr(path, '/'), *name_end, *end;

	if (slash != NULL && path[0] == '@')
		slash = strchr(slash + 1, '/');
	if (slash == NULL || (size_t)(slash - path) > PACKAGE_NAME_MAX)
		return false;
	name_end = slash;
	slash = skip_repeated(path, slash);
	if (slash[1] != 'v')
		return false;
	end = strchr(slash + 2, '/');
	if (end == NULL || (size_t)(end - slash - 2) > PACKAGE_VERSION_MAX ||
	    strchr(end + 1, '/') != NULL)
		return false;
	snprintf(package, PACKAGE_NAME_MAX + 1, "%.*s", (int)(name_end - path), path);
	snprintf(version, PACKAGE_VERSION_MAX + 1, "%.*s", (int)(end - slash - 2), slash + 2);
	*file = end + 1;
	return package_name_valid(package) && package_version_valid(version);
}

static const struct {
	const char *suffix;
	enum prebuild_kind kind;
} suffixes[] = {
	{".sha256", PREBUILD_SHA256},
	{".report.json", PREBUILD_REPORT},
	{PUBLISH_SIGNATURE, PREBUILD_SIGNATURE},
	{PUBLISH_PROVENANCE, PREBUILD_PROVENANCE},
};

static enum prebuild_kind
take_suffix(char *file)
{
	size_t n = strlen(file);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t m = strlen(suffixes[i].suffix);

		if (n > m && strcmp(file + n - m, suffixes[i].suffix) == 0) {
			file[n - m] = '\0';
			return suffixes[i].kind;
		}
	}
	return PREBUILD_FILE;
}

static void
problem(struct http_request *r, const char *code, const char *detail)
{
	reply_header(r, "X-Prebuild-Reason", code);
	reply_problem(r, 404, code, NULL, "%s", detail);
}

/* Serves it if it is published. False if it is not; *path then is that of what was asked for. */
static bool
serve(struct service *s, struct http_request *r, const struct name *name, enum prebuild_kind kind,
      struct buf *path)
{
	bool document = kind == PREBUILD_SIGNATURE || kind == PREBUILD_PROVENANCE;
	char hex[DIGEST_HEX_SIZE];
	bool published;

	name_path(name, path);
	published = store_resolve(s->store, path->data, hex, NULL) == 0;
	if (published && !document)
		prebuild_reply(s, r, name, kind, hex);
	if (!document)
		return published;
	buf_adds(path, kind == PREBUILD_SIGNATURE ? PUBLISH_SIGNATURE : PUBLISH_PROVENANCE);
	if (store_resolve(s->store, path->data, hex, NULL) == 0)
		prebuild_reply(s, r, name, kind, hex);
	else if (published)
		problem(r, "not-signed", "it was published by a prebuildd that did not sign yet");
	else
		return false;
	return true;
}

bool
prebuild_is_here(const struct service *s, const struct http_request *r)
{
	char package[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1], hex[DIGEST_HEX_SIZE];
	enum prebuild_kind kind;
	struct buf path = {0};
	const char *asked;
	struct name name;
	bool here = false;
	char *file;

	if (!prebuild_split(http_param(r, "path"), package, version, &asked))
		return false;
	file = xstrdup(asked);
	kind = take_suffix(file);
	if (kind != PREBUILD_REPORT && name_parse(package, version, file, &name) == 0 &&
	    name.target != NULL) {
		name_path(&name, &path);
		if (kind == PREBUILD_SIGNATURE)
			buf_adds(&path, PUBLISH_SIGNATURE);
		else if (kind == PREBUILD_PROVENANCE)
			buf_adds(&path, PUBLISH_PROVENANCE);
		here = store_resolve(s->store, path.data, hex, NULL) == 0;
	}
	buf_fini(&path);
	free(file);
	return here;
}

void
route_prebuild(struct http_request *r, void *data)
{
	struct service *s = data;
	char package[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1];
	struct name *name = xcalloc(1, sizeof *name);
	enum prebuild_kind kind = PREBUILD_FILE;
	struct buf path = {0};
	const char *asked;
	char *file = NULL;

	if (!prebuild_split(http_param(r, "path"), package, version, &asked)) {
		problem(r, "not-found", "prebuilds are at /prebuilds/{package}/v{version}/{file}");
		goto out;
	}
	file = xstrdup(asked);
	kind = take_suffix(file);
	if (name_parse(package, version, file, name) != 0) {
		problem(r, "unknown-name", "no install client asks for a file of this name");
		goto out;
	}
	if (name->target == NULL) {
		problem(r, "unsupported-target",
			"that platform and architecture is no target here");
		goto out;
	}
	if (kind == PREBUILD_REPORT) {
		service_reply_query(s, r, report_query, name);
		name = NULL;
		goto out;
	}
	if (serve(s, r, name, kind, &path))
		goto out;
	/* In a process beside the first (front.h), which has looked before: it has gone since. */
	if (s->catalog == NULL)
		reply_problem(r, 503, "busy", NULL, "this was just removed; try again");
	else
		miss_begin(s, r, name, kind, path.data);
out:
	buf_fini(&path);
	free(file);
	free(name);
}
