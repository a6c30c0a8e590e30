/*
 * smrig - one scalable-mode device whose root, context and PASID entries stand ready; the test writes
 * PASID table entries and paging entries.
 */
#ifndef TESTS_MODELS_SMRIG_H
#define TESTS_MODELS_SMRIG_H
#include "tests/models/hand.h"

#define SM_SID 0x0098 /* 00:13.0: of the upper half of its root entry */

/* Fields of a PASID table entry, by word. */
#define PE0_PRESENT    BIT64(0)
#define PE0_48         (UINT64_C(2) << 2)
#define PE0_FIRST      (UINT64_C(1) << 6)
#define PE0_SECOND     (UINT64_C(2) << 6)
#define PE0_NESTED     (UINT64_C(3) << 6)
#define PE0_PASS       (UINT64_C(4) << 6)
#define PE0_SECOND_AD  BIT64(9)
#define PE2_SUPERVISOR BIT64(0)
#define PE2_EXECUTE    BIT64(1)
#define PE2_5_LEVELS   BIT64(2)
#define PE2_WPE        BIT64(4)
#define PE2_NXE        BIT64(5)
#define PE2_SMEP       BIT64(6)
#define PE2_EXTENDED   BIT64(7)

/* Paging entries: first stage; accessed and dirty bits of both. */
#define FS_PRESENT BIT64(0)
#define FS_WRITE   BIT64(1)
#define FS_USER    BIT64(2)
#define FS_ALL     UINT64_C(7)
#define FS_ACC     BIT64(5)
#define FS_DIRTY   BIT64(6)
#define FS_EXT     BIT64(10)
#define FS_NX      BIT64(63)
#define SS_ACC     BIT64(8)
#define SS_DIRTY   BIT64(9)

extern struct smrig {
	struct hand hand;
	uint64_t context, directory, table; /* table: of PASIDs 0 to 63 */
	uint64_t fs, ss; /* empty root tables of 4 levels */
} sm;

void sm_set_up(void);
void sm_tear_down(void);
/* Begin again without any cache. */
void sm_without_caches(void);
/* words 0 to 2; the others are 0 */
void sm_pasid_entry(uint32_t pasid, uint64_t e0, uint16_t did, uint64_t e2);
/* Address of the entry for iova at `level`; tables on the way are made, with these low bits. */
uint64_t sm_entry_at(uint64_t table, unsigned levels, uint64_t iova, unsigned level, uint64_t bits);
/* First stage, user, accessed and dirty already: page at pa. Returns the entry's address. */
uint64_t sm_map_first(uint64_t iova, uint64_t pa);
/* Second stage, read and write. */
uint64_t sm_map_second(uint64_t iova, uint64_t pa);
/* So that the first-stage tables made so far, and [from, to), are where they are for nested walks. */
void sm_identity(uint64_t from, uint64_t to);

struct xlate sm_dma(uint32_t pasid, uint64_t iova, bool write);
struct xlate sm_dma_as(uint32_t pasid, uint64_t iova, bool write, bool priv, bool exec);

#endif
