#include "builder/base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

size_t
utf8_next(const char *s, size_t n, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s;
	size_t len;

	if (n == 0)
		return 0;
	len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if ((p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4 || len > n)
		return 0;
	*c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3fu);
	}
	if (*c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return len;
}

bool
utf8_valid(const char *s, size_t n)
{
	uint32_t c;

	while (n > 0) {
		size_t len = utf8_next(s, n, &c);

		if (len == 0)
			return false;
		s += len;
		n -= len;
	}
	return true;
}

void
utf8_add(struct buf *out, const char *s, size_t n)
{
	size_t good = 0;
	uint32_t c;

	buf_reserve(out, n);
	while (good < n) {
		size_t len = s[good] != '\0' ? utf8_next(s + good, n - good, &c) : 0;

		if (len > 0) {
			good += len;
			continue;
		}
		buf_add(out, s, good);
		buf_adds(out, REPLACEMENT);
		s += good + 1;
		n -= good + 1;
		good = 0;
	}
	buf_add(out, s, good);
}
