/*
 * vtd - one Intel VT-d remapping unit: configuration, and the state of its two halves. hw_*.c is the
 * silicon and never sees struct vtd_drv; drv_*.c is the kernel driver and touches the silicon only
 * through simulated memory and vtd_mmio_read/write.
 */
#ifndef MODELS_VTD_VTD_H
#define MODELS_VTD_VTD_H
#include "hw/cpu.h"
#include "hw/lock.h"
#include "iommu/iommu.h"
#include "iommu/itags.h"
#include "iommu/pagereq.h"
#include "iommu/ptable.h"
#include "iommu/regfile.h"
#include "iommu/spaces.h"
#include "hw/tagcache.h"
#include "iommu/walker.h"
#include "models/vtd/vtd_regs.h"
#include "models/vtd/vtd_tables.h"

#define VTD_CONF(F)                                                                                 \
	F(u64, cap, "0x8d2078c106f0466", NULL, NULL, "",                                            \
		"Capability register, as `dmesg` prints it (default: a real Xeon server of 2012).") \
	F(u64, ecap, "0xf020df", NULL, NULL, "", "Extended capability register.")                   \
	F(u32, haw, "46", "32", "52", "bits",                                                       \
		"Host address width: address bits beyond it are reserved in every structure.")      \
	F(u32, iotlb_entries, "64", "0", "65536", "entries", "IOTLB; 0: none.")                     \
	F(u32, iotlb_ways, "8", "0", "1024", "ways", "IOTLB associativity; 0: fully associative.")  \
	F(choice, iotlb_replace, "lru", NULL, NULL, TAGCACHE_REPLACE_WORDS,                         \
		"IOTLB replacement policy.")                                                        \
	F(time, iotlb_hit, "2ns", "0", "1us", "", "Added by a translation that hits.")              \
	F(u32, context_entries, "64", "0", "65536", "entries", "Context cache; 0: none.")           \
	F(u32, pasid_entries, "64", "0", "65536", "entries", "PASID cache; 0: none.")               \
	F(u32, pml5_entries, "8", "0", "4096", "entries",                                           \
		"Paging-structure cache of FS-PML5 entries.")                                       \
	F(u32, pml4_entries, "16", "0", "4096", "entries",                                          \
		"Paging-structure cache of PML4 entries, of either stage.")                         \
	F(u32, pdp_entries, "32", "0", "4096", "entries",                                           \
		"Paging-structure cache of PDP entries.")                                           \
	F(u32, pd_entries, "64", "0", "4096", "entries", "Paging-structure cache of PD entries.")   \
	F(u32, walkers, "6", "1", "64", "walkers", "Page walks at the same time.")                  \
	F(time, walk_overhead, "60ns", "0", "1us", "", "Of a walk, on top of its memory reads.")    \
	F(time, walk_read, "0", "0", "1us", "",                                                     \
		"Of each memory read of a walk, on top of the memory's own latency.")               \
	F(choice, inflight, "drain", NULL, NULL, WALKER_INFLIGHT_WORDS,                             \
		"What an invalidation does about walks in flight; drain is the architecture.")      \
	F(time, command_latency, "500ns", "0", "1ms", "",                                           \
		"From a write of GCMD to the status bit.")                                          \
	F(time, inv_decode, "30ns", "0", "1us", "", "Decoding an invalidation descriptor.")         \
	F(time, inv_page, "180ns", "0", "100us", "", "Page-selective IOTLB invalidation.")          \
	F(time, inv_domain, "250ns", "0", "100us", "", "Domain-selective IOTLB invalidation.")      \
	F(time, inv_global, "300ns", "0", "100us", "", "Global IOTLB invalidation.")                \
	F(time, inv_context, "150ns", "0", "100us", "", "Context-cache invalidation.")              \
	F(time, status_write, "100ns", "0", "10us", "",                                             \
		"From the end of a wait descriptor until its status is in memory.")                 \
	F(time, ats_timeout, "10ms", "1us", "100s", "",                                             \
		"Longest wait for a device's invalidate completion (ITE; PCIe allows a minute).")   \
	F(u32, relax, "40", "1", "10000", "cycles", "cpu_relax() between two polls of the driver.")
CONF_DECLARE(vtd_conf, VTD_CONF);

