/*
 * report.h - what an audit found, while it is being written. audit.h is the side that readers see.
 */
#ifndef BUILDER_AUDIT_REPORT_H
#define BUILDER_AUDIT_REPORT_H

#include "builder/audit/audit.h"
#include "builder/audit/format.h"
#include "builder/base/strv.h"

enum severity { SEVERITY_WARNING, SEVERITY_ERROR };

/* Texts are owned by the report, or NULL. */
struct finding {
	enum audit_rule rule;
	enum severity severity;
	char *expected, *found, *evidence;
	struct strv symbols; /* for audit_blamed */
};

/* A version such as 2.17 or 3.4.21; all zero if there is none. */
struct audit_version {
	unsigned part[3];
};

struct audit_report {
	char *file;
	struct format format;
	const struct target *target; /* NULL if none fits */

	struct abi abi;         /* ABI_NONE if unknown; version 0 if the file does not say it */
	unsigned napi_used;     /* highest version of a used symbol, 0 if none is used */
	unsigned napi_declared; /* what the addon says itself */
	bool napi_decoded;      /* the above is known */

	struct audit_version glibc, glibcxx; /* highest that is needed */
	struct audit_version macos;          /* the oldest that it says it runs on */
	char **libs;                         /* that are needed */
	size_t lib_count;

	struct finding *findings;
	size_t finding_count;
	char *summary;
};

struct audit_report *report_new(const struct audit_request *req);

/* Adds a finding and returns it so that its texts can be said; valid until the next is added. */
struct finding *report_add(struct audit_report *r, enum audit_rule rule, enum severity severity);

/* Sets one of a finding's texts. What comes out of a file may hold anything: all but printable
 * ASCII becomes '?', and a long text is cut. */
void report_say(char **text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Moves the findings of a part of the file, such as a slice, to the file's; each then says which. */
void report_take(struct audit_report *r, struct audit_report *part, const char *name);

/* The first error as one line, for audit_summary; call it when all is found. */
void report_finish(struct audit_report *r);

/* Names for a finding's evidence: the first few, and how many there are. Start with {0}. */
#define NAME_LIST_SIZE  400
#define NAME_LIST_SHOWN 5
struct name_list {
	char text[NAME_LIST_SIZE];
	size_t count;
	const char *symbols[NAME_LIST_SHOWN];
};
void name_list_add(struct name_list *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for a symbol that the file needs, and what is to be said of it. The name is not copied. */
void name_list_add_symbol(struct name_list *l, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Says the list as the finding's evidence, and keeps its symbols for audit_blamed. */
void report_say_symbols(struct finding *f, const struct name_list *l);

/* "2.17", "3.4.21", as many parts as are not zero but at least two. */
#define AUDIT_VERSION_SIZE 36
void report_version(struct audit_version v, char out[AUDIT_VERSION_SIZE]);

#endif
