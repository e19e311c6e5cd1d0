#include "builder/cli/printable.h"

#include "builder/base/buf.h"

void
printable_add(struct buf *out, const char *text, size_t columns)
{
	size_t n = 0;

	buf_adds(out, "");
	for (const char *c = text; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;

		/* The bytes that follow the first of a character take no column. */
		if ((byte & 0xc0) != 0x80 && columns > 0 && ++n > columns)
			break;
		/* U+0080 to U+009F, two bytes in UTF-8, are control characters, too. */
		if (byte == 0xc2 && (unsigned char)c[1] >= 0x80 && (unsigned char)c[1] < 0xa0) {
			c++;
			byte = 0;
		}
		buf_add(out, byte < 0x20 || byte == 0x7f ? "?" : c, 1);
	}
}
