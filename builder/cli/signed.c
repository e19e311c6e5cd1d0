#include "builder/cli/signed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/signature/envelope.h"

/* A document beside the file. */
static int
read_beside(const char *file, const char *suffix, size_t limit, struct buf *out, struct err *e)
{
	char *path = xasprintf("%s%s", file, suffix);

	if (!file_exists(path))
		err_set(e, ERR_NOT_FOUND,
			"%s is not there; it is served beside the file (URL%s), and saved by "
			"prebuildctl fetch --documents",
			path, suffix);
	else if (file_read_regular(path, limit, out, e) == 0)
		buf_adds(out, "");
	free(path);
	return e->code;
}

int
signed_check_text(int fd, const char *name, const char *text, size_t len,
		  const struct minisign_key *key, struct minisign *out, struct err *e)
{
	if (minisign_parse(text, len, out, e) != 0 || minisign_verify(out, key, fd, e) != 0)
		err_context(e, "the signature of %s", name);
	return e->code;
}

int
signed_check(const char *file, const struct minisign_key *key, struct minisign *out, struct err *e)
{
	struct buf text = {0};
	int fd = -1;

	if (read_beside(file, ".minisig", MINISIGN_FILE_MAX, &text, e) != 0)
		goto out;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		signed_check_text(fd, file, text.data, text.len, key, out, e);
	else if (errno == ENOENT)
		err_set(e, ERR_NOT_FOUND, "there is no file %s", file);
	else
		err_sys(e, -errno, "open %s", file);
	if (fd >= 0)
		close(fd);
out:
	buf_fini(&text);
	return e->code;
}

int
signed_check_name(const struct minisign *s, const char *file, const struct name *n,
		  const struct digest *digest, struct err *e)
{
	struct buf comment = {0};
	char hex[DIGEST_HEX_SIZE];
	int r = 0;

	digest_hex(digest, hex);
	name_comment(file, n->package, n->version, hex, &comment);
	if (strcmp(s->comment, comment.data) != 0)
		r = err_set(e, ERR_SIGNATURE, "the signature of %s is that of another file: %.200s",
			    file, s->comment);
	buf_fini(&comment);
	return r;
}

int
signed_provenance(const char *file, const struct minisign_key *key, struct json **statement,
		  struct err *e)
{
	struct buf text = {0};
	struct digest d;

	*statement = NULL;
	if (read_beside(file, ".provenance.json", ENVELOPE_MAX, &text, e) == 0 &&
	    digest_path(file, &d, e) == 0 &&
	    envelope_open(text.data, text.len, key, statement, e) == 0 &&
	    !statement_covers(*statement, &d))
		err_set(e, ERR_SIGNATURE, "%s.provenance.json is about other files than %s", file,
			file);
	if (e->code != 0) {
		json_free(*statement);
		*statement = NULL;
	}
	buf_fini(&text);
	return e->code;
}
