/*
 * dist.c - Node's headers as nodejs.org serves them, for node-gyp behind a closed network:
 *
 *   GET /dist/index.json                            the versions that are here
 *   GET /dist/v{version}/SHASUMS256.txt
 *   GET /dist/v{version}/node-v{version}-headers.tar.gz
 *
 * They are those of the toolchains that lie on this machine, packed at the first request for a
 * version and kept in DATA/cache/dist. node-gyp asks for exactly the version that runs it.
 * Source: node-gyp 12, lib/install.js and lib/process-release.js.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "builder/base/digest.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/package.h"
#include "builder/pack/pack.h"

#define HEADER_MAX (1u << 20)

enum kind { INDEX, SUMS, HEADERS };

struct asking {
	uv_work_t work;
	struct service *service;
	struct http_request *request;
	enum kind kind;
	char version[PACKAGE_VERSION_MAX + 1];
	struct json *index;
	char *include; /* the version's folder of headers */
	int fd;
	uint64_t size;
	char hex[DIGEST_HEX_SIZE];
	struct err e;
};

static unsigned
defined(const char *text, const char *name)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof line, "#define %s ", name);
	at = strstr(text, line);
	return at != NULL ? (unsigned)strtoul(at + strlen(line), NULL, 10) : 0;
}

/* One Node of a toolchain: into the index, and its folder if it is the wanted version. */
static void
look_at(struct asking *a, const char *include)
{
	char *path = xasprintf("%s/node/node_version.h", include), version[64];
	struct buf text = {0};

	if (file_read(path, HEADER_MAX, &text, NULL) == 0 && text.data != NULL) {
		struct json *entry = json_object();
		char *name, abi[16];

		snprintf(version, sizeof version, "%u.%u.%u",
			 defined(text.data, "NODE_MAJOR_VERSION"),
			 defined(text.data, "NODE_MINOR_VERSION"),
			 defined(text.data, "NODE_PATCH_VERSION"));
		snprintf(abi, sizeof abi, "%u", defined(text.data, "NODE_MODULE_VERSION"));
		name = xasprintf("v%s", version);
		json_set_str(entry, "version", name);
		json_set_str(entry, "modules", abi);
		json_add(a->index, entry);
		free(name);
		if (strcmp(version, a->version) == 0 && a->include == NULL)
			a->include = xstrdup(include);
	}
	buf_fini(&text);
	free(path);
}

static void
look_below(struct asking *a, const char *component)
{
	char *abis = xasprintf("%s/abi", component);
	struct dirent **entries = NULL;
	int n = scandir(abis, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			char *include = xasprintf("%s/%s/include", abis, entries[i]->d_name);

			look_at(a, include);
			free(include);
		}
		free(entries[i]);
	}
	free(entries);
	free(abis);
}

/* The component that the toolchains on this machine name; they may be of several generations. */
static void
look(struct asking *a)
{
	char *folder = xasprintf("%s/components", a->service->toolchains_dir);
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, NULL, alphasort);

	a->index = json_array();
	for (int i = 0; i < n; i++) {
		if (strncmp(entries[i]->d_name, "node-", 5) == 0) {
			char *component = xasprintf("%s/%s", folder, entries[i]->d_name);

			look_below(a, component);
			free(component);
		}
		free(entries[i]);
	}
	free(entries);
	free(folder);
}

/* Packed into a name of its own first: two requests may do so at the same time. */
static void
open_packed(struct asking *a)
{
	char *dir = xasprintf("%s/cache/dist", a->service->data_dir);
	char *path = xasprintf("%s/node-v%s-headers.tar.gz", dir, a->version);
	char *prefix = xasprintf("node-v%s/include", a->version);
	char *temp = xasprintf("%s.%p", path, (void *)a);
	struct digest d;
	struct stat st;

	if (!file_exists(path) && file_mkdirs(dir, 0755, &a->e) == 0) {
		unlink(temp);
		if (pack_tree(a->include, prefix, temp, &a->e) == 0 && rename(temp, path) != 0)
			err_sys(&a->e, -errno, "rename %s", temp);
		unlink(temp);
	}
	if (a->e.code == 0 && digest_path(path, &d, &a->e) == 0) {
		digest_hex(&d, a->hex);
		a->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (a->fd < 0 || fstat(a->fd, &st) != 0)
			err_sys(&a->e, -errno, "open %s", path);
		else
			a->size = (uint64_t)st.st_size;
	}
	free(temp);
	free(prefix);
	free(path);
	free(dir);
}

static void
on_pool(uv_work_t *work)
{
	struct asking *a = work->data;

	look(a);
	if (a->kind != INDEX && a->include != NULL)
		open_packed(a);
}

static void
reply_unknown(struct asking *a)
{
	struct buf have = {0};

	json_foreach (entry, a->index)
		buf_addf(&have, " %s", json_str(entry, "version", "?"));
	reply_problem(a->request, 404, "not-found", NULL,
		      "the headers of Node v%s are not here; there are:%.300s (a version is a line "
		      "in toolchains/components/node.conf)",
		      a->version, have.len > 0 ? have.data : " none");
	buf_fini(&have);
}

static void
on_looked(uv_work_t *work, int status)
{
	struct asking *a = work->data;

	(void)status;
	if (a->e.code != 0) {
		reply_err(a->request, &a->e);
	} else if (a->kind == INDEX) {
		reply_json(a->request, 200, a->index);
		a->index = NULL;
	} else if (a->include == NULL) {
		reply_unknown(a);
	} else if (a->kind == SUMS) {
		char *line = xasprintf("%s  node-v%s-headers.tar.gz\n", a->hex, a->version);

		reply_text(a->request, 200, "text/plain; charset=utf-8", line, strlen(line));
		free(line);
	} else {
		reply_file(a->request, &(struct reply_file){.fd = a->fd,
							    .size = a->size,
							    .type = "application/gzip",
							    .etag = a->hex});
		a->fd = -1;
	}
	if (a->fd >= 0)
		close(a->fd);
	json_free(a->index);
	free(a->include);
	free(a);
}

/* "v20.20.2" */
static bool
read_version(struct asking *a, const char *text)
{
	if (text[0] != 'v' || !package_version_valid(text + 1))
		return false;
	snprintf(a->version, sizeof a->version, "%s", text + 1);
	return true;
}

static void
begin(struct http_request *r, struct service *s, enum kind kind)
{
	struct asking *a = xcalloc(1, sizeof *a);

	*a = (struct asking){.service = s, .request = r, .kind = kind, .fd = -1};
	a->work.data = a;
	if (kind != INDEX && !read_version(a, http_param(r, "version"))) {
		reply_problem(r, 404, "not-found", NULL, "versions look like v20.20.2");
		free(a);
		return;
	}
	uv_queue_work(s->loop, &a->work, on_pool, on_looked);
}

void
route_dist_index(struct http_request *r, void *data)
{
	begin(r, data, INDEX);
}

void
route_dist_file(struct http_request *r, void *data)
{
	const char *file = http_param(r, "file"), *version = http_param(r, "version");
	char *headers = xasprintf("node-%s-headers.tar.gz", version);

	if (strcmp(file, "SHASUMS256.txt") == 0)
		begin(r, data, SUMS);
	else if (strcmp(file, headers) == 0)
		begin(r, data, HEADERS);
	else
		reply_problem(r, 404, "not-found", NULL,
			      "of each version there are SHASUMS256.txt and %.100s", headers);
	free(headers);
}
