/*
 * amdvi_tables - the structures in memory that translation reads. AMD IOMMU Specification, 48882,
 * section 2.2: 2.2.2 device table, 2.2.3 I/O page tables for host translations (v1), 2.2.6 guest CR3
 * table and I/O page tables for guest translations (v2).
 *
 *   level 6  2^57 bytes an entry, tables only
 *   level 5  2^48, may be a page        level 2  2 MiB, may be a page
 *   level 4  512 GiB, may be a page     level 1  4 KiB, always a page
 *   level 3  1 GiB, may be a page
 * Guest tables have the format of long-mode page tables: PML5E, PML4E, PDPE, PDE, PTE.
 */
#ifndef MODELS_AMDVI_AMDVI_TABLES_H
#define MODELS_AMDVI_AMDVI_TABLES_H
#include "base/bits.h"
#include "base/types.h"

#define AMDVI_LEVEL_BITS  9u
#define AMDVI_ENTRY_BYTES 8u
#define AMDVI_MAX_LEVELS  6u

/* ---- 2.2.2.1 Device Table Entry, 256 bits in four words ---- */
#define DTE_BYTES 32u
#define DTE_WORDS 4u

#define DTE0_V         BIT64(0)
#define DTE0_TV        BIT64(1)
#define DTE0_RSVD      (GENMASK64(6, 2) | BIT64(63))
#define DTE0_MODE      GENMASK64(11, 9)
#define DTE0_ROOT      GENMASK64(51, 12)
#define DTE0_PPR       BIT64(52)
#define DTE0_GIOV      BIT64(54)
#define DTE0_GV        BIT64(55)
#define DTE0_GLX       GENMASK64(57, 56)
#define DTE0_GCR3_LOW  GENMASK64(60, 58) /* GCR3 table root pointer, bits 14:12 */
#define DTE0_IR        BIT64(61)
#define DTE0_IW        BIT64(62)
#define DTE1_DOMAIN    GENMASK64(15, 0)
#define DTE1_GCR3_MID  GENMASK64(31, 16) /* bits 30:15 */
#define DTE1_I         BIT64(32) /* IOTLB enable */
#define DTE1_SE        BIT64(33) /* suppress further page-fault events */
#define DTE1_SA        BIT64(34) /* suppress all page-fault events */
#define DTE1_EX        BIT64(39) /* the exclusion range counts */
#define DTE1_SYS_MGT   GENMASK64(41, 40)
#define DTE1_GCR3_HIGH GENMASK64(63, 43) /* bits 51:31 */
#define DTE2_RSVD      GENMASK64(53, 52)
#define DTE2_GPM       GENMASK64(55, 54) /* GuestPagingMode: 0: 4 levels, 1: 5 */
#define DTE3_RSVD      (GENMASK64(14, 0) | GENMASK64(53, 48))

/* ---- 2.2.3 host translation: PTE and PDE ---- */
#define PTE_PR         BIT64(0)
#define PTE_NEXT_LEVEL GENMASK64(11, 9)
#define PTE_ADDR       GENMASK64(51, 12)
#define PTE_U          BIT64(59)
#define PTE_FC         BIT64(60)
#define PTE_IR         BIT64(61)
#define PTE_IW         BIT64(62)
#define PTE_RSVD       GENMASK64(58, 52) /* U and FC of a pointer to a table are ignored */
/* NextLevel of a page: of its level's own size, or of the size that the low address bits tell. */
enum { NEXT_LEVEL_PAGE = 0, NEXT_LEVEL_SIZED = 7 };

/* ---- 2.2.6 guest translation ---- */
#define GCR3_V         BIT64(0)
#define GCR3_ADDR      GENMASK64(51, 12)
#define GCR3_INDEX_LG2 9u

#define GPTE_P    BIT64(0)
#define GPTE_RW   BIT64(1)
#define GPTE_US   BIT64(2)
#define GPTE_A    BIT64(5)
#define GPTE_D    BIT64(6)
#define GPTE_PS   BIT64(7)
#define GPTE_PAT  BIT64(12) /* of a large page */
#define GPTE_ADDR GENMASK64(51, 12)
#define GPTE_NX   BIT64(63)

static inline unsigned amdvi_level_lg2(unsigned level)
{
	return PAGE_LG2 + AMDVI_LEVEL_BITS * (level - 1);
}

static inline unsigned amdvi_index(uint64_t address, unsigned level)
{
	return (unsigned)(address >> amdvi_level_lg2(level)) & (BIT64(AMDVI_LEVEL_BITS) - 1);
}

/* The size code of a NextLevel 7 page and of the invalidation commands: the lowest address bit from 12
 * up that is zero is the upper half's; 64 when there is none (or only bit 63). */
static inline unsigned amdvi_coded_lg2(uint64_t address)
{
	uint64_t zeros = ~address & ~(PAGE_SIZE - 1);

	return zeros ? (unsigned)__builtin_ctzll(zeros) + 1 : 64;
}

/* The code for a block of 2^lg2 bytes (13 to 64) at address. */
static inline uint64_t amdvi_size_code(uint64_t address, unsigned lg2)
{
	uint64_t ones = BIT64(lg2 - 1) - 1;

	return ((address & ~BIT64(lg2 - 1)) | ones) & ~(PAGE_SIZE - 1);
}

#endif
