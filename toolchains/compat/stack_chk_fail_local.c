/* 32-bit code with stack protection calls the hidden name, which libc_nonshared.a would have. */
#include "compat.h"

extern void __stack_chk_fail(void) __attribute__((noreturn));

HIDDEN __attribute__((noreturn)) void __stack_chk_fail_local(void);

HIDDEN void
__stack_chk_fail_local(void)
{
	__stack_chk_fail();
}
