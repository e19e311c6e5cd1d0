#include "builder/model/job.h"

#include <string.h>

static const char *const names[] = {
#define X(constant, name, shown) name,
	JOB_STATES(X)
#undef X
};

static const char *const shown_as[] = {
#define X(constant, name, shown) shown,
	JOB_STATES(X)
#undef X
};

static const char *const outcomes[] = {
#define X(constant, name) name,
	JOB_OUTCOMES(X)
#undef X
};

const char *
job_state_name(enum job_state s)
{
	return names[s];
}

const char *
job_state_shown(enum job_state s)
{
	return shown_as[s];
}

enum job_state
job_state_parse(const char *name)
{
	int s = 0;

	while (s < JOB_STATE_COUNT && strcmp(names[s], name) != 0)
		s++;
	return (enum job_state)s;
}

bool
job_state_final(enum job_state s)
{
	return s == JOB_SUCCEEDED || s == JOB_FAILED || s == JOB_CANCELLED;
}

const char *
job_outcome_name(enum job_outcome o)
{
	return outcomes[o];
}

enum job_outcome
job_outcome_parse(const char *name)
{
	int o = 0;

	while (o < OUTCOME_COUNT && strcmp(outcomes[o], name) != 0)
		o++;
	return (enum job_outcome)o;
}
