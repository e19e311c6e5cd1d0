/*
 * electron.h - the ABIs of Electron that can be built: those whose headers a worker has announced
 * when it asked for a job. Kept in memory, since every worker asks again all the time.
 */
#ifndef API_ROUTES_ELECTRON_H
#define API_ROUTES_ELECTRON_H

#include <stdbool.h>

#include "builder/model/abi.h"

struct lease_request;
struct service;

/* On the loop. */
void electron_announce(struct service *s, const struct lease_request *req);
bool electron_known(const struct service *s, struct abi abi);

/* Said of an ABI that is not known. */
#define ELECTRON_MISSING                                                                         \
	"no worker here has the headers of that Electron (--electron-headers); addons that use " \
	"Node-API only load in Electron as they are"

#endif
