/*
 * interrupt - Ctrl-C and friends at the moments we choose: the signals stay blocked while results
 * are on their way, and are looked at only where the children are waited for. No handlers.
 */
#ifndef SIM_RUN_INTERRUPT_H
#define SIM_RUN_INTERRUPT_H
#include <signal.h>

struct interrupt {
	sigset_t before;
};

void interrupt_block(struct interrupt *i);
void interrupt_restore(const struct interrupt *i);
/* Until a child ends (0), the time is over (0) or somebody wants us to stop (the signal). */
int interrupt_wait(unsigned ms);
/* In a child: signals as before; Ctrl-C is the parent's affair, whose end is also ours. */
void interrupt_child(const struct interrupt *i);

#endif
