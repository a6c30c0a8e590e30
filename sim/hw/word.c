#include "hw/word.h"

uint64_t word_load(struct word_at w, struct proc *p)
{
	word_step(p, w.word);
	*w.transfers += line_read(w.line, p, w.cat);
	return *w.word;
}

/* The CPU arrives. */
static void begin(struct word_at w, struct proc *p)
{
	proc_sync(p);
	word_step(p, w.word);
}

/* It has the line and pays, for a locked instruction or a plain one. */
static void end(struct word_at w, struct proc *p, bool locked)
{
	const struct cpu *c = cpu_of(p);

	*w.transfers += line_write(w.line, p, w.cat);
	if (c && locked)
		cpu_run(p, c->machine->conf->cpu->atomic, w.cat);
}

void word_store(struct word_at w, struct proc *p, uint64_t value)
{
	begin(w, p);
	*w.word = value;
	end(w, p, false);
}

bool word_cas(struct word_at w, struct proc *p, uint64_t *expected, uint64_t value)
{
	bool same;

	begin(w, p);
	same = *w.word == *expected;
	*expected = *w.word;
	if (same)
		*w.word = value;
	end(w, p, true);
	return same;
}

void word_or(struct word_at w, struct proc *p, uint64_t bits)
{
	begin(w, p);
	*w.word |= bits;
	end(w, p, true);
}

uint64_t word_and(struct word_at w, struct proc *p, uint64_t bits)
{
	uint64_t now;

	begin(w, p);
	now = *w.word &= bits;
	end(w, p, true);
	return now;
}

uint64_t word_swap(struct word_at w, struct proc *p, uint64_t value)
{
	uint64_t old;

	begin(w, p);
	old = *w.word;
	*w.word = value;
	end(w, p, true);
	return old;
}
