/*
 * Not architectural: the tags of cached translations. A key has room for 16 bits of address space, and
 * domain id and PASID together need 36, so spaces are numbered as they are met. When the numbers run
 * out, every cache is emptied and numbering begins anew.
 */
#include "models/vtd/vtd.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define HASH_SIZE (2 * VTD_SPACES)

void vtd_spaces_init(struct vtd *v)
{
	v->hw.spaces = xcalloc(VTD_SPACES, sizeof(*v->hw.spaces));
	v->hw.space_hash = xcalloc(HASH_SIZE, sizeof(*v->hw.space_hash));
}

void vtd_spaces_fini(struct vtd *v)
{
	free(v->hw.spaces);
	free(v->hw.space_hash);
}

static void start_over(struct vtd *v)
{
	vtd_sweep_everything(v);
	tagcache_invalidate(&v->hw.context, 0, 0); /* their entries note the old numbers */
	tagcache_invalidate(&v->hw.pasid, 0, 0);
	memset(v->hw.space_hash, 0, HASH_SIZE * sizeof(*v->hw.space_hash));
	v->hw.nspaces = 0;
}

uint16_t vtd_space_of(struct vtd *v, uint16_t did, uint32_t pasid)
{
	struct vtd_hw *hw = &v->hw;
	uint64_t mix = ((uint64_t)did << 32 | pasid) * 0x9e3779b97f4a7c15u;
	uint32_t at = (uint32_t)(mix >> 32) % HASH_SIZE;

	for (; hw->space_hash[at]; at = (at + 1) % HASH_SIZE) {
		const struct vtd_space *s = &hw->spaces[hw->space_hash[at] - 1];

		if (s->did == did && s->pasid == pasid)
			return (uint16_t)(hw->space_hash[at] - 1);
	}
	if (hw->nspaces == VTD_SPACES) {
		start_over(v);
		return vtd_space_of(v, did, pasid);
	}
	hw->spaces[hw->nspaces] = (struct vtd_space){ did, pasid };
	hw->space_hash[at] = ++hw->nspaces;
	return (uint16_t)(hw->nspaces - 1);
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
