/*
 * vtd_tables - the structures in memory that translation reads, legacy and scalable mode.
 * Intel VT-d Architecture Specification rev. 4.1, chapter 9: 9.1 Root Entry, 9.2 Scalable-Mode Root
 * Entry, 9.3 Context Entry, 9.4 Scalable-Mode Context Entry, 9.5 PASID Directory Entry, 9.6 PASID
 * Table Entry, 9.7 First-Stage Paging Entries, 9.8 Second-Stage Paging Entries.
 *
 *   level 5  FS-PML5E             256 TiB an entry
 *   level 4  FS-PML4E, SS-PML4E   512 GiB
 *   level 3  FS-PDPE,  SS-PDPE    1 GiB, may be a leaf
 *   level 2  FS-PDE,   SS-PDE     2 MiB, may be a leaf
 *   level 1  FS-PTE,   SS-PTE     4 KiB, always a leaf
 */
#ifndef MODELS_VTD_VTD_TABLES_H
#define MODELS_VTD_VTD_TABLES_H
#include "base/bits.h"
#include "base/types.h"

#define VTD_LEVEL_BITS    9u
#define VTD_ENTRY_BYTES   8u
#define VTD_TABLE_ENTRIES 512u
#define VTD_MAX_LEVELS    5u

/* ---- root and context, legacy ---- */
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

/* ---- scalable mode ---- */
/* A root entry has a half for devices 0-15 and one for 16-31; each points to 128 context entries. */
#define SM_CONTEXT_ENTRY_BYTES 32u
#define SM_CONTEXT_WORDS       4u
#define SM_CTX_DTE             BIT64(2)
#define SM_CTX_PASIDE          BIT64(3)
#define SM_CTX_PRE             BIT64(4)
#define SM_CTX_PDTS            GENMASK64(11, 9)
#define SM_CTX_RSVD            GENMASK64(8, 5)
#define SM_CTX_PASIDDIRPTR     GENMASK64(63, 12)
#define SM_CTX1_RID_PASID      GENMASK64(19, 0)
#define SM_CTX1_RID_PRIV       BIT64(20)
#define SM_CTX1_RSVD           GENMASK64(63, 21)

#define PASID_DIR_P         BIT64(0)
#define PASID_DIR_FPD       BIT64(1)
#define PASID_DIR_RSVD      GENMASK64(11, 2)
#define PASID_DIR_SMPTBLPTR GENMASK64(63, 12)
#define PASID_LOW_BITS      6u /* index into a PASID table; the rest is the directory's */
#define PASID_BITS          20u

#define PASID_ENTRY_BYTES 64u
#define PASID_ENTRY_WORDS 8u
#define PASID_P           BIT64(0)
#define PASID_FPD         BIT64(1)
#define PASID_AW          GENMASK64(4, 2)
#define PASID_PGTT        GENMASK64(8, 6)
#define PASID_SSADE       BIT64(9)
#define PASID_RSVD        GENMASK64(11, 10)
#define PASID_SSPTPTR     GENMASK64(63, 12)
#define PASID1_DID        GENMASK64(15, 0)
#define PASID2_SRE        BIT64(0)
#define PASID2_ERE        BIT64(1)
#define PASID2_FSPM       GENMASK64(3, 2)
#define PASID2_WPE        BIT64(4)
#define PASID2_NXE        BIT64(5)
#define PASID2_SMEP       BIT64(6)
#define PASID2_EAFE       BIT64(7)
#define PASID2_FSPTPTR    GENMASK64(63, 12)
enum { PGTT_FIRST = 1, PGTT_SECOND = 2, PGTT_NESTED = 3, PGTT_PASS_THROUGH = 4 };

/* ---- paging entries ---- */
#define SS_R    BIT64(0)
#define SS_W    BIT64(1)
#define SS_PS   BIT64(7)
#define SS_A    BIT64(8)
#define SS_D    BIT64(9)
#define SS_SNP  BIT64(11)
#define SS_TM   BIT64(62) /* transient mapping, for device TLBs */
#define SS_ADDR GENMASK64(51, 12)

#define FS_P    BIT64(0)
#define FS_RW   BIT64(1)
#define FS_US   BIT64(2)
#define FS_A    BIT64(5)
#define FS_D    BIT64(6)
#define FS_PS   BIT64(7)
#define FS_EA   BIT64(10)
#define FS_ADDR GENMASK64(51, 12)
#define FS_XD   BIT64(63)

/*
 * Fault reasons, 7.1.3 "Non-Recoverable Fault Reporting" and Table 25, with the kernel's texts (Linux
 * drivers/iommu/intel/dmar.c). FAULT(name, legacy mode, scalable mode, text): a condition with one
 * code in each mode; 0: does not occur there.
 */
