/*
 * import.c - prebuildctl import: hands in what a bundle holds (bundle.h), which may be anybody's: each addon must
 * be the one that was signed under its name, and the service judges it as everything that is handed in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/bundle.h"
#include "builder/cli/ctl.h"
#include "builder/cli/follow.h"
#include "builder/cli/hand_in.h"
#include "builder/cli/printable.h"
#include "builder/cli/signed.h"
#include "builder/source/unpack.h"

#define BUNDLE_BYTES_MAX   (UINT64_C(64) << 30)
#define BUNDLE_ENTRIES_MAX 1000000
#define BUNDLE_DEPTH_MAX   8
#define LIST_MAX           (256u << 20)

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "key",
	 .arg = "PUBKEY",
	 .text = "public key of the service that it comes from, or a file with it (also "
		 "PREBUILDD_KEY; default: the bundle's own word)"},
};

struct import {
	struct remote remote;
	struct minisign_key key;
	char *dir; /* the bundle, unpacked */
	bool json;
	struct json *imported, *failed;
};

/* ---- the bundle ---- */

static int
read_list(const char *dir, struct json **list, struct err *e)
{
	char *path = xasprintf("%s/" BUNDLE_LIST, dir);
	struct err parse = {0};
	struct buf text = {0};

	*list = NULL;
	if (!file_exists(path))
		err_set(e, ERR_MALFORMED,
			"there is no " BUNDLE_LIST " in it: it is no bundle of prebuildctl export");
	else if (file_read_regular(path, LIST_MAX, &text, e) == 0)
		*list = json_parse(text.data != NULL ? text.data : "", text.len, &parse);
	if (parse.code != 0)
		err_set(e, ERR_MALFORMED, BUNDLE_LIST ": %s", parse.msg);
	if (e->code == 0 && json_int(*list, "format", 0) != BUNDLE_FORMAT)
		err_set(e, ERR_UNSUPPORTED,
			"it is a bundle of format %lld; this prebuildctl reads format %d",
			(long long)json_int(*list, "format", 0), BUNDLE_FORMAT);
	if (e->code == 0 && !json_is_array(json_get(*list, "artifacts")))
		err_set(e, ERR_MALFORMED, BUNDLE_LIST " has no list of artifacts");
	buf_fini(&text);
	free(path);
	return e->code;
}

static int
find_key(const char *given, const struct json *list, struct minisign_key *key, struct err *e)
{
	char id[MINISIGN_ID_HEX];

	if (given != NULL)
		return minisign_key_open(given, key, e);
	if (minisign_key_parse(json_str(list, "key", ""), key, e) != 0)
		return err_context(e, "the bundle's key");
	minisign_id_text(key->id, id);
	fprintf(stderr,
		"prebuildctl: the signing key %s is what the bundle says; to rely on it, give "
		"--key, from who made the bundle\n",
		id);
	return 0;
}

/* ---- one artifact ---- */

static int
check(const struct import *m, const struct bundle_item *item, const char *file, struct err *e)
{
	struct json *statement = NULL;
	struct digest have;
	struct minisign s;

	if (!file_exists(file))
		return err_set(e, ERR_MALFORMED, "%s is not in the bundle", item->path);
	if (digest_path(file, &have, e) != 0)
		return e->code;
	if (!digest_equal(&have, &item->digest))
		return err_set(e, ERR_DIGEST, "%s has other bytes than the list says", item->path);
	if (signed_check(file, &m->key, &s, e) == 0 &&
	    signed_check_name(&s, strrchr(file, '/') + 1, &item->name, &have, e) == 0)
		signed_provenance(file, &m->key, &statement, e);
	json_free(statement);
	return e->code;
}

