/* What the driver does for one request: map its buffer, and write the command that names it. */
#include "base/bug.h"
#include "hw/mem.h"
#include "workloads/nvme.h"

static enum dma_dir dir_of(const struct nvme_request *r)
{
	return r->write ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

/* ---- buffers ---- */

static uint32_t page_len(const struct nvme_request *r, uint32_t i)
{
	uint32_t left = r->bytes - (uint32_t)(i * PAGE_SIZE);

	return left < PAGE_SIZE ? left : (uint32_t)PAGE_SIZE;
}

static unsigned list_of(const struct nvme_request *r, struct dma_sg *sg)
{
	for (uint32_t i = 0; i < r->npages; i++)
		sg[i] = (struct dma_sg){ r->page[i], page_len(r, i) };
	return r->npages;
}

/* One call for the whole; its pages follow each other in the bus address. */
static bool map_list(struct nvme_request *r, struct proc *p)
{
	struct dma_sg sg[257];

	if (!dma_map_sg(r->queue->nvme->dma, p, sg, list_of(r, sg), dir_of(r), &r->iova[0]))
		return false;
	for (uint32_t i = 1; i < r->npages; i++)
		r->iova[i] = (iova_t){ r->iova[0].a + i * PAGE_SIZE };
	return true;
}

static void unmap_pages(struct nvme_request *r, struct proc *p, uint32_t n)
{
	while (n-- > 0)
		dma_unmap_single(r->queue->nvme->dma, p, r->iova[n], page_len(r, n), dir_of(r));
}

static bool map_pages(struct nvme_request *r, struct proc *p)
{
	for (uint32_t i = 0; i < r->npages; i++) {
		if (!dma_map_single(r->queue->nvme->dma, p, r->page[i], page_len(r, i), dir_of(r),
			    &r->iova[i])) {
			unmap_pages(r, p, i);
			return false;
		}
	}
	return true;
}

bool nvme_map(struct nvme_request *r, struct proc *p)
{
	unsigned how = r->queue->nvme->conf->mapping;

	if (how == NVME_MAP_ONCE)
		return true;
	return how == NVME_MAP_LIST && dma_system_translates(r->queue->nvme->env.dma)
		       ? map_list(r, p)
		       : map_pages(r, p);
}

void nvme_unmap(struct nvme_request *r, struct proc *p)
{
	unsigned how = r->queue->nvme->conf->mapping;
	struct dma_sg sg[257];

	if (how == NVME_MAP_ONCE)
		return;
	if (how == NVME_MAP_LIST && dma_system_translates(r->queue->nvme->env.dma))
		dma_unmap_sg(r->queue->nvme->dma, p, sg, list_of(r, sg), dir_of(r), r->iova[0]);
	else
		unmap_pages(r, p, r->npages);
}

/* ---- commands ---- */

static void put_word(struct nvme_queue *q, hpa_t at, uint32_t i, uint64_t v)
{
	mem_write64(q->nvme->env.machine->mem, (hpa_t){ at.a + 8 * (uint64_t)i }, v);
}

static void prp_pointers(struct nvme_request *r, uint64_t pointer[2])
{
	pointer[0] = r->iova[0].a;
	if (r->npages == 2)
		pointer[1] = r->iova[1].a;
	if (r->npages <= 2)
		return;
	pointer[1] = r->list_iova.a;
	for (uint32_t i = 1; i < r->npages; i++)
		put_word(r->queue, r->list_pa, i - 1, r->iova[i].a);
}

/* Pages that follow each other in the bus address are one descriptor. */
static void sgl_pointers(struct nvme_request *r, uint64_t pointer[2])
{
	uint64_t at = 0, len = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->npages; i++) {
		if (n > 0 && at + len == r->iova[i].a) {
			len += page_len(r, i);
		} else {
			at = r->iova[i].a;
			len = page_len(r, i);
			n++;
		}
		put_word(r->queue, r->list_pa, 2 * (n - 1), at);
		put_word(r->queue, r->list_pa, 2 * (n - 1) + 1, len | SGL_DATA << SGL_TYPE_AT);
	}
	pointer[0] = n == 1 ? at : r->list_iova.a;
	pointer[1] =
		n == 1 ? len | SGL_DATA << SGL_TYPE_AT : (uint64_t)n * 16 | SGL_LAST << SGL_TYPE_AT;
}

void nvme_write_command(struct nvme_request *r, uint64_t at)
{
	struct nvme_queue *q = r->queue;
	bool sgl = q->nvme->conf->pointers == NVME_SGL;
	hpa_t sqe = { q->sq_pa.a + (uint64_t)q->sq_tail * SQE_BYTES };
	uint64_t word[8] = { 0 };

	word[SQE_WORD0] = (r->write ? NVME_OP_WRITE : NVME_OP_READ) | (sgl ? SQE_SGL : 0) |
			  (uint64_t)r->cid << 16;
	if (sgl)
		sgl_pointers(r, &word[SQE_POINTER]);
	else
		prp_pointers(r, &word[SQE_POINTER]);
	word[SQE_SLBA] = at / LBA_BYTES;
	word[SQE_NLB] = r->bytes / LBA_BYTES - 1;
	mem_write(q->nvme->env.machine->mem, sqe, word, sizeof(word));
	q->sq_tail = (q->sq_tail + 1) % q->size;
}
