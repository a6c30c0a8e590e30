/*
 * pcie_rig - a PCIe port on a machine, with a translator whose answers the test chooses page by page,
 * a device that notes when its DMAs are done, and an observer that notes the units of traffic.
 */
#ifndef TESTS_HW_PCIE_RIG_H
#define TESTS_HW_PCIE_RIG_H
#include "hw/pcie.h"
#include "hw/pcie_priv.h"
#include "tests/support/bed.h"

#define RIG_DMAS  4096
#define RIG_UNITS 4096
#define RIG_PAGES 64
#define RIG_HIT   (10 * NS) /* latency of a translation that hits */

struct rig_page { /* what the translator says of a page: by iova / 4 KiB, from 0 */
	sim_time walk; /* 0: hit */
	bool faults;
};

struct rig;

struct rig_dma {
	struct pcie_dma d;
	struct rig *rig;
	sim_time submit_at, done_at; /* done_at 0: not yet */
	struct event submit;
};

struct rig_walk {
	struct event event;
	struct xlate *x;
};

struct rig_unit {
	uint64_t iova;
	uint32_t len;
	bool write, ok;
	sim_time seen;
};

struct rig {
	struct bed bed;
	struct pcie_conf conf;
	struct pcie_port *port;
	struct rig_page page[RIG_PAGES];
	struct rig_walk walk[RIG_UNITS];
	struct rig_dma dma[RIG_DMAS];
	struct rig_unit unit[RIG_UNITS];
	unsigned nwalks, ndmas, nunits;
	unsigned order[RIG_DMAS]; /* of completion: indices of dma */
	unsigned ndone;
};

/* A byte is a nanosecond on the link (8 Gbps), 26 of header, 200 ns one way; memory reads take 90,
 * writes 60, at any bandwidth. MPS 256, MRRS 512. conf may be changed before rig_build(). */
void rig_init(struct rig *r);
void rig_build(struct rig *r);
void rig_fini(struct rig *r);

/* A DMA to be submitted then; its index. */
unsigned rig_dma(struct rig *r, sim_time when, bool write, uint64_t iova, uint32_t len);
/* Until every one is done. */
void rig_run(struct rig *r);
sim_time rig_done(const struct rig *r, unsigned dma);

#endif
