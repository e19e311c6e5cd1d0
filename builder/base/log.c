#include "builder/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/clock.h"

static enum log_level threshold = LOG_INFO;

void
log_set_level(enum log_level level)
{
	threshold = level;
}

void
log_line(enum log_level level, const char *area, const char *fmt, ...)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	char line[1200], stamp[CLOCK_RFC3339_SIZE];
	va_list ap;
	size_t n;
	int head, body;

	if (level < threshold)
		return;
	clock_rfc3339(clock_wall_ms(), stamp);
	head = snprintf(line, sizeof line, "%s %s %s ", stamp, names[level], area);
	n = head > 0 ? (size_t)head : 0;
	va_start(ap, fmt);
	body = vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
	va_end(ap);
	if (body > 0)
		n += strlen(line + n);
	/* Text from outside must not forge lines or drive a terminal. */
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
