#include "tests/lib/plan_toolchain.h"

void
plan_toolchain(const char *target, struct toolchain *out)
{
	*out = (struct toolchain){.target = target_find(target)};
	strv_add(&out->cc, "CC");
	strv_add(&out->cxx, "CXX");
	strv_add(&out->cxx_v8, "CXX-V8");
	strv_add(&out->cflags, "-ours");
	strv_add(&out->ldflags, "-ldours");
	strv_add(&out->ldlibs, "-lm");
	strv_add(&out->ldlibs_v8, "libstdc++.a");
	strv_add(&out->ar, "AR");
	strv_add(&out->strip, "STRIP");
}