#define VTD_METRICS(M)                                                                             \
	M(COUNTER, requests, "ops", NULL, "Translation requests.")                                 \
	M(COUNTER, iotlb_hits, "ops", "requests", "Answered by the IOTLB.")                        \
	M(COUNTER, pass_through, "ops", "requests", "Not translated: off or pass-through.")        \
	M(COUNTER, protected_memory, "ops", "requests",                                            \
		"Requests refused by the protected memory regions.")                               \
	M(COUNTER, faults, "ops", "requests", "Requests refused.")                                 \
	M(COUNTER, reads_root, "reads", NULL, "Root entries read by walks.")                       \
	M(COUNTER, reads_context, "reads", NULL, "Context entries read by walks.")                 \
	M(COUNTER, reads_pasid, "reads", NULL, "PASID directory and table entries read by walks.") \
	M(COUNTER, reads_pml5, "reads", NULL, "SS-PML5 entries read by walks.")                    \
	M(COUNTER, reads_pml4, "reads", NULL, "SS-PML4 entries read by walks.")                    \
	M(COUNTER, reads_pdp, "reads", NULL, "SS-PDP entries read by walks.")                      \
	M(COUNTER, reads_pd, "reads", NULL, "SS-PD entries read by walks.")                        \
	M(COUNTER, reads_pt, "reads", NULL, "SS-PT entries read by walks.")                        \
	M(COUNTER, reads_fs_pml5, "reads", NULL, "FS-PML5 entries read by walks.")                 \
	M(COUNTER, reads_fs_pml4, "reads", NULL, "FS-PML4 entries read by walks.")                 \
	M(COUNTER, reads_fs_pdp, "reads", NULL, "FS-PDP entries read by walks.")                   \
	M(COUNTER, reads_fs_pd, "reads", NULL, "FS-PD entries read by walks.")                     \
	M(COUNTER, reads_fs_pt, "reads", NULL, "FS-PT entries read by walks.")                     \
	M(COUNTER, translation_requests, "ops", "requests",                                        \
		"Of devices with ATS, to fill their caches.")                                      \
	M(COUNTER, translated_requests, "ops", "requests", "That a device had translated itself.") \
	M(COUNTER, page_requests, "messages", NULL, "Page requests put into the queue.")           \
	M(COUNTER, page_requests_refused, "messages", NULL,                                        \
		"Page requests answered by the unit itself: the queue was full, or not allowed.")  \
	M(COUNTER, ad_updates, "writes", NULL, "Accessed and dirty bits written back.")            \
	M(COUNTER, fault_overflows, "faults", NULL, "Faults lost: no recording register was free.")
METRIC_DECLARE(vtd_metrics, VTD_METRICS);

#define INVQ_METRICS(M)                                                                            \
	M(COUNTER, descriptors, "descriptors", NULL, "Descriptors fetched and executed.")          \
	M(COUNTER, context, "ops", "descriptors", "Context-cache invalidations.")                  \
	M(COUNTER, iotlb_global, "ops", "descriptors", "Global IOTLB invalidations.")              \
	M(COUNTER, iotlb_domain, "ops", "descriptors", "Domain-selective IOTLB invalidations.")    \
	M(COUNTER, iotlb_page, "ops", "descriptors", "Page-selective IOTLB invalidations.")        \
	M(COUNTER, pasid_iotlb, "ops", "descriptors", "PASID-based IOTLB invalidations.")          \
	M(COUNTER, pasid_cache, "ops", "descriptors", "PASID-cache invalidations.")                \
	M(COUNTER, device_tlb, "ops", "descriptors", "Device-TLB invalidations.")                  \
	M(COUNTER, interrupt_entry, "ops", "descriptors", "Interrupt-entry-cache invalidations.")  \
	M(COUNTER, page_group, "ops", "descriptors", "Page-group responses.")                      \
	M(COUNTER, waits, "ops", "descriptors", "Wait descriptors.")                               \
	M(COUNTER, register_based, "ops", NULL, "Invalidations through CCMD or IOTLB_REG.")        \
	M(COUNTER, errors, "ops", NULL, "Descriptors that stopped the queue (IQE).")               \
	M(COUNTER, timeouts, "ops", "device_tlb", "Device-TLB invalidations timed out (ITE).")     \
	M(COUNTER, unexpected, "messages", "device_tlb",                                           \
		"Invalidate completions that nothing waited for (ICE).")                           \
	M(HIST, device_time, "ps", NULL, "From an invalidate request to its completion.")          \
	M(TIME, busy, "ps", NULL, "Time that the engine was not idle.")                            \
	M(TIME, drained, "ps", NULL, "Of it, waiting for walks in flight.")                        \
	M(HIST, depth, "descriptors", NULL, "Descriptors in the queue at each doorbell.")
METRIC_DECLARE(invq_metrics, INVQ_METRICS);

