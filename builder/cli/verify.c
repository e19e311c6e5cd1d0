#include <stdio.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/digest.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/printable.h"
#include "builder/cli/signed.h"

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "key",
	 .arg = "PUBKEY",
	 .text = "minisign's public key, or a file with it (also PREBUILDD_KEY)"},
};

static const struct json *
parameters(const struct json *statement)
{
	return json_get(json_get(json_get(statement, "predicate"), "buildDefinition"),
			"externalParameters");
}

static struct json *
result_json(const char *file, const struct minisign *s, const struct json *statement)
{
	struct json *o = json_object();
	char id[MINISIGN_ID_HEX];

	minisign_id_text(s->id, id);
	json_set_str(o, "file", file);
	json_set_bool(o, "verified", true);
	json_set_str(o, "key", id);
	json_set_str(o, "comment", s->comment);
	json_set(o, "provenance", json_copy(statement));
	return o;
}

static void
print_member(const char *label, const struct json *o, const char *name)
{
	const char *text = json_str(o, name, NULL);
	struct buf safe = {0};

	if (text == NULL)
		return;
	printable_add(&safe, text, 0);
	printf("  %-11s %s\n", label, safe.data);
	buf_fini(&safe);
}

static void
print_result(const char *file, const struct minisign *s, const struct json *statement)
{
	const struct json *predicate = json_get(statement, "predicate"),
			  *run = json_get(predicate, "runDetails"), *p = parameters(statement);
	char id[MINISIGN_ID_HEX];

	minisign_id_text(s->id, id);
	printf("%s: signature and provenance are good\n", file);
	printf("  %-11s %s\n", "key", id);
	print_member("package", p, "package");
	print_member("version", p, "version");
	print_member("target", p, "target");
	print_member("abi", p, "abi");
	print_member("built by", json_get(run, "builder"), "id");
	print_member("finished", json_get(run, "metadata"), "finishedOn");
}

/* The comment is signed; the file may have got another name since, its bytes not. */
static int
check_comment(const char *file, const struct minisign *s, struct err *e)
{
	const char *at = strstr(s->comment, "sha256:");
	struct digest want, have;
	char hex[DIGEST_HEX_SIZE];

	if (at == NULL)
		return 0;
	snprintf(hex, sizeof hex, "%s", at + strlen("sha256:"));
	if (digest_parse(hex, &want) != 0 || digest_path(file, &have, e) != 0 ||
	    !digest_equal(&want, &have))
		return err_set(e, ERR_SIGNATURE, "%s: the signature's comment is about other bytes",
			       file);
	return 0;
}

int
ctl_verify(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl verify FILE --key PUBKEY",
		.about = "Verifies the signature (FILE.minisig) and the provenance "
			 "(FILE.provenance.json) of a file.\nNeeds no server.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct json *statement = NULL;
	const char *key_text, *file;
	struct minisign_key key;
	struct minisign s;
	struct err e = {0};
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	key_text = ctl_key(&o);
	file = o.arg_count == 1 ? o.args[0] : NULL;
	if (file == NULL)
		err_set(&e, ERR_USAGE, "give one FILE");
	else if (key_text == NULL)
		err_set(&e, ERR_USAGE,
			"give --key: the service's public key, or a file with it. Take it from its "
			"operator, or from /v1/key once and keep it");
	else if (minisign_key_open(key_text, &key, &e) == 0 &&
		 signed_check(file, &key, &s, &e) == 0 && check_comment(file, &s, &e) == 0 &&
		 signed_provenance(file, &key, &statement, &e) == 0) {
		if (opts_get(&o, "json")->given)
			ctl_print(result_json(file, &s, statement));
		else
			print_result(file, &s, statement);
	}
	json_free(statement);
	return ctl_end(&o, NULL, &e);
}
