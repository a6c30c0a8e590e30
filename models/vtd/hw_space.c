/*
 * Not architectural: what the caches hold of an address space, by its number. When the numbers run out,
 * every cache is emptied and numbering begins anew.
 */
#include "models/vtd/vtd.h"

static void start_over(struct vtd *v)
{
	vtd_sweep_everything(v);
	tagcache_invalidate(&v->hw.context, 0, 0); /* their entries note the old numbers */
	tagcache_invalidate(&v->hw.pasid, 0, 0);
	spaces_clear(&v->hw.spaces);
}

uint16_t vtd_space_of(struct vtd *v, uint16_t did, uint32_t pasid)
{
	uint16_t number = 0;

	while (!spaces_number(&v->hw.spaces, did, pasid, &number))
		start_over(v);
	return number;
}

void vtd_space_sweep(struct vtd *v, uint16_t space)
{
	uint64_t key = (uint64_t)space << 47;

	tagcache_invalidate(&v->hw.iotlb, key, VTD_KEY_SPACE);
	for (unsigned i = 0; i < VTD_PWC_LEVELS; i++)
		tagcache_invalidate(&v->hw.pwc[i], key, VTD_KEY_SPACE);
}

void vtd_space_sweep_pages(
	struct vtd *v, uint16_t space, uint64_t addr, unsigned am, bool leaf_only)
{
	struct vtd_hw *hw = &v->hw;

	for (unsigned c = 0; c < 3; c++) {
		unsigned skip = am > VTD_LEVEL_BITS * c ? am - VTD_LEVEL_BITS * c : 0;

		tagcache_invalidate(&hw->iotlb, vtd_key(space, c, addr), ~(BIT64(skip) - 1));
	}
	for (unsigned level = 2; !leaf_only && level <= VTD_MAX_LEVELS; level++) {
		unsigned lg2 = vtd_level_lg2(level) - PAGE_LG2;
		unsigned skip = am > lg2 ? am - lg2 : 0;

		tagcache_invalidate(
			&hw->pwc[level - 2], vtd_pwc_key(space, level, addr), ~(BIT64(skip) - 1));
	}
}

void vtd_sweep_everything(struct vtd *v)
{
	tagcache_invalidate(&v->hw.iotlb, 0, 0);
	for (unsigned i = 0; i < VTD_PWC_LEVELS; i++)
		tagcache_invalidate(&v->hw.pwc[i], 0, 0);
}
