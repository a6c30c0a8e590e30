#include "iommu/linefetch.h"

#define LINE_BYTES 64u

bool linefetch(struct linefetch *f, struct mem *mem, struct proc *p, uint64_t base, uint64_t head,
	uint64_t tail, unsigned bytes)
{
	uint64_t line = head & ~(uint64_t)(LINE_BYTES - 1);
	uint64_t upto = line + LINE_BYTES;

	if (!mem_exists(mem, (hpa_t){ base + head }, bytes))
		return false;
	if (tail >= line && tail < upto)
		upto = tail;
	if (f->line_at == base + line && head < f->upto)
		return true;
	f->line_at = base + line;
	f->upto = upto;
	proc_sleep_until(p, mem_read_done(mem, proc_now(p), LINE_BYTES));
	return true;
}
