/*
 * ARM: the thread pointer, for initial-exec thread-local variables. libc_nonshared.a's copy is ARMv7
 * code. Only r0 may change, so this is a jump to the helper that the kernel keeps at 0xffff0fe0.
 */
#include "compat.h"

#if defined(__arm__)

__asm__(".text\n"
	".arm\n"
	".p2align 2\n"
	".globl __aeabi_read_tp\n"
	".hidden __aeabi_read_tp\n"
	".type __aeabi_read_tp, %function\n"
	"__aeabi_read_tp:\n"
	"	mvn	r0, #0xf000\n"
	"	sub	pc, r0, #31\n"
	".size __aeabi_read_tp, . - __aeabi_read_tp\n");

#endif
