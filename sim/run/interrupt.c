#include "run/interrupt.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <time.h>

static void make_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

void interrupt_block(struct interrupt *i)
{
	sigset_t set;

	/* A parent that ignores SIGCHLD would have the kernel reap our children. */
	signal(SIGCHLD, SIG_DFL);
	make_set(&set);
	sigprocmask(SIG_BLOCK, &set, &i->before);
}

void interrupt_restore(const struct interrupt *i)
{
	sigprocmask(SIG_SETMASK, &i->before, NULL);
}

int interrupt_wait(unsigned ms)
{
	struct timespec limit = { ms / 1000, (long)(ms % 1000) * 1000000 };
	sigset_t set;
	int sig;

	make_set(&set);
	sig = sigtimedwait(&set, NULL, &limit);
	return sig > 0 && sig != SIGCHLD ? sig : 0;
}

void interrupt_child(const struct interrupt *i)
{
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	interrupt_restore(i);
}