#define DRV_METRICS(M)                                                                             \
	M(COUNTER, mmio_writes, "ops", NULL, "Register writes by the driver.")                     \
	M(COUNTER, mmio_reads, "ops", NULL, "Register reads by the driver.")                       \
	M(COUNTER, submissions, "ops", NULL, "qi_submit_sync() calls.")                            \
	M(COUNTER, polls, "ops", "submissions", "Looks at the status word.")                       \
	M(HIST, submit_to_done, "ps", NULL, "Duration of qi_submit_sync(), locks and all.")        \
	M(COUNTER, faults_reported, "faults", NULL, "Fault records read back.")                    \
	M(COUNTER, write_buffer_flushes, "ops", NULL, "Maps that flushed write buffers (RWBF).")   \
	M(COUNTER, device_flushes, "ops", "submissions", "Device-TLB invalidations.")              \
	M(COUNTER, aborted, "ops", "submissions", "Given up by the unit (ITE) and tried again.")   \
	M(COUNTER, devices_lost, "devices", NULL,                                                  \
		"Devices whose translation cache was given up: they did not answer.")
METRIC_DECLARE(drv_metrics, DRV_METRICS);

#define VTD_PWC_LEVELS 4u /* caches of entries at level 2 to 5 */
#define VTD_SPACES     8192u /* of a domain (its second stage), or of one PASID in it */

struct vtd_hw {
	struct regfile regs;
	uint32_t iro, fro, nfr; /* byte offsets, number of fault records */
	uint64_t root_register; /* RTADDR as latched by SRTP */
	uint32_t gcmd_pending;
	struct event command;
	struct tagcache context, pasid, iotlb, pwc[VTD_PWC_LEVELS];
	struct spaces spaces;
	bool superpages_seen; /* some leaf was larger than 4 KiB since power-on */
	struct walker_pool *walkers;
	unsigned next_fault;
	/* invalidation engine */
	struct waitq doorbell;
	bool register_request; /* CCMD or IOTLB_REG was written */
	bool busy;
	struct itags device_tlb; /* invalidations under way: 6.5.2.5 */
	bool timed_out; /* those that the engine waits for were given up */
	struct pagereqs page_requests; /* received, not looked at yet: 7.4 */
	void (*fault_event)(void *ctx); /* interrupts, as the driver half receives them; or NULL */
	void (*completion_event)(void *ctx);
	void (*page_event)(void *ctx);
	void *fault_ctx;
	struct vtd_metrics m;
	struct invq_metrics q;
};

struct vtd_domain {
	bool exists;
	bool shared; /* the tables are another unit's */
	struct ptable tables;
};

struct vtd_device {
	struct list link;
	struct iommu_dev dev;
	uint16_t domain;
};

struct vtd_drv {
	hpa_t root; /* table */
	hpa_t context_table[256]; /* by bus; 0: none */
	struct vtd_domain *domains; /* by domain id */
	unsigned ndomains;
	unsigned aw;
	/* struct q_inval of the kernel */
	struct lock q_lock;
	hpa_t queue, status; /* ring of descriptors, page of status words */
	unsigned free_head, free_tail, free_cnt;
	bool *slot_busy, *slot_aborted;
	struct lock register_lock;
	struct lock device_lock; /* device_domain_lock */
	struct list devices; /* of struct vtd_device: those with translation caches */
	struct cpu_work fault_work;
	struct ptable_metrics tables;
	struct drv_metrics m;
};

struct vtd {
	struct iommu_env env;
	const struct vtd_conf *conf;
	struct vtd_hw hw;
	struct vtd_drv drv;
};

/* ---- hardware half ---- */
void vtd_hw_init(struct vtd *v);
void vtd_hw_fini(struct vtd *v);
void vtd_hw_print_registers(const struct vtd *v, FILE *out);
uint64_t vtd_mmio_read(struct vtd *v, uint32_t offset, unsigned bytes);
void vtd_mmio_write(struct vtd *v, uint32_t offset, unsigned bytes, uint64_t value);
bool vtd_translate(struct vtd *v, struct xlate *x);
/* Protected memory regions (PMEN): no DMA to there while translation is off. */
bool vtd_is_protected(const struct vtd *v, uint64_t pa);
extern const struct walker_ops vtd_walker_ops;
void vtd_invq_start(struct vtd *v);
void vtd_invq_ring(struct vtd *v); /* something to do */
/* Set bits of FSTS and raise the fault event if they are news. */
void vtd_fault_status(struct vtd *v, uint32_t set);
/* Record the fault of a refused request and raise the event. */
void vtd_fault_record(struct vtd *v, const struct xlate *x);
/* 11.4.7.2 and its like: an event control register with mask and pending bit, the same for all. */
void vtd_raise(struct vtd *v, uint32_t control, void (*event)(void *ctx));

