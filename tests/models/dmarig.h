/*
 * dmarig - the DMA API on a rig: one device behind a PCIe port, on the model of the rig (or on none),
 * with any flush policy.
 */
#ifndef TESTS_MODELS_DMARIG_H
#define TESTS_MODELS_DMARIG_H
#include "dma/dma.h"
#include "tests/models/rig.h"

struct dmarig {
	struct rig rig;
	struct iommu_units units; /* one: the rig's */
	struct dma_conf dma;
	struct dma_system_conf conf;
	struct pcie_conf pcie;
	void *allocator_conf, *policy_conf;
	struct dma_system *system;
	struct pcie_port *port;
	struct dma_dev *dev;
};

#define DMARIG_BDF 0x0300

/* Policy by name ("strict"), or NULL and policy_double. Change dma and rig_set() keys in between. */
void dmarig_init(struct dmarig *r, const char *model, const char *policy,
	const struct flush_policy_ops *policy_double);
void dmarig_start(struct dmarig *r);
/* Drains and takes down; asserts that nothing is left. */
void dmarig_stop(struct dmarig *r);

/* One call of the API on CPU 0. map: false when it was refused. */
bool dmarig_map(struct dmarig *r, uint64_t pa, uint32_t len, enum dma_dir dir, uint64_t *iova);
void dmarig_unmap(struct dmarig *r, uint64_t iova, uint32_t len);
void dmarig_drain(struct dmarig *r);
/* A DMA of the device, to its end: false when it was refused. */
bool dmarig_dma(struct dmarig *r, uint64_t iova, uint32_t len, bool write);
struct dma_verdict dmarig_verdict(const struct dmarig *r);

#endif
