/*
 * linefetch - how a unit reads a ring of entries in memory: a line of 64 bytes comes in one read, and
 * what software has not handed over yet is read again later.
 */
#ifndef SIM_IOMMU_LINEFETCH_H
#define SIM_IOMMU_LINEFETCH_H
#include "engine/proc.h"
#include "hw/mem.h"

struct linefetch {
	uint64_t line_at; /* address of the line last read; 0: none */
	uint64_t upto; /* entries below this ring offset are in it */
};

/* The entry of `bytes` at ring offset `head` of the ring at `base`, whose entries are valid up to `tail`;
 * waits for memory when its line is not there. False when the address does not exist. */
bool linefetch(struct linefetch *f, struct mem *mem, struct proc *p, uint64_t base, uint64_t head,
	uint64_t tail, unsigned bytes);
static inline void linefetch_forget(struct linefetch *f)
{
	f->line_at = 0;
}

#endif