/* ---- device TLBs: hw_ats.c; page requests: hw_prq.c ---- */
void vtd_ats_init(struct vtd *v);
void vtd_ats_fini(struct vtd *v);
void vtd_ats_completion(void *state, rid_t rid, uint8_t itag);
void vtd_prq_init(struct vtd *v);
void vtd_prq_fini(struct vtd *v);
void vtd_prq_message(void *state, const struct page_request *r);

/* ---- spaces and their keys: hw_space.c ---- */
uint16_t vtd_space_of(struct vtd *v, uint16_t did, uint32_t pasid);
/* Remove from IOTLB and paging-structure caches: everything of the space; a naturally aligned block of
 * 2^am pages of it (leaf_only: paging-structure caches stay). */
void vtd_space_sweep(struct vtd *v, uint16_t space);
void vtd_space_sweep_pages(
	struct vtd *v, uint16_t space, uint64_t addr, unsigned am, bool leaf_only);
void vtd_sweep_everything(struct vtd *v);

/* Cache keys: [62:47] space, [46:45] size class (0: 4 KiB, 1: 2 MiB, 2: 1 GiB), page number. */
static inline uint64_t vtd_key(uint16_t space, unsigned size_class, uint64_t iova)
{
	return (uint64_t)space << 47 | (uint64_t)size_class << 45 |
	       (iova & GENMASK64(56, 0)) >> (PAGE_LG2 + VTD_LEVEL_BITS * size_class);
}
#define VTD_KEY_SPACE GENMASK64(62, 47)
/* Paging-structure cache of level n (2..5) holds entries read at level n. */
static inline uint64_t vtd_pwc_key(uint16_t space, unsigned level, uint64_t iova)
{
	return (uint64_t)space << 47 | (iova & GENMASK64(56, 0)) >> vtd_level_lg2(level);
}

/* ---- driver half ---- */
void vtd_drv_init(struct vtd *v);
void vtd_drv_fini(struct vtd *v);
uint64_t vtd_drv_read(
	struct vtd *v, struct proc *p, uint32_t offset, unsigned bytes, enum cpu_time what);
void vtd_drv_write(struct vtd *v, struct proc *p, uint32_t offset, unsigned bytes, uint64_t value,
	enum cpu_time what);
void vtd_drv_start(void *state, struct proc *p);
void vtd_drv_stop(void *state, struct proc *p);
void vtd_drv_qi_start(struct vtd *v, struct proc *p);
void vtd_drv_qi_stop(struct vtd *v, struct proc *p);
/* qi_submit_sync(): one descriptor and a wait descriptor; returns when it is done. False: a device did
 * not answer, time and again. */
bool vtd_drv_submit(struct vtd *v, struct proc *p, uint64_t lo, uint64_t hi);
/* ---- drv_dev.c: devices with translation caches ---- */
void vtd_drv_dev_init(struct vtd *v);
void vtd_drv_dev_fini(struct vtd *v);
void vtd_drv_dev_add(struct vtd *v, struct proc *p, const struct iommu_dev *dev, uint16_t domain);
void vtd_drv_dev_del(struct vtd *v, struct proc *p, rid_t rid);
/* iommu_flush_dev_iotlb(): the caches of the domain's devices, f->scope ALL: of every device. */
void vtd_drv_dev_flush(struct vtd *v, struct proc *p, const struct iommu_flush *f);
void vtd_drv_flush(void *state, struct proc *p, const struct iommu_flush *f);
/* f->scope PAGES, of the IOTLB only: iommu_flush_iotlb_psi() with its hint that pages were mapped. */
void vtd_drv_flush_pages(struct vtd *v, struct proc *p, const struct iommu_flush *f);
void vtd_drv_sync_map(void *state, struct proc *p, uint16_t domain, iova_t iova, uint32_t npages);
void vtd_drv_tables_create(struct vtd *v, struct proc *p, struct vtd_domain *dom);
bool vtd_drv_domain_add(void *state, struct proc *p, uint16_t domain, struct err *err);
bool vtd_drv_domain_share(
	void *state, struct proc *p, uint16_t domain, const void *owner, struct err *err);
void vtd_drv_domain_del(void *state, struct proc *p, uint16_t domain);
bool vtd_drv_attach(
	void *state, struct proc *p, const struct iommu_dev *dev, uint16_t domain, struct err *err);
void vtd_drv_detach(void *state, struct proc *p, rid_t rid);
void vtd_drv_map(void *state, struct proc *p, uint16_t domain, iova_t iova, hpa_t pa,
	unsigned page_lg2, uint32_t n, unsigned prot);
void vtd_drv_unmap(void *state, struct proc *p, uint16_t domain, iova_t iova, uint32_t npages,
	struct iommu_freelist *freed);
void vtd_drv_faults(void *state, struct proc *p);

#endif
