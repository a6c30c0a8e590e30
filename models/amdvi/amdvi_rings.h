/*
 * amdvi_rings - what stands in the command buffer, the event log and the PPR log: entries of 16 bytes,
 * two words each, the code in bits 63:60 of the first. AMD IOMMU Specification, 48882, sections 2.4
 * "Commands", 2.5 "Event Logging", 2.6 "Peripheral Page Request Logging".
 */
#ifndef MODELS_AMDVI_AMDVI_RINGS_H
#define MODELS_AMDVI_AMDVI_RINGS_H
#include "base/bits.h"

#define RING_ENTRY_BYTES 16u
#define RING_CODE        GENMASK64(63, 60)

/* ---- 2.4 commands ---- */
enum amdvi_opcode {
	CMD_COMPLETION_WAIT = 1,
	CMD_INVALIDATE_DEVTAB_ENTRY = 2,
	CMD_INVALIDATE_IOMMU_PAGES = 3,
	CMD_INVALIDATE_IOTLB_PAGES = 4,
	CMD_INVALIDATE_INTERRUPT_TABLE = 5,
	CMD_PREFETCH_IOMMU_PAGES = 6,
	CMD_COMPLETE_PPR_REQUEST = 7,
	CMD_INVALIDATE_IOMMU_ALL = 8,
};
#define CMD_WAIT_S           BIT64(0) /* store */
#define CMD_WAIT_I           BIT64(1) /* interrupt */
#define CMD_WAIT_F           BIT64(2) /* flush queue */
#define CMD_WAIT_ADDR        GENMASK64(51, 3)
#define CMD_DEVICE           GENMASK64(15, 0)
#define CMD_PAGES_PASID      GENMASK64(19, 0)
#define CMD_PAGES_DOMAIN     GENMASK64(47, 32)
#define CMD1_S               BIT64(0) /* the address carries a size */
#define CMD1_PDE             BIT64(1) /* page directory entries too */
#define CMD1_GN              BIT64(2) /* of a PASID */
#define CMD1_ADDR            GENMASK64(63, 12)
#define CMD_IOTLB_PASID_LOW  GENMASK64(23, 16) /* PASID bits 7:0 */
#define CMD_IOTLB_MAXPEND    GENMASK64(31, 24)
#define CMD_IOTLB_QUEUE      GENMASK64(47, 32)
#define CMD_IOTLB_PASID_HIGH GENMASK64(59, 48) /* bits 19:8 */
#define CMD1_IOTLB_TYPE      GENMASK64(5, 4)
#define CMD_PREF_PASID_LOW   GENMASK64(23, 16)
#define CMD_PREF_COUNT       GENMASK64(31, 24) /* pages - 1 */
#define CMD_PREF_PASID_HIGH  GENMASK64(59, 48)
#define CMD1_PREF_INVAL      BIT64(4) /* invalidate before */
#define CMD_PPR_PASID        GENMASK64(51, 32)
#define CMD1_PPR_TAG         GENMASK64(40, 32)
#define CMD1_PPR_STATUS      GENMASK64(47, 44)

/* ---- 2.5 events. EVENT(id, code, name) as kernels print it ---- */
#define AMDVI_EVENTS(E)                                                                            \
	E(ILLEGAL_DTE, 1, "ILLEGAL_DEV_TABLE_ENTRY")                                               \
	E(IO_PAGE_FAULT, 2, "IO_PAGE_FAULT")                                                       \
	E(DEV_TAB_HW_ERROR, 3, "DEV_TAB_HARDWARE_ERROR")                                           \
	E(PAGE_TAB_HW_ERROR, 4, "PAGE_TAB_HARDWARE_ERROR")                                         \
	E(ILLEGAL_COMMAND, 5, "ILLEGAL_COMMAND_ERROR")                                             \
	E(COMMAND_HW_ERROR, 6, "COMMAND_HARDWARE_ERROR")                                           \
	E(IOTLB_INV_TIMEOUT, 7, "IOTLB_INV_TIMEOUT")                                               \
	E(INVALID_DEVICE_REQUEST, 8, "INVALID_DEVICE_REQUEST")                                     \
	E(INVALID_PPR_REQUEST, 9, "INVALID_PPR_REQUEST")                                           \
	E(RMP_PAGE_FAULT, 0xd, "RMP_PAGE_FAULT")                                                   \
	E(RMP_HW_ERROR, 0xe, "RMP_HW_ERROR")
enum amdvi_event {
	EVENT_NONE = 0,
#define AMDVI_EVENT_ID_(id, code, name) EVENT_##id = code,
	AMDVI_EVENTS(AMDVI_EVENT_ID_)
#undef AMDVI_EVENT_ID_
};
#define EVENT_DEVICE     GENMASK64(15, 0)
#define EVENT_PASID_HIGH GENMASK64(19, 16)
#define EVENT_DOMAIN     GENMASK64(47, 32) /* or PASID bits 15:0, with GN */
#define EVENT_GN         BIT64(48)
#define EVENT_NX         BIT64(49)
#define EVENT_US         BIT64(50)
#define EVENT_I          BIT64(51)
#define EVENT_PR         BIT64(52)
#define EVENT_RW         BIT64(53)
#define EVENT_PE         BIT64(54)
#define EVENT_RZ         BIT64(55)
#define EVENT_TR         BIT64(56)
#define EVENT_FLAGS      GENMASK64(59, 48)
#define EVENT_HW_TYPE    GENMASK64(58, 57)
enum { HW_MASTER_ABORT = 1, HW_TARGET_ABORT = 2, HW_DATA_ERROR = 3 };
#define EVENT_REQUEST_TYPE GENMASK64(59, 57) /* of INVALID_DEVICE_REQUEST */
enum { REQUEST_PRETRANSLATED = 1 };

/* ---- 2.6 PPR log ---- */
enum { PPR_PAGE_SERVICE_REQUEST = 1 };
#define PPR_DEVICE     GENMASK64(15, 0)
#define PPR_PASID_LOW  GENMASK64(31, 16) /* PASID bits 15:0 */
#define PPR_TAG        GENMASK64(41, 32)
#define PPR_PASID_HIGH GENMASK64(45, 42) /* bits 19:16 */
#define PPR_GN         BIT64(52)
#define PPR_EXEC       BIT64(53)
#define PPR_READ       BIT64(54)
#define PPR_WRITE      BIT64(57)
#define PPR_US         BIT64(58)
#define PPR1_ADDR      GENMASK64(63, 12)

#endif
