#include "hw/cacheline.h"

#include "base/bits.h"
#include "hw/cpu.h"

sim_time line_transfer(const struct machine *m, unsigned from_cpu, unsigned to_cpu)
{
	const struct cpu_conf *conf = m->conf->cpu;

	return m->cpus[from_cpu].socket == m->cpus[to_cpu].socket ? conf->line_same_socket
								  : conf->line_cross_socket;
}

struct line *line_of_memory(struct machine *m, hpa_t at)
{
	uint64_t tag = (at.a >> 6) + 1;
	struct memory_line *l = &m->lines[(tag * 0x9e3779b97f4a7c15u) >> (64 - MACHINE_LINES_LG2)];

	if (l->tag != tag) {
		l->tag = tag;
		line_init(&l->line);
	}
	return &l->line;
}

/* Behind transfers already under way. */
static void move(struct line *l, struct proc *p, sim_time transfer, unsigned cat)
{
	sim_time now = proc_now(p);
	sim_time start = now > l->busy_until ? now : l->busy_until;

	l->busy_until = start + transfer;
	cpu_run_ps(p, l->busy_until - now, cat);
}

/* Until the last copy is gone, the farthest. */
static sim_time time_to_own(const struct line *l, const struct cpu *c)
{
	if (l->sharers & ~c->neighbours)
		return c->machine->conf->cpu->line_cross_socket;
	return line_transfer(c->machine, l->owner, c->id);
}

bool line_read(struct line *l, struct proc *p, unsigned cat)
{
	const struct cpu *c = cpu_of(p);
	bool moved;

	if (!c)
		return false;
	moved = l->owner != LINE_NO_OWNER && !(l->sharers & BIT64(c->id % 64));
	if (moved)
		move(l, p, line_transfer(c->machine, l->owner, c->id), cat);
	l->sharers |= BIT64(c->id % 64);
	return moved;
}

bool line_write(struct line *l, struct proc *p, unsigned cat)
{
	const struct cpu *c = cpu_of(p);
	bool moved;

	if (!c)
		return false;
	/* A copy elsewhere must go, even when this CPU has one too. */
	moved = l->owner != LINE_NO_OWNER && l->sharers != BIT64(c->id % 64);
	if (moved)
		move(l, p, time_to_own(l, c), cat);
	l->owner = (uint16_t)c->id;
	l->sharers = BIT64(c->id % 64);
	return moved;
}
