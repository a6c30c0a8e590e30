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
	struct memory_line *l =
		&m->lines[(tag * 0x9e3779b97f4a7c15u) >> (64 - MACHINE_LINES_LG2)];

	if (l->tag != tag) {
		l->tag = tag;
		line_init(&l->line);
	}
	return &l->line;
}

/* Fetch the line for c from its last writer, behind transfers already under way. */
static void fetch(struct line *l, struct proc *p, const struct cpu *c, unsigned cat)
{
	sim_time now = proc_now(p);
	sim_time start = now > l->busy_until ? now : l->busy_until;

	l->busy_until = start + line_transfer(c->machine, l->owner, c->id);
	cpu_run_ps(p, l->busy_until - now, cat);
}

bool line_read(struct line *l, struct proc *p, unsigned cat)
{
	const struct cpu *c = cpu_of(p);
	bool moved;

	if (!c)
		return false;
	moved = l->owner != LINE_NO_OWNER && !(l->sharers & BIT64(c->id % 64));
	if (moved)
		fetch(l, p, c, cat);
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
	if (moved && l->owner != c->id)
		fetch(l, p, c, cat);
	else if (moved)
		cpu_run_ps(p, c->machine->conf->cpu->line_same_socket, cat);
	l->owner = (uint16_t)c->id;
	l->sharers = BIT64(c->id % 64);
	return moved;
}
