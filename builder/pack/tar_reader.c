#include "builder/pack/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/mem.h"
#include "builder/pack/entry_name.h"
#include "builder/pack/inflate.h"

#define TAR_BLOCK 512

/* What an archive may have beside its files' bytes: header, padding and a pax header for each
 * entry, and the zeros at its end. */
#define ENTRY_OVERHEAD 4096
#define END_OVERHEAD   (1024 * 1024)

struct tar_reader {
	struct inflate *input;
	struct archive *tar;
	struct tar_limits limits;
	locale_t plain; /* see next_header */
	struct err input_err;
	uint64_t bytes, entries;
	uint64_t size, given; /* of the current file */
	bool in_file, ended;
};

static uint64_t
stream_limit(const struct tar_limits *l)
{
	uint64_t overhead, sum;

	if (__builtin_mul_overflow(l->entries, (uint64_t)ENTRY_OVERHEAD, &overhead) ||
	    __builtin_add_overflow(overhead, (uint64_t)END_OVERHEAD, &overhead) ||
	    __builtin_add_overflow(l->bytes, overhead, &sum))
		return UINT64_MAX;
	return sum;
}

/* libarchive's read callback: the next plain bytes. */
static la_ssize_t
on_input(struct archive *a, void *ctx, const void **out)
{
	struct tar_reader *t = ctx;
	size_t len;

	if (inflate_read(t->input, out, &len, &t->input_err) != 0) {
		archive_set_error(a, EIO, "no input");
		return ARCHIVE_FATAL;
	}
	return (la_ssize_t)len;
}

static int
failed(const struct tar_reader *t, struct err *e)
{
	const char *why = archive_error_string(t->tar);
	char shown[ENTRY_SHOW_SIZE];

	if (t->input_err.code != 0)
		return err_set(e, t->input_err.code, "%s", t->input_err.msg);
	return err_set(e, ERR_MALFORMED, "not a sound tar archive: %s",
		       entry_name_show(why != NULL ? why : "damaged header", shown));
}

static int
start(struct tar_reader *t, struct err *e)
{
	t->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	t->tar = archive_read_new();
	if (t->tar == NULL || t->plain == (locale_t)0)
		xmalloc_failed();
	if (archive_read_support_format_tar(t->tar) != ARCHIVE_OK ||
	    archive_read_open(t->tar, t, NULL, on_input, NULL) != ARCHIVE_OK)
		return failed(t, e);
	return 0;
}

static int
begin(struct inflate *input, const struct tar_limits *l, struct tar_reader **out, struct err *e)
{
	struct tar_reader *t = xcalloc(1, sizeof *t);
	int r;

	t->input = input;
	t->limits = *l;
	r = start(t, e);
	if (r != 0) {
		tar_reader_close(t);
		return r;
	}
	*out = t;
	return 0;
}

int
tar_reader_open_file(const char *path, const struct tar_limits *l, struct tar_reader **out,
		     struct err *e)
{
	struct inflate *input;
	int r;

	*out = NULL;
	r = inflate_open_file(path, stream_limit(l), &input, e);
	return r == 0 ? begin(input, l, out, e) : r;
}

int
tar_reader_open_memory(const void *data, size_t len, const struct tar_limits *l,
		       struct tar_reader **out, struct err *e)
{
	struct inflate *input;
	int r;

	*out = NULL;
	r = inflate_open_memory(data, len, stream_limit(l), &input, e);
	return r == 0 ? begin(input, l, out, e) : r;
}

/* Reads the next header: ARCHIVE_OK, ARCHIVE_EOF, or something else for a broken one.
 *
 * In a UTF-8 locale libarchive rewrites names to normal form C, so that two files become one. In
 * the C locale it says that it cannot convert a name, and leaves its bytes alone: that one warning
 * (told apart by its number) is what we want. Every other one means that something was ignored. */
static int
next_header(struct tar_reader *t, struct archive_entry **entry)
{
	locale_t before = uselocale(t->plain);
	int r = archive_read_next_header(t->tar, entry);

	if (r == ARCHIVE_WARN && archive_errno(t->tar) == EILSEQ)
		r = ARCHIVE_OK;
	uselocale(before);
	return r;
}

/* After the last entry there is an end mark, and nothing but zeros behind it: some clients go on
 * reading there, and would unpack what nobody has looked at. */
static int
check_end(struct tar_reader *t, struct err *e)
{
	uint64_t mark = (uint64_t)archive_read_header_position(t->tar), after;
	const void *data;
	size_t len;

	do {
		int r = inflate_read(t->input, &data, &len, e);

		if (r != 0)
			return r;
	} while (len > 0);
	after = inflate_total(t->input) - mark;
	if (after < TAR_BLOCK)
		return err_set(e, ERR_MALFORMED, "the archive ends without an end mark: truncated");
	if (inflate_zeros(t->input) < after)
		return err_set(e, ERR_MALFORMED, "the archive goes on after its end mark");
	if (t->entries == 0)
		return err_set(e, ERR_MALFORMED, "the archive is empty");
	t->ended = true;
	return 0;
}

