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

/* The owner has touched so much else since that the line is in the shared cache only. */
static bool is_displaced(const struct line *l, const struct machine *m)
{
	return m->cpus[l->owner].lines_touched - l->stamp > m->conf->cpu->cache_lines;
}

static sim_time time_to_fetch(const struct line *l, const struct cpu *c)
{
	const struct machine *m = c->machine;

	if (!is_displaced(l, m))
		return line_transfer(m, l->owner, c->id);
	return m->cpus[l->owner].socket == c->socket ? m->conf->cpu->shared_same_socket
						     : m->conf->cpu->shared_cross_socket;
}

/* Until the last copy is gone, the farthest. */
static sim_time time_to_own(const struct line *l, const struct cpu *c)
{
	if (l->sharers & ~c->neighbours)
		return c->machine->conf->cpu->line_cross_socket;
	return time_to_fetch(l, c);
}

/* c's own line, back from the shared cache if it had left. */
static void refresh(struct line *l, struct proc *p, const struct cpu *c, unsigned cat)
{
	if (l->owner != c->id)
		return;
	if (is_displaced(l, c->machine))
		cpu_run_ps(p, c->machine->conf->cpu->shared_same_socket, cat);
	l->stamp = c->lines_touched;
}

void line_touch_others(struct proc *p, uint32_t n)
{
	struct cpu *c = cpu_of(p);

	if (c)
		c->lines_touched += n;
}

bool line_read_timed(struct line *l, struct proc *p, unsigned cat)
{
	struct cpu *c = cpu_of(p);
	bool moved;

	if (!c)
		return false;
	c->lines_touched++;
	moved = l->owner != LINE_NO_OWNER && !(l->sharers & BIT64(c->id % 64));
	if (moved)
		move(l, p, time_to_fetch(l, c), cat);
	else
		refresh(l, p, c, cat);
	l->sharers |= BIT64(c->id % 64);
	return moved;
}

bool line_write_timed(struct line *l, struct proc *p, unsigned cat)
{
	struct cpu *c = cpu_of(p);
	bool moved;

	if (!c)
		return false;
	c->lines_touched++;
	/* A copy elsewhere must go, even when this CPU has one too. */
	moved = l->owner != LINE_NO_OWNER && l->sharers != BIT64(c->id % 64);
	if (moved)
		move(l, p, time_to_own(l, c), cat);
	else
		refresh(l, p, c, cat);
	l->owner = (uint16_t)c->id;
	l->sharers = BIT64(c->id % 64);
	l->stamp = c->lines_touched;
	return moved;
}
