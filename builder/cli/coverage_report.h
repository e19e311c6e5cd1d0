/*
 * coverage_report.h - what build --lock says at its end: a table for people, or a document.
 */
#ifndef BUILDER_CLI_COVERAGE_REPORT_H
#define BUILDER_CLI_COVERAGE_REPORT_H

struct coverage;
struct json;
struct lockfile;
struct survey;

/* One row a package, ABI and target, then what was not looked at, to standard output. */
void
coverage_report_table(const struct coverage *c, const struct survey *s, const struct lockfile *l);

/* The same; the caller frees it. */
struct json *
coverage_report_json(const struct coverage *c, const struct survey *s, const struct lockfile *l);

#endif