static void
tell_failed(struct import *m, const struct json *artifact, const char *text, const struct err *e)
{
	struct json *o = json_copy(artifact), *problem = json_object();
	struct buf why = {0};

	json_set_str(problem, "code", err_name(e->code));
	json_set_str(problem, "message", e->msg);
	json_set(o, "error", problem);
	json_add(m->failed, o);
	printable_add(&why, e->msg, 0);
	fprintf(stderr, "prebuildctl: %s: %s\n", text != NULL ? text : "an artifact of the list",
		why.data);
	buf_fini(&why);
}

/* Whether the next one could fare better. */
static bool
is_hopeless(int code)
{
	return code == ERR_UNREACHABLE || code == ERR_UNAUTHORIZED || code == ERR_FORBIDDEN ||
	       code == ERR_CANCELLED;
}

static int
import_one(struct import *m, const struct json *artifact, struct err *e)
{
	struct json *published = NULL;
	struct bundle_item item;
	char *file = NULL, *text = NULL;
	struct err one = {0};

	if (bundle_item_read(artifact, &item, &one) == 0) {
		text = bundle_item_text(&item);
		file = xasprintf("%s/%s", m->dir, item.path);
		if (check(m, &item, file, &one) == 0)
			hand_in(&m->remote, &item.name, file, item.file, &published, &one);
	}
	if (is_hopeless(one.code)) {
		*e = one;
	} else if (one.code != 0) {
		tell_failed(m, artifact, text, &one);
	} else {
		json_add(m->imported, published);
		published = NULL;
		if (!m->json)
			printf("%s\n", text);
		fflush(stdout);
	}
	json_free(published);
	free(text);
	free(file);
	bundle_item_fini(&item);
	return e->code;
}

static int
import_all(struct import *m, const char *bundle, const char *key, struct err *e)
{
	static const struct unpack_limits limits = {
		.bytes = BUNDLE_BYTES_MAX,
		.entries = BUNDLE_ENTRIES_MAX,
		.depth = BUNDLE_DEPTH_MAX,
	};
	struct json *list = NULL;

	if (unpack_file(bundle, m->dir, &limits, e) != 0)
		return err_context(e, "%s", bundle);
	if (read_list(m->dir, &list, e) == 0 && find_key(key, list, &m->key, e) == 0) {
		json_foreach (artifact, json_get(list, "artifacts"))
			if (e->code == 0)
				import_one(m, artifact, e);
		if (e->code == 0 && json_count(m->failed) > 0)
			err_set(e, ERR_AUDIT, "%zu of %zu were not imported", json_count(m->failed),
				json_count(json_get(list, "artifacts")));
	}
	json_free(list);
	if (follow_interrupted) {
		*e = (struct err){0};
		err_set(e, ERR_INTERRUPTED, "interrupted; %zu are imported",
			json_count(m->imported));
	}
	return e->code;
}

int
ctl_import(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl import BUNDLE [--key PUBKEY] [FLAG…]",
		.about =
			"Hands in to the service what another service's `prebuildctl export` took with it.\n"
			"This needs a token with scope publish, where tokens are asked for.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct import m = {0};
	struct err e = {0};
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	m.json = opts_get(&o, "json")->given;
	m.imported = json_array();
	m.failed = json_array();
	follow_until_interrupted();
	if (o.arg_count != 1)
		err_set(&e, ERR_USAGE, "give one BUNDLE");
	else if (!file_exists(o.args[0]))
		err_set(&e, ERR_NOT_FOUND, "there is no file %s", o.args[0]);
	else if (ctl_remote(&o, &m.remote, &e) == 0 && (m.dir = ctl_scratch(&e)) != NULL) {
		m.remote.cancel = &follow_interrupted;
		import_all(&m, o.args[0], ctl_key(&o), &e);
		file_remove_tree(m.dir, NULL);
	}
	if (m.json && json_count(m.imported) + json_count(m.failed) > 0) {
		struct json *out = json_object();

		json_set(out, "imported", json_copy(m.imported));
		json_set(out, "failed", json_copy(m.failed));
		ctl_print(out);
	}
	json_free(m.imported);
	json_free(m.failed);
	free(m.dir);
	return ctl_end(&o, &m.remote, &e);
}
