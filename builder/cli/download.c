#include "builder/cli/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "builder/cli/signed.h"
#include "builder/remote/remote.h"

#define TEXT_MAX (64u << 10)

static int
on_text(const void *data, size_t len, void *arg)
{
	struct buf *text = arg;

	if (text->len + len > TEXT_MAX)
		return ERR_LIMIT;
	buf_add(text, data, len);
	return 0;
}

static int
get_text(const struct remote *r, const char *path, const char *suffix, struct buf *out,
	 struct err *e)
{
	char *whole = xasprintf("%s%s", path, suffix);

	if (remote_stream(r, whole, on_text, out, e) != 0)
		err_context(e, "%s", whole);
	buf_add(out, "", 0);
	free(whole);
	return e->code;
}

int
download_key(const struct remote *r, const char *given, struct minisign_key *key, struct err *e)
{
	struct buf text = {0};
	char id[MINISIGN_ID_HEX];

	if (given != NULL)
		return minisign_key_open(given, key, e);
	if (get_text(r, "/v1/key", "", &text, e) == 0 &&
	    minisign_key_parse(text.data != NULL ? text.data : "", key, e) == 0) {
		minisign_id_text(key->id, id);
		fprintf(stderr,
			"prebuildctl: the signing key %s is what the service says; to rely on it, "
			"keep it and give it with --key\n",
			id);
	}
	buf_fini(&text);
	return e->code;
}

/* The signature must be that of this file under this name. */
static int
check_signature(const struct remote *r, const struct name *n, const char *path, int fd,
		const struct digest *digest, const struct minisign_key *key, struct err *e)
{
	struct buf text = {0};
	struct minisign s;

	if (get_text(r, path, ".minisig", &text, e) == 0 &&
	    signed_check_text(fd, path, text.data != NULL ? text.data : "", text.len, key, &s, e) ==
		    0)
		signed_check_name(&s, strrchr(path, '/') + 1, n, digest, e);
	buf_fini(&text);
	return e->code;
}

int
download_documents(const struct remote *r, const char *path, const char *file, struct err *e)
{
	static const char *const suffixes[] = {".minisig", ".provenance.json"};

	for (size_t i = 0; e->code == 0 && i < ARRAY_SIZE(suffixes); i++) {
		char *from = xasprintf("%s%s", path, suffixes[i]);
		char *to = xasprintf("%s%s", file, suffixes[i]);

		remote_save(r, from, to, NULL, e);
		free(from);
		free(to);
	}
	return e->code;
}

/* Are the bytes that came those that the service promised, and signed under that name? */
static int
check_file(const struct remote *r, const struct name *n, const char *path, const char *file,
	   const char *promised, const struct minisign_key *key, struct err *e)
{
	struct digest want, have;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, -errno, "open %s", file);
	if (digest_parse(promised, &want) != 0)
		err_set(e, ERR_DIGEST, "the server named no digest for %s", path);
	else if (digest_path(file, &have, e) == 0 && !digest_equal(&want, &have))
		err_set(e, ERR_DIGEST,
			"%s came with other bytes than its digest says; nothing was kept", path);
	else if (e->code == 0)
		check_signature(r, n, path, fd, &have, key, e);
	close(fd);
	return e->code;
}

int
download_file(const struct remote *r, const struct name *n, const char *path, const char *file,
	      const struct minisign_key *key, struct err *e)
{
	char *temp = xasprintf("%s.unverified", file), promised[80] = "";

	if (remote_save(r, path, temp, promised, e) == 0) {
		if (check_file(r, n, path, temp, promised, key, e) == 0 && rename(temp, file) != 0)
			err_sys(e, -errno, "rename to %s", file);
		if (e->code != 0)
			unlink(temp);
	}
	free(temp);
	return e->code;
}
