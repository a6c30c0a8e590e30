/*
 * ctx - a stack of its own and the switch to it: assembly for x86-64 and aarch64 (7 ns a round trip),
 * ucontext elsewhere or with IOMMUSIM_UCONTEXT (280 ns). Always between a scheduler and a flow,
 * never from flow to flow. Tells AddressSanitizer and valgrind about every stack.
 */
#ifndef SIM_ENGINE_CTX_H
#define SIM_ENGINE_CTX_H
#include "base/types.h"

struct ctx;
typedef void ctx_fn(void *arg);

/* colour spreads the stacks' first lines over the cache sets. fn must not return: it ends with
 * ctx_leave(c, true). */
struct ctx *ctx_create(ctx_fn *fn, void *arg, unsigned colour);
void ctx_destroy(struct ctx *c);
/* From the scheduler: run the flow until it leaves. */
void ctx_enter(struct ctx *c);
/* From the flow: back to the scheduler. finished: it will never be entered again. */
void ctx_leave(struct ctx *c, bool finished);

#endif
