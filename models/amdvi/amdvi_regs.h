/*
 * amdvi_regs - MMIO register offsets and fields by the specification's names.
 * AMD I/O Virtualization Technology (IOMMU) Specification, 48882, section 3.4 "IOMMU MMIO Registers".
 */
#ifndef MODELS_AMDVI_AMDVI_REGS_H
#define MODELS_AMDVI_AMDVI_REGS_H
#include "base/bits.h"

#define AMDVI_REGS_SIZE 0x4000u /* below the performance counters */

enum {
	AMDVI_DEV_TAB_BASE = 0x0000,
	AMDVI_COM_BASE = 0x0008,
	AMDVI_EVENT_BASE = 0x0010,
	AMDVI_CONTROL = 0x0018,
	AMDVI_EXCL_BASE = 0x0020,
	AMDVI_EXCL_LIMIT = 0x0028,
	AMDVI_EFR = 0x0030,
	AMDVI_PPR_BASE = 0x0038,
	AMDVI_COM_HEAD = 0x2000,
	AMDVI_COM_TAIL = 0x2008,
	AMDVI_EVENT_HEAD = 0x2010,
	AMDVI_EVENT_TAIL = 0x2018,
	AMDVI_STATUS = 0x2020,
	AMDVI_PPR_HEAD = 0x2030,
	AMDVI_PPR_TAIL = 0x2038,
};

/* 0000h Device Table Base Address: (Size + 1) x 4 KiB of 32-byte entries. */
#define DEV_TAB_SIZE GENMASK64(8, 0)
#define DEV_TAB_BASE GENMASK64(51, 12)

/* 0008h, 0010h, 0038h Command Buffer, Event Log and PPR Log Base Address: 2^Len entries of 16 bytes. */
#define RING_LEN     GENMASK64(59, 56)
#define RING_LEN_MIN 8u /* lower values are reserved */
#define RING_BASE    GENMASK64(51, 12)
#define RING_PTR     GENMASK64(18, 4) /* head and tail: byte offsets */

/* 0018h IOMMU Control Register */
#define CTRL_IOMMU_EN      BIT64(0)
#define CTRL_EVENT_LOG_EN  BIT64(2)
#define CTRL_EVENT_INT_EN  BIT64(3)
#define CTRL_COM_WAIT_INT  BIT64(4)
#define CTRL_INV_TIMEOUT   GENMASK64(7, 5)
#define CTRL_CMD_BUF_EN    BIT64(12)
#define CTRL_PPR_LOG_EN    BIT64(13)
#define CTRL_PPR_INT_EN    BIT64(14)
#define CTRL_PPR_EN        BIT64(15)
#define CTRL_GT_EN         BIT64(16)
#define CTRL_GD_UPDATE_DIS BIT64(48) /* guest dirty bits are not written */
#define CTRL_GA_UPDATE_DIS BIT64(54) /* guest accessed bits are not written */

/* 0020h, 0028h Exclusion Range Base and Limit */
#define EXCL_EX_EN BIT64(0)
#define EXCL_ALLOW BIT64(1)
#define EXCL_ADDR  GENMASK64(51, 12)

/* 0030h Extended Feature Register */
#define EFR_PREF_SUP BIT64(0)
#define EFR_PPR_SUP  BIT64(1)
#define EFR_NX_SUP   BIT64(3)
#define EFR_GT_SUP   BIT64(4)
#define EFR_IA_SUP   BIT64(6)
#define EFR_PC_SUP   BIT64(9)
#define EFR_HATS     GENMASK64(11, 10) /* host tables: 0: 4 levels, 1: 5, 2: 6 */
#define EFR_GATS     GENMASK64(13, 12) /* guest tables: 0: 4 levels, 1: 5, 2: 6 */
#define EFR_GLX_SUP  GENMASK64(15, 14)
#define EFR_PAS_MAX  GENMASK64(36, 32) /* PASID bits - 1 */
#define EFR_GIO_SUP  BIT64(48)

/* 2020h IOMMU Status Register */
#define STATUS_EVENT_OVERFLOW BIT64(0)
#define STATUS_EVENT_LOG_INT  BIT64(1)
#define STATUS_COM_WAIT_INT   BIT64(2)
#define STATUS_EVENT_LOG_RUN  BIT64(3)
#define STATUS_CMD_BUF_RUN    BIT64(4)
#define STATUS_PPR_OVERFLOW   BIT64(5)
#define STATUS_PPR_INT        BIT64(6)
#define STATUS_PPR_LOG_RUN    BIT64(7)
#define STATUS_W1C                                                                                 \
	(STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT | STATUS_COM_WAIT_INT |                      \
		STATUS_PPR_OVERFLOW | STATUS_PPR_INT)

/* 4000h Counter Configuration Register; counters of bank b, number n at 40000h + b x 1000h + n x 100h. */
#define AMDVI_COUNTER_CONFIG 0x4000u
#define COUNTER_NUMBER       GENMASK64(10, 7)
#define COUNTER_BANKS        GENMASK64(17, 12)
#define AMDVI_COUNTERS       0x40000u
enum { /* registers of one counter, 8 bytes each */
	COUNTER_VALUE,
	COUNTER_SOURCE,
	COUNTER_PASID_MATCH,
	COUNTER_DOMAIN_MATCH,
	COUNTER_DEVICE_MATCH,
	COUNTER_REGS
};
#define COUNTER_CSOURCE  GENMASK64(7, 0)
#define COUNTER_BITS     GENMASK64(47, 0)
#define COUNTER_MATCH    GENMASK64(15, 0)
#define COUNTER_MATCH_EN BIT64(31)
#define COUNTER_MASK     GENMASK64(47, 32)
#define COUNTER_FILTER   (COUNTER_MATCH | COUNTER_MATCH_EN | COUNTER_MASK)

#endif
