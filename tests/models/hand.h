/*
 * hand - a VT-d unit whose tables, queue and registers the test writes itself, by numbers from the
 * specification (Intel VT-d 4.1, chapters 9 and 11): the driver half has no part in it, so an error that
 * both halves of the model share still shows.
 */
#ifndef TESTS_MODELS_HAND_H
#define TESTS_MODELS_HAND_H
#include "base/bits.h"
#include "tests/models/rig.h"

enum {
	REG_VER = 0x00,
	REG_CAP = 0x08,
	REG_ECAP = 0x10,
	REG_GCMD = 0x18,
	REG_GSTS = 0x1c,
	REG_RTADDR = 0x20,
	REG_CCMD = 0x28,
	REG_FSTS = 0x34,
	REG_FECTL = 0x38,
	REG_IQH = 0x80,
	REG_IQT = 0x88,
	REG_IQA = 0x90,
	REG_ICS = 0x9c,
	REG_IQERCD = 0xb0,
	/* placed by HAND_CAP and HAND_ECAP */
	REG_FRCD = 0x100,
	REG_IVA = 0x200,
	REG_IOTLB = 0x208,
};

/* 65536 domains, 39 and 48 bits, MGAW 48, fault records at 0x100, pages of 2 MiB and 1 GiB, page-
 * selective invalidation of up to 2^18 pages, 8 fault records. */
#define HAND_CAP  UINT64_C(0x8d2078c106f0666)
/* Coherent, QI, device TLBs, pass-through, snoop control, IVA and IOTLB at 0x200. */
#define HAND_ECAP UINT64_C(0xf020df)

/* The same with scalable mode: 57 bits, 1 GiB pages and 5 levels in the first stage; nested, accessed and
 * dirty bits of the second stage, both stages, PASID, RID_PASID, supervisor and execute requests. */
#define HAND_SM_CAP                                                                                \
	((HAND_CAP & ~GENMASK64(21, 16)) | UINT64_C(56) << 16 | BIT64(11) | BIT64(56) | BIT64(60))
#define HAND_SM_ECAP                                                                               \
	(HAND_ECAP | BIT64(26) | GENMASK64(31, 29) | BIT64(34) | BIT64(40) | BIT64(43) |           \
		GENMASK64(47, 45) | BIT64(49))

/* Address bits of the machine (HAND_HAW); default memory fills them. */
#define HAND_HAW 34

#define CAP_ESRTPS      BIT64(63)
#define ECAP_DEVICE_TLB BIT64(2)
#define ECAP_PASS       BIT64(6)
#define ECAP_SNOOP      BIT64(7)

#define RTADDR_SCALABLE BIT64(10)
#define IQA_WIDE        BIT64(11)

#define GCMD_ENABLE   BIT64(31)
#define GCMD_SET_ROOT BIT64(30)
#define GCMD_QUEUE    BIT64(26)

/* Context entry, high word: address width and domain. */
#define CONTEXT_48(did) (UINT64_C(2) | (uint64_t)(did) << 8)
#define CONTEXT_39(did) (UINT64_C(1) | (uint64_t)(did) << 8)

/* Paging entries. */
#define PTE_R  BIT64(0)
#define PTE_W  BIT64(1)
#define PTE_RW (PTE_R | PTE_W)
#define PTE_PS BIT64(7)

/* Descriptors, low words; the wait's high word is the status address. */
#define INV_CONTEXT_GLOBAL      UINT64_C(0x11)
#define INV_CONTEXT_DOMAIN(did) (UINT64_C(0x21) | (uint64_t)(did) << 16)
#define INV_CONTEXT_DEVICE(did, sid, fm)                                                           \
	(UINT64_C(0x31) | (uint64_t)(did) << 16 | (uint64_t)(sid) << 32 | (uint64_t)(fm) << 48)
#define INV_IOTLB_GLOBAL          UINT64_C(0xd2)
#define INV_IOTLB_DOMAIN(did)     (UINT64_C(0xe2) | (uint64_t)(did) << 16)
#define INV_IOTLB_PAGE(did)       (UINT64_C(0xf2) | (uint64_t)(did) << 16)
#define INV_HINT                  BIT64(6) /* of the high word */
/* PASID-based IOTLB (all of a PASID, or a block of it) and PASID cache. */
#define INV_PASID_ALL(did, pasid) (UINT64_C(0x26) | (uint64_t)(did) << 16 | (uint64_t)(pasid) << 32)
#define INV_PASID_PAGE(did, pasid)                                                                 \
	(UINT64_C(0x36) | (uint64_t)(did) << 16 | (uint64_t)(pasid) << 32)
#define INV_PCACHE_GLOBAL      UINT64_C(0x37)
#define INV_PCACHE_DOMAIN(did) (UINT64_C(0x07) | (uint64_t)(did) << 16)
#define INV_PCACHE_PASID(did, pasid)                                                               \
	(UINT64_C(0x17) | (uint64_t)(did) << 16 | (uint64_t)(pasid) << 32)
#define INV_WAIT(data) (UINT64_C(0x25) | (uint64_t)(data) << 32)

struct hand {
	struct rig rig;
	uint64_t next; /* page not yet in use */
	uint64_t root, queue;
	uint32_t gcmd, tail;
	bool queued; /* the queue is on */
	bool wide; /* 256-bit descriptors; set before hand_on() */
	uint64_t mode; /* RTADDR.TTM, in place; set before hand_on() */
};

/* Change rig.mem and rig_set() keys in between; hand_start() leaves the unit at its reset. */
void hand_init(struct hand *h);
void hand_start(struct hand *h);
void hand_stop(struct hand *h);

uint64_t hand_read(struct hand *h, uint32_t offset, unsigned bytes);
void hand_write(struct hand *h, uint32_t offset, unsigned bytes, uint64_t value);
/* Write GCMD with these bits added (removed) and wait. SRTP does not stay. */
void hand_command(struct hand *h, uint64_t set, uint64_t clear);
void hand_on(struct hand *h); /* root table, queue, translation */

uint64_t hand_page(struct hand *h); /* a zeroed page */
uint64_t hand_get(struct hand *h, uint64_t at);
void hand_put(struct hand *h, uint64_t at, uint64_t value);
/* Address of the context entry of a device; its root entry and table are made. */
uint64_t hand_context_at(struct hand *h, uint16_t bdf);
void hand_context(struct hand *h, uint16_t bdf, uint64_t lo, uint64_t hi);
/* Address of the entry for iova at `level` below the table; tables on the way are made with RW. */
uint64_t hand_entry_at(
	struct hand *h, uint64_t table, unsigned levels, uint64_t iova, unsigned level);
void hand_map(struct hand *h, uint64_t table, unsigned levels, uint64_t iova, unsigned level,
	uint64_t entry);

/* Put a descriptor on the queue, ring and wait until the unit is idle. */
void hand_submit(struct hand *h, uint64_t lo, uint64_t hi);
struct xlate hand_dma(struct hand *h, uint16_t bdf, uint64_t iova, bool write);

#endif
