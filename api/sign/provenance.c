#include "api/sign/provenance.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/base/version.h"

static bool
is_known(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static void
set_known(struct json *o, const char *name, const char *text)
{
	if (is_known(text))
		json_set_str(o, name, text);
}

static void
set_digest(struct json *o, const char *algorithm, const char *hex)
{
	struct json *d = json_object();

	json_set_str(d, algorithm, hex);
	json_set(o, "digest", d);
}

void
provenance_subject(struct json *subjects, const char *name, const char *sha256)
{
	struct json *o = json_object();

	json_set_str(o, "name", name);
	set_digest(o, "sha256", sha256);
	json_add(subjects, o);
}

/* A resource descriptor, if its digest is known. A digest may be "sha256:…" or the hex alone. */
static void
add_dependency(struct json *list, const char *name, const char *uri, const char *digest)
{
	struct json *o;

	if (!is_known(digest))
		return;
	o = json_object();
	set_known(o, "name", name);
	set_known(o, "uri", uri);
	set_digest(o, "sha256", strncmp(digest, "sha256:", 7) == 0 ? digest + 7 : digest);
	json_add(list, o);
}

/* "sha512-<base64>" of npm as the hex that a digest set has. */
static void
set_integrity(struct json *o, const char *integrity)
{
	unsigned char raw[crypto_hash_sha512_BYTES];
	char hex[2 * sizeof raw + 1];
	size_t n;

	if (strncmp(integrity, "sha512-", 7) != 0 ||
	    sodium_base642bin(raw, sizeof raw, integrity + 7, strlen(integrity + 7), NULL, &n, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != sizeof raw)
		return;
	sodium_bin2hex(hex, sizeof hex, raw, sizeof raw);
	set_digest(o, "sha512", hex);
}

/* "npm:NAME@VERSION INTEGRITY", "git+URL#COMMIT", or "sha256:…" of an upload (model/origin.h); of what is
 * mirrored "URL sha256:…". */
static void
add_origin(struct json *list, const struct provenance *p)
{
	const char *origin = p->origin;
	const char *space, *commit;
	char *uri = NULL;
	struct json *o;

	if (!is_known(origin))
		return;
	o = json_object();
	json_set_str(o, "name",
		     strcmp(p->type, PROVENANCE_MIRRORED) == 0 ? "upstream's tarball"
							       : "origin of the source");
	space = strchr(origin, ' ');
	commit = strncmp(origin, "git+", 4) == 0 ? strrchr(origin, '#') : NULL;
	if (strncmp(origin, "npm:", 4) == 0 && space != NULL) {
		uri = xasprintf("pkg:npm/%.*s", (int)(space - origin - 4), origin + 4);
		set_integrity(o, space + 1);
	} else if (commit != NULL) {
		uri = xstrdup(origin);
		set_digest(o, "gitCommit", commit + 1);
	} else if (strncmp(origin, "sha256:", 7) == 0) {
		set_digest(o, "sha256", origin + 7);
	} else if (space != NULL && strncmp(space, " sha256:", 8) == 0) {
		uri = xasprintf("%.*s", (int)(space - origin), origin);
		set_digest(o, "sha256", space + 8);
	} else {
		uri = xstrdup(origin);
	}
	set_known(o, "uri", uri);
	json_add(list, o);
	free(uri);
}

static void
add_packages(struct json *list, const struct json *toolchain)
{
	json_foreach (p, json_get(toolchain, "packages")) {
		char *uri = xasprintf("pkg:%s/%s@%s", json_str(p, "kind", "generic"),
				      json_str(p, "name", ""), json_str(p, "version", ""));

		add_dependency(list, json_str(p, "name", NULL), uri, json_str(p, "digest", NULL));
		free(uri);
	}
}

static struct json *
dependencies(const struct provenance *p)
{
	struct json *list = json_array();

	add_origin(list, p);
	add_dependency(list, "source bundle", NULL, p->source);
	add_dependency(list, "lock of the dependencies", NULL, p->lock);
	add_dependency(list, "toolchain", NULL, p->toolchain);
	add_packages(list, json_get(p->reported, "toolchain"));
	add_dependency(list, "Electron's headers", NULL,
		       json_str(json_get(p->reported, "headers"), "digest", NULL));
	return list;
}

/* The toolchain's description without its packages, which are dependencies. */
static struct json *
toolchain(const struct json *description)
{
	struct json *o = json_object();

	json_foreach (member, description) {
		if (strcmp(json_name(member), "packages") != 0)
			json_set(o, json_name(member), json_copy(member));
	}
	return o;
}

static struct json *
definition(const struct provenance *p)
{
	struct json *o = json_object(), *external = json_object(), *internal = json_object();
	const struct json *commands = json_get(p->reported, "commands");

	json_set_str(o, "buildType", p->type);
	set_known(external, "package", p->package);
	set_known(external, "version", p->version);
	set_known(external, "target", p->target);
	set_known(external, "abi", p->abi);
	json_set(o, "externalParameters", external);
	set_known(internal, "key", p->key);
	if (json_is_object(json_get(p->reported, "toolchain")))
		json_set(internal, "toolchain", toolchain(json_get(p->reported, "toolchain")));
	if (commands != NULL)
		json_set(internal, "commands", json_copy(commands));
	json_set(o, "internalParameters", internal);
	json_set(o, "resolvedDependencies", dependencies(p));
	return o;
}

static struct json *
details(const struct provenance *p)
{
	struct json *o = json_object(), *builder = json_object(), *version = json_object(),
		    *metadata = json_object();
	char finished[CLOCK_RFC3339_SIZE], id[MINISIGN_ID_HEX];
	char *uri;

	minisign_id_text(p->by->id, id);
	uri = xasprintf("urn:prebuildd:%s", id);
	json_set_str(builder, "id", uri);
	json_set_str(version, "prebuildd", PREBUILDD_VERSION);
	json_set(builder, "version", version);
	json_set(o, "builder", builder);
	set_known(metadata, "invocationId", p->invocation);
	set_known(metadata, "startedOn", p->started);
	clock_rfc3339(p->finished, finished);
	json_set_str(metadata, "finishedOn", finished);
	json_set(o, "metadata", metadata);
	free(uri);
	return o;
}

struct json *
provenance_statement(const struct provenance *p, struct json *subjects)
{
	struct json *o = json_object(), *predicate = json_object();

	json_set_str(o, "_type", "https://in-toto.io/Statement/v1");
	json_set(o, "subject", subjects);
	json_set_str(o, "predicateType", "https://slsa.dev/provenance/v1");
	json_set(predicate, "buildDefinition", definition(p));
	json_set(predicate, "runDetails", details(p));
	json_set(o, "predicate", predicate);
	return o;
}
