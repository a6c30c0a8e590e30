/*
 * Not architectural: how cached translations are tagged, and what an invalidation finds of them. The
 * page-table cache keeps pages of every size; a key is the space, a marker whose place tells the size,
 * and the page number.
 */
#include "models/amdvi/amdvi.h"

#define KEY_SPACE_LG2 53u
#define KEY_SPACE     GENMASK64(62, KEY_SPACE_LG2)
#define PFN_BITS      52u

/* The low bits choose a cache's set: spaces that use the same addresses are spread over the sets. */
static uint64_t key_of(uint16_t space, uint64_t number)
{
	return (uint64_t)space << KEY_SPACE_LG2 | (number ^ (uint64_t)space << 2);
}

uint64_t amdvi_ptc_key(uint16_t space, unsigned lg2, uint64_t address)
{
	unsigned marker = PFN_BITS - (lg2 - PAGE_LG2);

	return key_of(space, BIT64(marker) | (lg2 < 64 ? address >> lg2 : 0));
}

uint64_t amdvi_pdc_key(uint16_t space, unsigned level, uint64_t address)
{
	return key_of(space, address >> amdvi_level_lg2(level));
}

static void start_over(struct amdvi *a)
{
	amdvi_sweep_everything(a);
	tagcache_invalidate(&a->hw.dtc, 0, 0); /* its entries note the old numbers */
	spaces_clear(&a->hw.spaces);
}

uint16_t amdvi_space_of(struct amdvi *a, uint16_t domain, uint32_t pasid)
{
	uint16_t number = 0;

	while (!spaces_number(&a->hw.spaces, domain, pasid, &number))
		start_over(a);
	return number;
}

/* One lookup of the unit, whatever sizes there are. */
struct tag_entry *amdvi_ptc_lookup(struct amdvi_hw *hw, uint16_t space, uint64_t address)
{
	struct tag_entry *e = tagcache_lookup(&hw->ptc, amdvi_ptc_key(space, PAGE_LG2, address));

	for (uint64_t sizes = hw->sizes_seen & ~PAGE_SIZE; !e && sizes; sizes &= sizes - 1) {
		e = tagcache_peek(
			&hw->ptc, amdvi_ptc_key(space, (unsigned)__builtin_ctzll(sizes), address));
		if (e) {
			hw->ptc.m.misses--;
			hw->ptc.m.hits++;
			e->stamp = ++hw->ptc.clock;
		}
	}
	return e;
}

unsigned amdvi_space_sweep(struct amdvi *a, uint16_t space, bool pde)
{
	uint64_t key = (uint64_t)space << KEY_SPACE_LG2;
	unsigned n = tagcache_invalidate(&a->hw.ptc, key, KEY_SPACE);

	for (unsigned i = 0; pde && i < AMDVI_PDC_LEVELS; i++)
		n += tagcache_invalidate(&a->hw.pdc[i], key, KEY_SPACE);
	return n;
}

/* Entries that cover 2^of bytes each are compared without the bits that tell them apart in the block. */
static uint64_t mask_for(unsigned lg2, unsigned of)
{
	return lg2 > of ? ~(BIT64(lg2 - of) - 1) : UINT64_MAX;
}

unsigned amdvi_space_sweep_block(
	struct amdvi *a, uint16_t space, uint64_t address, unsigned lg2, bool pde)
{
	unsigned n = 0;

	for (uint64_t sizes = a->hw.sizes_seen; sizes; sizes &= sizes - 1) {
		unsigned of = (unsigned)__builtin_ctzll(sizes);

		n += tagcache_invalidate(
			&a->hw.ptc, amdvi_ptc_key(space, of, address), mask_for(lg2, of));
	}
	for (unsigned level = 2; pde && level <= AMDVI_MAX_LEVELS; level++)
		n += tagcache_invalidate(&a->hw.pdc[level - 2],
			amdvi_pdc_key(space, level, address),
			mask_for(lg2, amdvi_level_lg2(level)));
	return n;
}

unsigned amdvi_sweep_everything(struct amdvi *a)
{
	unsigned n = tagcache_invalidate(&a->hw.ptc, 0, 0);

	for (unsigned i = 0; i < AMDVI_PDC_LEVELS; i++)
		n += tagcache_invalidate(&a->hw.pdc[i], 0, 0);
	return n;
}
