/*
 * vtd_tables - the structures in memory that legacy-mode translation reads.
 * Intel VT-d Architecture Specification rev. 4.1: 9.1 Root Entry, 9.3 Context Entry, 9.8
 * Second-Stage Paging Entries, 7.3 fault reasons (Table 25).
 *
 *   level 4  SS-PML4E   512 GiB an entry
 *   level 3  SS-PDPE    1 GiB, may be a leaf (CAP.SLLPS bit 1)
 *   level 2  SS-PDE     2 MiB, may be a leaf (CAP.SLLPS bit 0)
 *   level 1  SS-PTE     4 KiB, always a leaf
 */
#ifndef MODELS_VTD_VTD_TABLES_H
#define MODELS_VTD_VTD_TABLES_H
#include "base/bits.h"
#include "base/types.h"

#define VTD_LEVEL_BITS    9u
#define VTD_ENTRY_BYTES   8u
#define VTD_TABLE_ENTRIES 512u
#define VTD_MAX_LEVELS    4u

#define ROOT_P              BIT64(0)
#define ROOT_RSVD           GENMASK64(11, 1)
#define ROOT_CTP            GENMASK64(63, 12)
#define ROOT_ENTRY_BYTES    16u
#define CONTEXT_ENTRY_BYTES 16u

#define CTX_P       BIT64(0)
#define CTX_FPD     BIT64(1)
#define CTX_TT      GENMASK64(3, 2)
#define CTX_RSVD    GENMASK64(11, 4)
#define CTX_SSPTPTR GENMASK64(63, 12)
#define CTX_HI_AW   GENMASK64(2, 0)
#define CTX_HI_DID  GENMASK64(23, 8)
#define CTX_HI_RSVD (BIT64(7) | GENMASK64(63, 24))
enum { CTX_TT_UNTRANSLATED = 0, CTX_TT_ATS = 1, CTX_TT_PASS_THROUGH = 2 };

#define SS_R    BIT64(0)
#define SS_W    BIT64(1)
#define SS_PS   BIT64(7)
#define SS_ADDR GENMASK64(51, 12)

/* Fault reasons, with the kernel's texts (Linux drivers/iommu/intel/dmar.c). */
#define VTD_FAULTS(F)                                                                              \
	F(ROOT_NOT_PRESENT, 0x1, "Present bit in root entry is clear")                             \
	F(CONTEXT_NOT_PRESENT, 0x2, "Present bit in context entry is clear")                       \
	F(CONTEXT_INVALID, 0x3, "Invalid context entry")                                           \
	F(BEYOND_MGAW, 0x4, "Access beyond MGAW")                                                  \
	F(NO_WRITE, 0x5, "PTE Write access is not set")                                            \
	F(NO_READ, 0x6, "PTE Read access is not set")                                              \
	F(NEXT_TABLE_INVALID, 0x7, "Next page table ptr is invalid")                               \
	F(ROOT_TABLE_INVALID, 0x8, "Root table address invalid")                                   \
	F(CONTEXT_TABLE_INVALID, 0x9, "Context table ptr is invalid")                              \
	F(ROOT_RSVD, 0xa, "non-zero reserved fields in RTP")                                       \
	F(CONTEXT_RSVD, 0xb, "non-zero reserved fields in CTP")                                    \
	F(PTE_RSVD, 0xc, "non-zero reserved fields in PTE")

enum vtd_fault {
	VTD_NO_FAULT = 0,
#define VTD_FAULT_ID_(id, code, text) VTD_FAULT_##id = code,
	VTD_FAULTS(VTD_FAULT_ID_)
#undef VTD_FAULT_ID_
};

static inline unsigned vtd_level_lg2(unsigned level)
{
	return PAGE_LG2 + VTD_LEVEL_BITS * (level - 1);
}

static inline unsigned vtd_index(uint64_t iova, unsigned level)
{
	return (unsigned)(iova >> vtd_level_lg2(level)) & (VTD_TABLE_ENTRIES - 1);
}

/* AW (adjusted guest address width): 1 is 39 bits in 3 levels, 2 is 48 bits in 4. */
static inline unsigned vtd_aw_bits(unsigned aw)
{
	return 30 + 9 * aw;
}

static inline unsigned vtd_aw_levels(unsigned aw)
{
	return aw + 2;
}

#endif
