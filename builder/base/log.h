/*
 * log.h - one line on stderr for each event: time, level, area, key=value …; the object's id
 * comes first. A build's output goes to the build's log and never here.
 */
#ifndef BUILDER_BASE_LOG_H
#define BUILDER_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Lines below this level are not written; the default is LOG_INFO. */
void log_set_level(enum log_level level);

/* Thread-safe: a line is one write. Control characters in the text become '?'. */
void log_line(enum log_level level, const char *area, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
