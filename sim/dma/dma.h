/*
 * dma - the DMA API of the simulated kernel over the IOMMU API: every workload maps and unmaps
 * through here, whatever the vendor, allocator or flush policy. Keeps which ranges are live, and
 * holds every translation that a device gets against it.
 */
#ifndef SIM_DMA_DMA_H
#define SIM_DMA_DMA_H
#include "conf/conf.h"
#include "dma/flush/flush.h"
#include "dma/iova/iova.h"
#include "hw/pcie.h"
#include "iommu/units.h"

#define DMA_CONF(F)                                                                                \
	F(u32, mask_bits, "64", "24", "64", "bits", "Address mask of the devices.")                \
	F(bool, forcedac, "false", NULL, NULL, "",                                                 \
		"Do not try addresses below 4 GiB first (iommu.forcedac).")                        \
	F(size, pci_window, "256MiB", "0", "2GiB", "",                                             \
		"Apertures of PCI devices, up to 0xfec00000: never handed out as addresses.")

CONF_DECLARE(dma_conf, DMA_CONF);
extern const struct conf_table dma_conf_table;

enum dma_dir { DMA_TO_DEVICE, DMA_FROM_DEVICE, DMA_BIDIRECTIONAL };

struct dma_system; /* all domains, the policy, the ground truth */
struct dma_dev; /* one device, attached to a domain */

struct dma_system_conf {
	const struct dma_conf *dma;
	const struct iova_allocator_ops *allocator;
	const void *allocator_conf;
	const struct flush_policy_ops *policy;
	const void *policy_conf;
};

/* units: outlive the system; without any there is no IOMMU, and bus addresses are physical addresses. */
struct dma_system *dma_system_create(struct machine *m, const struct dma_system_conf *conf,
	const struct iommu_units *units, struct windows *windows);
void dma_system_destroy(struct dma_system *s);
/* Flush and release everything that waits; then every IOVA is back or the run has leaked. */
void dma_system_drain(struct dma_system *s, struct proc *p);

struct dma_sg {
	hpa_t pa; /* page-aligned except for the first segment */
	uint32_t len;
};

/*
 * Who records what drivers and devices do. A map is announced at its call and told when it has returned;
 * in between others may happen. `called` is the caller's local time; the engine's is never later.
 */
struct dma_observer {
	void *(*map_called)(void *ctx, const struct dma_dev *d, unsigned cpu, sim_time called);
	/* n 0: it failed. call: what map_called() returned. */
	void (*mapped)(void *ctx, void *call, const struct dma_sg *sg, unsigned n, enum dma_dir dir,
		bool coherent, iova_t iova);
	void (*unmap_called)(
		void *ctx, const struct dma_dev *d, unsigned cpu, sim_time called, iova_t iova);
	void (*accessed)(
		void *ctx, const struct dma_dev *d, const struct pcie_dma *dma, sim_time now);
	void *ctx;
};
/* Of the devices made from now on; *o outlives them. */
void dma_system_observe(struct dma_system *s, const struct dma_observer *o);
const char *dma_dev_name(const struct dma_dev *d); /* "03:00.0" */
/* False: there is no IOMMU. */
bool dma_system_translates(const struct dma_system *s);

/* One domain of its own for the device behind `port`; connects the port to the IOMMU. */
struct dma_dev *dma_dev_create(
	struct dma_system *s, struct proc *p, struct pcie_port *port, struct err *err);
/* A device in the domain of another (a group of devices, a guest with several): what is mapped for one is
 * mapped for all. It may be in another remapping unit's scope: the domain then lives on both. NULL with
 * *err when the model has no such domains. */
struct dma_dev *dma_dev_join(
	struct dma_dev *with, struct proc *p, struct pcie_port *port, struct err *err);
/* Detach, the device that owns the domain last; d's memory goes with the system. */
void dma_dev_destroy(struct dma_dev *d, struct proc *p);

/* False when the address space is exhausted. *out carries the offset within the page. May wait. */
bool dma_map_single(
	struct dma_dev *d, struct proc *p, hpa_t pa, uint32_t len, enum dma_dir dir, iova_t *out);
void dma_unmap_single(
	struct dma_dev *d, struct proc *p, iova_t iova, uint32_t len, enum dma_dir dir);
/* The segments become one contiguous IOVA range. */
bool dma_map_sg(struct dma_dev *d, struct proc *p, const struct dma_sg *sg, unsigned n,
	enum dma_dir dir, iova_t *out);
/* The same list that was mapped; one unmap of the whole range. */
void dma_unmap_sg(struct dma_dev *d, struct proc *p, const struct dma_sg *sg, unsigned n,
	enum dma_dir dir, iova_t iova);
/* Zeroed, page-aligned memory that device and CPU share (rings). */
bool dma_alloc_coherent(struct dma_dev *d, struct proc *p, uint32_t bytes, hpa_t *pa, iova_t *iova);
void dma_free_coherent(struct dma_dev *d, struct proc *p, uint32_t bytes, hpa_t pa, iova_t iova);

/* Ranges mapped and not yet unmapped; 0 at the end of a run that does not leak. */
uint64_t dma_live_ranges(const struct dma_system *s);
struct dma_totals {
	uint64_t invalidations; /* since the reset */
	sim_time flush_max; /* longest flush, from when it was due until complete */
	sim_time window_bound; /* the policy's promise, see struct flush_policy_ops */
};
void dma_totals(const struct dma_system *s, struct dma_totals *t); /* with an IOMMU only */

struct dma_verdict {
	uint64_t right, stale, wrong_target, unmapped_ok, fault_expected, fault_unexpected;
};
/* Of all translations of the device since the reset. */
struct dma_verdict dma_dev_verdict(const struct dma_dev *d);

extern const struct metric_table dma_metric_table;

#endif
