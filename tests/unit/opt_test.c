#include "builder/base/opt.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

#define ARGS_MAX 80

static const struct opt table[] = {
	{.name = "listen", .arg = "ADDR:PORT", .text = "where", .value = "default"},
	{.name = "max-queue", .arg = "N", .text = "jobs", .value = "10"},
	{.name = "token", .arg = "T", .text = "many", .many = true},
	{.name = "embedded", .text = "a switch"},
};

struct parsed {
	struct opt table[ARRAY_SIZE(table)];
	struct opts opts;
	struct err e;
	int r;
	char *line;
};

/* Parses a line, split at spaces. */
static void
parse(struct parsed *p, const char *line)
{
	char *argv[ARGS_MAX], *save = NULL;
	int argc = 0;

	*p = (struct parsed){.line = xstrdup(line)};
	memcpy(p->table, table, sizeof table);
	p->opts = (struct opts){.usage = "test",
				.about = "about",
				.table = p->table,
				.table_size = ARRAY_SIZE(table),
				.env = true,
				.config = true};
	for (char *w = strtok_r(p->line, " ", &save); w != NULL && argc < ARGS_MAX;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	p->r = opts_parse(&p->opts, argc, argv, &p->e);
}

static void
drop(struct parsed *p)
{
	opts_fini(&p->opts);
	free(p->line);
}

TEST(the_command_line_wins_over_the_environment_and_that_over_the_file)
{
	static const struct {
		const char *line, *env, *want;
		bool file;
	} cases[] = {
		{"", NULL, "default", false},
		{"", NULL, "file", true},
		{"", "env", "env", true},
		{"--listen flag", "env", "flag", true},
		{"--listen=flag", NULL, "flag", true},
		{"--listen a --listen b", NULL, "b", false},
		{"--listen=", "env", "", true},
		{"--listen=a=b", NULL, "a=b", false},
	};
	const char *config = test_path("config");
	static const char text[] = "# comment\n\n  listen =  file \nembedded = true\n";

	file_write(config, text, strlen(text), 0600, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *line = cases[i].file ? xasprintf("--config %s %s", config, cases[i].line)
					   : xstrdup(cases[i].line);
		struct parsed p;

		if (cases[i].env != NULL)
			setenv("PREBUILDD_LISTEN", cases[i].env, 1);
		else
			unsetenv("PREBUILDD_LISTEN");
		parse(&p, line);
		CHECK_INT(p.r, 0);
		CHECK_STR(opts_get(&p.opts, "listen")->value, cases[i].want);
		CHECK_INT(opts_get(&p.opts, "embedded")->given, cases[i].file);
		drop(&p);
		free(line);
	}
	unsetenv("PREBUILDD_LISTEN");
	setenv("PREBUILDD_CONFIG", config, 1);
	setenv("PREBUILDD_MAX_QUEUE", "77", 1);
	setenv("PREBUILDD_EMBEDDED", "0", 1);
	{
		struct parsed p;

		parse(&p, "");
		CHECK_STR(opts_get(&p.opts, "listen")->value, "file");
		CHECK_STR(opts_get(&p.opts, "max-queue")->value, "77");
		drop(&p);
	}
	unsetenv("PREBUILDD_CONFIG");
	unsetenv("PREBUILDD_MAX_QUEUE");
	unsetenv("PREBUILDD_EMBEDDED");
}

TEST(a_switch_that_the_environment_turns_off_stays_off)
{
	const char *config = test_path("config");
	char *line = xasprintf("--config %s", config);
	struct parsed p;

	file_write(config, "embedded = yes\n", 15, 0600, NULL);
	setenv("PREBUILDD_EMBEDDED", "0", 1);
	parse(&p, line);
	CHECK_INT(p.r, 0);
	CHECK(!opts_get(&p.opts, "embedded")->given);
	drop(&p);
	unsetenv("PREBUILDD_EMBEDDED");
	free(line);
}

TEST(errors_name_the_flag)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"--lisen x", "--lisen"},
		{"--lisen=x", "--lisen;"},
		{"-x", "-x"},
		{"--listen", "--listen needs"},
		{"--embedded=1", "--embedded takes no"},
		{"--config", "--config needs"},
		{"--config /nonexistent/file", "/nonexistent/file"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed p;

		parse(&p, cases[i].line);
		CHECK_MSG(p.r != 0, "%s", cases[i].line);
		CHECK_MSG(strstr(p.e.msg, cases[i].says) != NULL, "%s: %s", cases[i].line, p.e.msg);
		drop(&p);
	}
}