#define VTD_FAULTS(F)                                                                              \
	F(ROOT_NOT_PRESENT, 0x1, 0x39, "Present bit in root entry is clear")                       \
	F(CONTEXT_NOT_PRESENT, 0x2, 0x41, "Present bit in context entry is clear")                 \
	F(CONTEXT_INVALID, 0x3, 0x43, "Invalid context entry")                                     \
	F(BEYOND_MGAW, 0x4, 0x83, "Access beyond MGAW")                                            \
	F(NO_WRITE, 0x5, 0x85, "PTE Write access is not set")                                      \
	F(NO_READ, 0x6, 0x86, "PTE Read access is not set")                                        \
	F(SS_TABLE_ACCESS, 0x7, 0x78, "Next page table ptr is invalid")                            \
	F(SS_ROOT_ACCESS, 0x3, 0x7b, "Invalid second-level page table pointer")                    \
	F(ROOT_ACCESS, 0x8, 0x38, "Root table address invalid")                                    \
	F(CONTEXT_ACCESS, 0x9, 0x40, "Context table ptr is invalid")                               \
	F(ROOT_RSVD, 0xa, 0x3a, "non-zero reserved fields in RTP")                                 \
	F(CONTEXT_RSVD, 0xb, 0x42, "non-zero reserved fields in CTP")                              \
	F(SS_RSVD, 0xc, 0x7a, "non-zero reserved fields in PTE")                                   \
	F(TRANSLATION_BLOCKED, 0xd, 0x44, "PCE for translation request specifies blocking")        \
	F(INTERRUPT_ADDRESS, 0xe, 0x87, "Invalid address-interrupt address")                       \
	F(NOT_SCALABLE_ROOT, 0, 0x30, "SM: Invalid Root Table Address")                            \
	F(TTM_FOR_PASID, 0x31, 0x31, "SM: TTM 0 for request with PASID")                           \
	F(PASID_DISABLED, 0, 0x45, "SM: PASID Enable field in Context Entry is clear")             \
	F(PASID_TOO_LARGE, 0, 0x46, "SM: PASID is larger than the max in Context Entry")           \
	F(PAGE_REQUEST_DISABLED, 0, 0x47, "SM: PRE field in Context-Entry is clear")               \
	F(RID_PASID, 0, 0x48, "SM: RID_PASID field error in Context-Entry")                        \
	F(DIR_ACCESS, 0, 0x50, "SM: Error attempting to access the PASID Directory Entry")         \
	F(DIR_NOT_PRESENT, 0, 0x51, "SM: Present bit in Directory Entry is clear")                 \
	F(DIR_RSVD, 0, 0x52, "SM: Non-zero reserved field set in PASID Directory Entry")           \
	F(PASID_ACCESS, 0, 0x58, "SM: Error attempting to access PASID Table Entry")               \
	F(PASID_NOT_PRESENT, 0, 0x59, "SM: Present bit in PASID Table Entry is clear")             \
	F(PASID_RSVD, 0, 0x5a, "SM: Non-zero reserved field set in PASID Table Entry")             \
	F(PASID_INVALID, 0, 0x5b, "SM: Invalid Scalable-Mode PASID Table Entry")                   \
	F(ERE_CLEAR, 0, 0x5c, "SM: ERE field is clear in PASID Table Entry")                       \
	F(SRE_CLEAR, 0, 0x5d, "SM: SRE field is clear in PASID Table Entry")                       \
	F(FS_TABLE_ACCESS, 0, 0x70, "SM: Error attempting to access first-level paging entry")     \
	F(FS_NOT_PRESENT, 0, 0x71, "SM: Present bit in first-level paging entry is clear")         \
	F(FS_RSVD, 0, 0x72, "SM: Non-zero reserved field set in first-level paging entry")         \
	F(FS_ROOT_ACCESS, 0, 0x73, "SM: Error attempting to access FL-PML4 entry")                 \
	F(NESTED_BEYOND_MGAW, 0, 0x74,                                                             \
		"SM: First-level entry address beyond MGAW in Nested translation")                 \
	F(NESTED_ROOT_READ, 0, 0x75,                                                               \
		"SM: Read permission error in FL-PML4 entry in Nested translation")                \
	F(NESTED_READ, 0, 0x76,                                                                    \
		"SM: Read permission error in first-level paging entry in Nested translation")     \
	F(NESTED_WRITE, 0, 0x77,                                                                   \
		"SM: Write permission error in first-level paging entry in Nested translation")    \
	F(NOT_CANONICAL, 0, 0x80, "SM: Address in first-level translation is not canonical")       \
	F(USER, 0, 0x81, "SM: U/S set 0 for first-level translation with user privilege")          \
	F(NO_EXECUTE, 0, 0x82, "SM: No execute permission for request with PASID and ER=1")

enum vtd_fault {
	VTD_NO_FAULT = 0,
#define VTD_FAULT_ID_(id, legacy, scalable, text) VTD_FAULT_##id,
	VTD_FAULTS(VTD_FAULT_ID_)
#undef VTD_FAULT_ID_
		VTD_FAULT_COUNT
};

/* The architectural fault reason. */
uint16_t vtd_fault_code(enum vtd_fault fault, bool scalable);
/* Its text as a kernel prints it. */
const char *vtd_fault_text(uint16_t code);

static inline unsigned vtd_level_lg2(unsigned level)
{
	return PAGE_LG2 + VTD_LEVEL_BITS * (level - 1);
}

static inline unsigned vtd_index(uint64_t iova, unsigned level)
{
	return (unsigned)(iova >> vtd_level_lg2(level)) & (VTD_TABLE_ENTRIES - 1);
}

/* AW (adjusted guest address width): 1 is 39 bits in 3 levels, 2 is 48 bits in 4, 3 is 57 in 5. */
static inline unsigned vtd_aw_bits(unsigned aw)
{
	return 30 + 9 * aw;
}

static inline unsigned vtd_aw_levels(unsigned aw)
{
	return aw + 2;
}

#endif
