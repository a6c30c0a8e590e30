#include "engine/ctx.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id)       ((void)(id))
#endif

#include "base/alloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define CTX_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CTX_ASAN 1
#endif
#endif

#ifdef CTX_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define STACK_BYTES (256u << 10) /* red zones make frames several times larger */
#else
#define STACK_BYTES (64u << 10)
#endif

#if !defined(IOMMUSIM_UCONTEXT) && (defined(__x86_64__) || defined(__aarch64__))
#define CTX_ASM 1
void ctx_switch(void **save_sp, void *load_sp);
void ctx_start(void);
#else
#include <ucontext.h>
#endif

struct ctx {
#ifdef CTX_ASM
	void *sp, *scheduler_sp;
#else
	ucontext_t self, scheduler;
#endif
	ctx_fn *fn;
	void *arg;
	char *map; /* guard page, then the stack */
	size_t map_bytes;
	unsigned valgrind_id;
#ifdef CTX_ASAN
	void *fake_stack; /* of the flow while it is away */
	const void *scheduler_bottom;
	size_t scheduler_size;
#endif
};

#ifdef CTX_ASAN
/* The memory may have been the stack of a flow that never ended: its frames' red zones go. */
static void forget_frames(struct ctx *c)
{
	ASAN_UNPOISON_MEMORY_REGION(c->map, c->map_bytes);
}

static void before_enter(struct ctx *c, void **scheduler_fake)
{
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);

	__sanitizer_start_switch_fiber(scheduler_fake, c->map + guard, c->map_bytes - guard);
}

static void after_enter(void *scheduler_fake)
{
	__sanitizer_finish_switch_fiber(scheduler_fake, NULL, NULL);
}

static void before_leave(struct ctx *c, bool finished)
{
	__sanitizer_start_switch_fiber(
		finished ? NULL : &c->fake_stack, c->scheduler_bottom, c->scheduler_size);
}

static void after_leave(struct ctx *c)
{
	__sanitizer_finish_switch_fiber(c->fake_stack, &c->scheduler_bottom, &c->scheduler_size);
}
#else
static void forget_frames(struct ctx *c)
{
	(void)c;
}

static void before_enter(struct ctx *c, void **scheduler_fake)
{
	(void)c;
	*scheduler_fake = NULL;
}

static void after_enter(void *scheduler_fake)
{
	(void)scheduler_fake;
}

static void before_leave(struct ctx *c, bool finished)
{
	(void)c;
	(void)finished;
}

static void after_leave(struct ctx *c)
{
	(void)c;
}
#endif

static void run(void *arg)
{
	struct ctx *c = arg;

	after_leave(c); /* the first arrival ends a switch like every later one */
	c->fn(c->arg);
}

#ifdef CTX_ASM
/* The frame that ctx_switch pops at the first entry. */
static void prepare(struct ctx *c, char *top)
{
	void **sp = (void **)(void *)top;

#ifdef __x86_64__
	*--sp = NULL; /* where a return address would end a backtrace; two keep 16-byte alignment */
	*--sp = NULL;
	*--sp = (void *)(uintptr_t)ctx_start;
	*--sp = NULL; /* rbp */
	*--sp = NULL; /* rbx */
	*--sp = (void *)(uintptr_t)run; /* r12 */
	*--sp = c; /* r13 */
	*--sp = NULL; /* r14 */
	*--sp = NULL; /* r15 */
#else
	sp -= 20;
	for (unsigned i = 0; i < 20; i++)
		sp[i] = NULL;
	sp[0] = (void *)(uintptr_t)run; /* x19 */
	sp[1] = c; /* x20 */
	sp[11] = (void *)(uintptr_t)ctx_start; /* x30 */
#endif
	c->sp = sp;
}

static void switch_in(struct ctx *c)
{
	ctx_switch(&c->scheduler_sp, c->sp);
}

static void switch_out(struct ctx *c)
{
	ctx_switch(&c->sp, c->scheduler_sp);
}
#else
/* makecontext passes ints only: the pointer travels in two halves. */
static void run_halves(unsigned high, unsigned low)
{
	run((void *)(((uintptr_t)high << 16 << 16) | low));
}

static void prepare(struct ctx *c, char *top)
{
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t p = (uintptr_t)c;

	getcontext(&c->self);
	c->self.uc_stack.ss_sp = c->map + guard;
	c->self.uc_stack.ss_size = (size_t)(top - c->map) - guard;
	c->self.uc_link = NULL;
	makecontext(&c->self, (void (*)(void))(uintptr_t)run_halves, 2, (unsigned)(p >> 16 >> 16),
		(unsigned)p);
}

static void switch_in(struct ctx *c)
{
	swapcontext(&c->scheduler, &c->self);
}

static void switch_out(struct ctx *c)
{
	swapcontext(&c->self, &c->scheduler);
}
#endif

struct ctx *ctx_create(ctx_fn *fn, void *arg, unsigned colour)
{
	struct ctx *c = xcalloc(1, sizeof(*c));
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);

	c->fn = fn;
	c->arg = arg;
	c->map_bytes = guard + STACK_BYTES;
	c->map = mmap(
		NULL, c->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->map == MAP_FAILED || mprotect(c->map, guard, PROT_NONE) != 0) {
		perror("iommusim: no memory for a simulated flow's stack");
		exit(2);
	}
	forget_frames(c);
	c->valgrind_id = VALGRIND_STACK_REGISTER(c->map + guard, c->map + c->map_bytes);
	prepare(c, c->map + c->map_bytes - (colour * 17u & 255u) * 64u);
	return c;
}

void ctx_destroy(struct ctx *c)
{
	VALGRIND_STACK_DEREGISTER(c->valgrind_id);
	munmap(c->map, c->map_bytes);
	free(c);
}

void ctx_enter(struct ctx *c)
{
	void *scheduler_fake = NULL;

	before_enter(c, &scheduler_fake);
	switch_in(c);
	after_enter(scheduler_fake);
}

void ctx_leave(struct ctx *c, bool finished)
{
	before_leave(c, finished);
	switch_out(c);
	after_leave(c);
}
