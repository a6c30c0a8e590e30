/*
 * XDP-style receive: a program looks at each frame where the card wrote it, in a page that stays mapped.
 * What it drops gives its page back to the ring at once; what it passes is copied to a new page for the
 * stack, as Linux drivers do for zero-copy sockets (ixgbe_construct_skb_zc), so that the mapped page goes
 * back as soon. The verdict is random: a share of the frames is passed.
 */
#include <stdio.h>

#include "hw/pages.h"
#include "workloads/nic.h"

void nic_xdp_init(struct nic_queue *q)
{
	char name[32];

	snprintf(name, sizeof(name), "workload.nic_rx%u.xdp", q->id);
	rng_init(&q->xdp_rng, q->nic->env.seed, name);
}

bool nic_xdp_passes(struct nic_queue *q, struct proc *p)
{
	cpu_run(p, q->nic->conf->cycles_xdp, CPU_driver);
	return rng_unit(&q->xdp_rng) < q->nic->conf->xdp_pass;
}

hpa_t nic_xdp_copy(struct nic_queue *q, struct proc *p, uint32_t len)
{
	struct machine *m = q->nic->env.machine;
	hpa_t page = pages_alloc(m->pages, p);

	cpu_run(p, (uint64_t)m->conf->cost->copy_line * ((len + 63) / 64), CPU_copy);
	return page;
}
