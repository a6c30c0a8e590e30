/*
 * pages - the page allocator of the simulated kernel: 4 KiB frames, last in first out lists per CPU
 * over a global list, as Linux's per-CPU page lists. A page freed is soon somebody else's: that is
 * what makes a stale mapping harmful.
 */
#ifndef SIM_HW_PAGES_H
#define SIM_HW_PAGES_H
#include "engine/proc.h"
#include "hw/machine.h"

struct pages;
/* Called when a frame is handed out again; set by whoever tracks stale mappings. */
typedef void pages_reuse_fn(void *arg, hpa_t page);

struct pages *pages_create(struct machine *m);
/* Ends the program as our bug when frames are still allocated and that was not expected. */
void pages_destroy(struct pages *pg);
void pages_on_reuse(struct pages *pg, pages_reuse_fn *fn, void *arg);

/* One frame, content undefined (zeroed: cleared and charged). Running out is a user error that ends
 * the program with exit 2: the message names memory.size. */
hpa_t pages_alloc(struct pages *pg, struct proc *p);
hpa_t pages_alloc_zeroed(struct pages *pg, struct proc *p);
void pages_free(struct pages *pg, struct proc *p, hpa_t page);
/* n contiguous zeroed frames for rings and tables; freed with the same n. */
hpa_t pages_alloc_contig(struct pages *pg, struct proc *p, unsigned n);
/* The same as they are, at no time: memory that a trace or a guest already has. */
hpa_t pages_take_contig(struct pages *pg, unsigned n);
void pages_free_contig(struct pages *pg, struct proc *p, hpa_t first, unsigned n);

uint64_t pages_in_use(const struct pages *pg);

#endif
