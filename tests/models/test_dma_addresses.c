/*
 * Addresses that the DMA layer gives to devices, over every allocator: within the mask of 24 to 64 bits,
 * outside of the windows that belong to others, size-aligned for coherent memory, below 4 GiB first unless
 * told otherwise.
 */
#include <stdlib.h>

#include "base/bits.h"
#include "dma/combine.h"
#include "run/conform_bed.h"
#include "tests/models/dmarig.h"
#include "tests/unit/unit.h"

#define MAPS      150u
#define MSI_FIRST UINT64_C(0xfee00000)
#define MSI_LAST  UINT64_C(0xfeefffff)
#define PCI_FIRST UINT64_C(0xeec00000) /* 256 MiB below */
#define PCI_LAST  UINT64_C(0xfebfffff)

static const unsigned masks[] = { 24, 30, 32, 36, 40, 64 };

static struct dmarig r;
static const struct iova_allocator_ops *const *allocators;

/* Under the allocator, with a policy that goes with it. */
static void begin(int allocator, unsigned mask_bits)
{
	const struct iova_allocator_ops *ops = allocators[allocator];

	dmarig_init(&r, "vtd", ops->caps & IOVA_PREMAPPED ? "copy" : "strict", NULL);
	free(r.allocator_conf);
	r.conf.allocator = ops;
	r.conf.allocator_conf = r.allocator_conf = conform_defaults(ops->conf);
	r.dma.mask_bits = mask_bits;
}

static bool overlaps(uint64_t iova, uint64_t len, uint64_t first, uint64_t last)
{
	return iova <= last && iova + len - 1 >= first;
}

static void judge(uint64_t iova, uint64_t len)
{
	unsigned bits = r.dma.mask_bits;

	ck_assert(bits == 64 || (iova + len - 1) >> bits == 0);
	ck_assert_uint_ge(iova, PAGE_SIZE);
	ck_assert(!overlaps(iova, len, MSI_FIRST, MSI_LAST));
	ck_assert(!overlaps(iova, len, PCI_FIRST, PCI_LAST));
}

struct coherent {
	uint32_t bytes;
	hpa_t pa;
	iova_t iova;
	bool ok;
};

static void alloc_coherent(struct proc *p, void *arg)
{
	struct coherent *c = arg;

	c->ok = dma_alloc_coherent(r.dev, p, c->bytes, &c->pa, &c->iova);
}

static void free_coherent(struct proc *p, void *arg)
{
	struct coherent *c = arg;

	dma_free_coherent(r.dev, p, c->bytes, c->pa, c->iova);
}

/* Memory from 1 MiB on, which every mask reaches. */
static void map_some(uint64_t *iova, uint32_t *len)
{
	for (unsigned i = 0; i < MAPS; i++) {
		len[i] = (1 + i % 5) * (uint32_t)PAGE_SIZE - 100;
		ck_assert(dmarig_map(&r, (256 + 8 * (uint64_t)i) * PAGE_SIZE, len[i],
			DMA_BIDIRECTIONAL, &iova[i]));
		judge(iova[i], len[i]);
		ck_assert(dmarig_dma(&r, iova[i], len[i], true));
	}
}

START_TEST(every_address_is_within_the_mask_and_nobody_elses)
{
	static uint64_t iova[MAPS];
	static uint32_t len[MAPS];
	struct coherent ring = { .bytes = 3 * PAGE_SIZE };

	for (size_t m = 0; m < ARRAY_SIZE(masks); m++) {
		begin(_i, masks[m]);
		dmarig_start(&r);
		rig_on_cpu(&r.rig, 0, alloc_coherent, &ring);
		ck_assert(ring.ok);
		judge(ring.iova.a, ring.bytes);
		if (!(r.conf.allocator->caps & IOVA_FOLLOWS_MEMORY))
			ck_assert_uint_eq(ring.iova.a % (4 * PAGE_SIZE), 0);
		map_some(iova, len);
		for (unsigned i = 0; i < MAPS; i++)
			dmarig_unmap(&r, iova[i], len[i]);
		rig_on_cpu(&r.rig, 0, free_coherent, &ring);
		ck_assert_uint_eq(dmarig_verdict(&r).fault_unexpected, 0);
		ck_assert_uint_eq(dmarig_verdict(&r).wrong_target, 0);
		dmarig_stop(&r);
	}
}
END_TEST

/* Fills what a device of 32 bits can have, 64 pages at a time, but for what it may not have. */
START_TEST(windows_stay_free_even_when_all_the_rest_is_taken)
{
	enum { PIECE = 256 * PAGE_SIZE, PIECES = 4096 };
	static uint64_t iova[PIECES];
	unsigned n = 0;

	if (allocators[_i]->caps & (IOVA_PREMAPPED | IOVA_FOLLOWS_MEMORY))
		return; /* memory is taken with the addresses */
	begin(_i, 32);
	dmarig_start(&r);
	while (n < PIECES && dmarig_map(&r, 0x100000, PIECE, DMA_BIDIRECTIONAL, &iova[n])) {
		judge(iova[n], PIECE);
		n++;
	}
	ck_assert_uint_lt(n, PIECES);
	ck_assert_uint_gt(n, allocators[_i]->caps & IOVA_SPLITS_SPACE ? PIECES / 8 : PIECES / 2);
	ck_assert(!dmarig_map(&r, 0x100000, PIECE, DMA_BIDIRECTIONAL, &iova[n]));
	dmarig_unmap(&r, iova[n / 2], PIECE);
	ck_assert(dmarig_map(&r, 0x100000, PIECE, DMA_BIDIRECTIONAL, &iova[n / 2]));
	while (n > 0)
		dmarig_unmap(&r, iova[--n], PIECE);
	dmarig_stop(&r);
}
END_TEST

START_TEST(addresses_below_4_gib_come_first_unless_told_otherwise)
{
	static uint64_t iova[MAPS];
	static uint32_t len[MAPS];
	bool keeps_low = allocators[_i]->caps & (IOVA_KEEPS_LOW | IOVA_FOLLOWS_MEMORY);

	for (unsigned forced = 0; forced < 2; forced++) {
		begin(_i, 64);
		r.dma.forcedac = forced != 0;
		dmarig_start(&r);
		map_some(iova, len);
		for (unsigned i = 0; i < MAPS; i++) {
			if (!forced && !keeps_low)
				ck_assert_uint_lt(iova[i], BIT64(32));
			if (forced && allocators[_i] == &iova_rbtree31_ops) /* from the top */
				ck_assert_uint_ge(iova[i], BIT64(32));
			dmarig_unmap(&r, iova[i], len[i]);
		}
		dmarig_stop(&r);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("addresses");
	size_t n;

	allocators = iova_allocators(&n);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_address_is_within_the_mask_and_nobody_elses, 0, (int)n);
	tcase_add_loop_test(tc, windows_stay_free_even_when_all_the_rest_is_taken, 0, (int)n);
	tcase_add_loop_test(tc, addresses_below_4_gib_come_first_unless_told_otherwise, 0, (int)n);
	return unit_run("dma addresses", tc);
}