static int
refuse(struct err *e, const char *name, const char *fault)
{
	char shown[ENTRY_SHOW_SIZE];

	return err_set(e, ERR_MALFORMED, "entry \"%s\" %s", entry_name_show(name, shown), fault);
}

static const char *
type_fault(mode_t type)
{
	switch (type) {
	case AE_IFCHR:
	case AE_IFBLK:
		return "is a device";
	case AE_IFIFO:
		return "is a FIFO";
	case AE_IFSOCK:
		return "is a socket";
	default:
		return "has an unknown type";
	}
}

static int
judge(struct tar_reader *t, struct archive_entry *header, struct tar_entry *out, struct err *e)
{
	const char *name = archive_entry_pathname(header);
	mode_t type = archive_entry_filetype(header);
	size_t len;

	if (name == NULL)
		return err_set(e, ERR_MALFORMED, "the archive has an entry without a name");
	len = strlen(name);
	if (archive_entry_hardlink(header) != NULL)
		return refuse(e, name, "is a hard link");
	if (archive_entry_sparse_count(header) > 0)
		return refuse(e, name, "is a sparse file");
	*out = (struct tar_entry){.name = name};
	if (type == AE_IFDIR || (type == AE_IFREG && len > 0 && name[len - 1] == '/')) {
		/* Before there was a type for them, folders were files with a slash at the end. */
		out->type = TAR_FOLDER;
	} else if (type == AE_IFREG) {
		out->type = TAR_FILE;
		out->executable = (archive_entry_perm(header) & 0111) != 0;
	} else if (type == AE_IFLNK) {
		out->type = TAR_LINK;
		out->target = archive_entry_symlink(header);
		if (out->target == NULL)
			return refuse(e, name, "is a link to nothing");
	} else {
		return refuse(e, name, type_fault(type));
	}
	if (archive_entry_size(header) < 0)
		return refuse(e, name, "has a negative size");
	t->size = (uint64_t)archive_entry_size(header);
	if (out->type != TAR_FILE && t->size > 0)
		return refuse(e, name, "is no file but has content");
	if (t->size > t->limits.bytes - t->bytes)
		return err_set(e, ERR_LIMIT, "the archive's files have more than %llu bytes",
			       (unsigned long long)t->limits.bytes);
	t->bytes += t->size;
	out->size = t->size;
	return 0;
}

static int
pass_over(struct tar_reader *t, struct err *e)
{
	const void *data;
	size_t len;
	int r;

	do
		r = tar_reader_data(t, &data, &len, e);
	while (r == 0 && len > 0);
	return r;
}

int
tar_reader_next(struct tar_reader *t, struct tar_entry *entry, struct err *e)
{
	struct archive_entry *header;
	int r;

	if (t->ended)
		return 0;
	if (t->in_file) {
		r = pass_over(t, e);
		if (r != 0)
			return r;
	}
	r = next_header(t, &header);
	if (r == ARCHIVE_EOF)
		return check_end(t, e);
	if (r != ARCHIVE_OK)
		return failed(t, e);
	if (++t->entries > t->limits.entries)
		return err_set(e, ERR_LIMIT, "the archive has more than %llu entries",
			       (unsigned long long)t->limits.entries);
	r = judge(t, header, entry, e);
	if (r != 0)
		return r;
	t->given = 0;
	t->in_file = true;
	return 1;
}

int
tar_reader_data(struct tar_reader *t, const void **data, size_t *len, struct err *e)
{
	la_int64_t offset = 0;
	int r;

	*data = NULL;
	*len = 0;
	if (!t->in_file)
		return 0;
	do
		r = archive_read_data_block(t->tar, data, len, &offset);
	while (r == ARCHIVE_OK && *len == 0);
	if (r == ARCHIVE_EOF) {
		*len = 0;
		t->in_file = false;
		if (t->given != t->size)
			return err_set(e, ERR_MALFORMED,
				       "a header's size is not that of its content");
		return 0;
	}
	if (r != ARCHIVE_OK)
		return failed(t, e);
	if ((uint64_t)offset != t->given || *len > t->size - t->given)
		return err_set(e, ERR_MALFORMED, "a header's size is not that of its content");
	t->given += *len;
	return 0;
}

void
tar_reader_close(struct tar_reader *t)
{
	if (t == NULL)
		return;
	archive_read_free(t->tar);
	inflate_close(t->input);
	if (t->plain != (locale_t)0)
		freelocale(t->plain);
	free(t);
}
