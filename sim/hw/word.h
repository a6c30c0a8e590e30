/*
 * word - atomic operations of simulated CPUs on one shared word, for code without locks. Each is one
 * step: everything that lies before the CPU's local time happens first, then the word is read and
 * written at once, then the CPU pays: for the line, and for the locked instruction. Steps on one word take
 * effect in the order in which they arrive. Sequentially consistent, as x86's locked operations are.
 *
 * A load does not wait for others to happen: it may be old, as a value is that is used later.
 */
#ifndef SIM_HW_WORD_H
#define SIM_HW_WORD_H
#include "hw/cacheline.h"
#include "hw/cpu.h"

/* A word, the line that it lies on, and the counter of that line's transfers. */
struct word_at {
	uint64_t *word;
	struct line *line;
	uint64_t *transfers;
	enum cpu_time cat;
};

/* Where another flow may come in between: before every operation below. Only tests that try all orders
 * of steps have set anything that this calls. */
static inline void word_step(struct proc *p, const uint64_t *word)
{
	struct cpu *c = p ? cpu_of(p) : NULL;

	if (c && c->machine->on_step)
		c->machine->on_step(c->machine->on_step_arg, p, word);
}

uint64_t word_load(struct word_at w, struct proc *p);
/* A plain store, for words that nobody else writes. */
void word_store(struct word_at w, struct proc *p, uint64_t value);
/* Compare and swap: false, with what is there in *expected, when that is something else. */
bool word_cas(struct word_at w, struct proc *p, uint64_t *expected, uint64_t value);
void word_or(struct word_at w, struct proc *p, uint64_t bits);
/* The new value. */
uint64_t word_and(struct word_at w, struct proc *p, uint64_t bits);
/* The old value. */
uint64_t word_swap(struct word_at w, struct proc *p, uint64_t value);

#endif