TEST(a_config_file_is_checked_by_line)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"listen = a\nnonsense = 1\n", "line 2"},
		{"listen\n", "line 1"},
		{"= x\n", "line 1"},
		/* Blank lines and comments count. */
		{"# one\n\n\nbad = 1\n", "line 4"},
	};
	const char *config = test_path("config");
	char *line = xasprintf("--config %s", config);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parsed p;

		file_write(config, cases[i].text, strlen(cases[i].text), 0600, NULL);
		parse(&p, line);
		CHECK_INT(p.r, ERR_USAGE);
		CHECK_MSG(strstr(p.e.msg, cases[i].says) != NULL, "case %zu: %s", i, p.e.msg);
		drop(&p);
	}
	file_write(config, "", 0, 0600, NULL);
	{
		struct parsed p;

		parse(&p, line);
		CHECK_INT(p.r, 0);
		drop(&p);
	}
	free(line);
}

TEST(what_is_no_flag_and_what_repeats)
{
	struct buf line = {0};
	struct parsed p;

	parse(&p, "one --token a two --token=b - -- --listen");
	CHECK_INT(p.r, 0);
	CHECK_INT((int64_t)p.opts.arg_count, 4);
	CHECK_STR(p.opts.args[0], "one");
	CHECK_STR(p.opts.args[1], "two");
	CHECK_STR(p.opts.args[2], "-");
	CHECK_STR(p.opts.args[3], "--listen");
	CHECK_INT((int64_t)opts_get(&p.opts, "token")->count, 2);
	CHECK_STR(opts_get(&p.opts, "token")->values[0], "a");
	CHECK_STR(opts_get(&p.opts, "token")->values[1], "b");
	drop(&p);
	for (size_t i = 0; i <= OPT_VALUES_MAX; i++)
		buf_adds(&line, "--token=x ");
	parse(&p, line.data);
	CHECK_INT(p.r, ERR_USAGE);
	drop(&p);
	buf_fini(&line);
}

TEST(help_is_made_from_the_table)
{
	const char *path = test_path("help");
	int out = open(path, O_RDWR | O_CREAT, 0600), saved = dup(1);
	struct buf text = {0};
	struct parsed p;

	dup2(out, 1);
	parse(&p, "--help --unknown");
	dup2(saved, 1);
	CHECK_INT(p.r, 0);
	CHECK(p.opts.help);
	close(out);
	close(saved);
	CHECK_INT(file_read(path, 65536, &text, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		CHECK_MSG(strstr(text.data, table[i].name) != NULL, "%s", table[i].name);
	CHECK(strstr(text.data, "(default 10)") != NULL);
	buf_fini(&text);
	drop(&p);
}

TEST(numbers)
{
	static const struct {
		const char *text;
		long want; /* -1: refused; the range is 0 to 100 */
	} cases[] = {{"0", 0},  {"100", 100}, {"101", -1}, {"-1", -1},
		     {"", -1},  {"x", -1},    {"1x", -1},  {"99999999999999999999", -1},
		     {NULL, -1}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct opt opt = {.name = "n", .value = cases[i].text};
		struct err e = {0};
		long n = -1;
		int r = opt_number(&opt, 0, 100, &n, &e);

		CHECK_INT(r, cases[i].want < 0 ? ERR_USAGE : 0);
		CHECK_INT(n, cases[i].want);
	}
}

TEST(sizes)
{
	static const struct {
		const char *text;
		long long want; /* -1: refused */
	} cases[] = {
		{"0", 0},
		{"4096", 4096},
		{"64K", 65536},
		{"16m", 16 << 20},
		{"2G", 2LL << 30},
		{"2T", -1},
		{"2GB", -1},
		{"-1", -1},
		{"", -1},
		{"K", -1},
		{" -5", -1},
		{"99999999999999999999", -1},
		{"1099511627777G", -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct opt opt = {.name = "n", .value = cases[i].text};
		unsigned long long n = 0;
		struct err e = {0};
		int r = opt_size(&opt, &n, &e);

		CHECK_MSG(r == (cases[i].want < 0 ? ERR_USAGE : 0), "\"%s\": %d", cases[i].text, r);
		if (cases[i].want >= 0)
			CHECK_INT((int64_t)n, cases[i].want);
	}
}
