#include "workers/reported.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/toolchain/electron.h"
#include "builder/toolchain/toolchain.h"

#define COMMANDS_MAX (512u << 10) /* bytes of JSON; the whole result may have 1 MB */

struct json *
reported_make(const struct json *commands, const struct toolchain *toolchain,
	      const struct electron_release *electron)
{
	struct json *o = json_object();
	char *text = json_text(commands);

	if (strlen(text) <= COMMANDS_MAX)
		json_set(o, "commands", json_copy(commands));
	else
		json_set_int(o, "commandsOmitted", (int64_t)json_count(commands));
	free(text);
	json_set(o, "toolchain", json_copy(toolchain->description));
	if (electron != NULL) {
		struct json *headers = json_object();

		json_set_str(headers, "version", electron->version);
		json_set_str(headers, "digest", electron->digest);
		json_set(o, "headers", headers);
	}
	return o;
}
