#include "tests/models/smrig.h"

struct smrig sm;

static void start(void)
{
	hand_start(&sm.hand);
	sm.context = hand_page(&sm.hand) + 32 * (SM_SID & 0x7f);
	sm.directory = hand_page(&sm.hand);
	sm.table = hand_page(&sm.hand);
	sm.fs = hand_page(&sm.hand);
	sm.ss = hand_page(&sm.hand);
	hand_put(&sm.hand, sm.hand.root + 8, (sm.context & ~UINT64_C(0xfff)) | 1);
	hand_put(&sm.hand, sm.context, sm.directory | BIT64(3) | 1); /* PASIDs enabled */
	hand_put(&sm.hand, sm.directory, sm.table | 1);
	hand_on(&sm.hand);
}

static void init(void)
{
	hand_init(&sm.hand);
	rig_set(&sm.hand.rig, "cap", HAND_SM_CAP);
	rig_set(&sm.hand.rig, "ecap", HAND_SM_ECAP);
	sm.hand.mode = RTADDR_SCALABLE;
}

void sm_set_up(void)
{
	init();
	start();
}

void sm_tear_down(void)
{
	hand_stop(&sm.hand);
}

void sm_without_caches(void)
{
	static const char *const keys[] = { "iotlb_entries", "context_entries", "pasid_entries",
		"pml5_entries", "pml4_entries", "pdp_entries", "pd_entries" };

	hand_stop(&sm.hand);
	init();
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		rig_set(&sm.hand.rig, keys[i], 0);
	start();
}

void sm_pasid_entry(uint32_t pasid, uint64_t e0, uint16_t did, uint64_t e2)
{
	uint64_t at = sm.table + 64 * (uint64_t)pasid;

	hand_put(&sm.hand, at, e0);
	hand_put(&sm.hand, at + 8, did);
	hand_put(&sm.hand, at + 16, e2);
}

uint64_t sm_entry_at(uint64_t table, unsigned levels, uint64_t iova, unsigned level, uint64_t bits)
{
	for (unsigned l = levels;; l--) {
		uint64_t at = table + 8 * (iova >> (12 + 9 * (l - 1)) & 511);

		if (l == level)
			return at;
		if (!(hand_get(&sm.hand, at) & 3))
			hand_put(&sm.hand, at, hand_page(&sm.hand) | bits);
		table = hand_get(&sm.hand, at) & GENMASK64(51, 12);
	}
}

uint64_t sm_map_first(uint64_t iova, uint64_t pa)
{
	uint64_t at = sm_entry_at(sm.fs, 4, iova, 1, FS_ALL | FS_ACC);

	hand_put(&sm.hand, at, pa | FS_ALL | FS_ACC | FS_DIRTY);
	return at;
}

uint64_t sm_map_second(uint64_t iova, uint64_t pa)
{
	uint64_t at = sm_entry_at(sm.ss, 4, iova, 1, PTE_RW);

	hand_put(&sm.hand, at, pa | PTE_RW);
	return at;
}

void sm_identity(uint64_t from, uint64_t to)
{
	uint64_t end = sm.hand.next; /* before the second stage's own tables */

	for (uint64_t at = sm.fs; at < end; at += PAGE_SIZE)
		sm_map_second(at, at);
	for (uint64_t at = from; at < to; at += PAGE_SIZE)
		sm_map_second(at, at);
}

struct xlate sm_dma_as(uint32_t pasid, uint64_t iova, bool write, bool priv, bool exec)
{
	struct xlate x = { .rid = { SM_SID },
		.iova = { iova },
		.write = write,
		.len = 4,
		.has_pasid = true,
		.pasid = pasid,
		.priv = priv,
		.exec = exec };

	rig_translate(&sm.hand.rig, &x);
	return x;
}

struct xlate sm_dma(uint32_t pasid, uint64_t iova, bool write)
{
	return sm_dma_as(pasid, iova, write, false, false);
}
