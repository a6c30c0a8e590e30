/*
 * amdvi - one AMD I/O memory management unit: configuration, and the state of its two halves. hw_*.c is
 * the silicon and never sees struct amdvi_drv; drv*.c is the kernel driver and touches the silicon only
 * through simulated memory and amdvi_mmio_read/write.
 */
#ifndef MODELS_AMDVI_AMDVI_H
#define MODELS_AMDVI_AMDVI_H
#include "hw/cpu.h"
#include "hw/lock.h"
#include "hw/tagcache.h"
#include "iommu/iommu.h"
#include "iommu/itags.h"
#include "iommu/pagereq.h"
#include "iommu/ptable.h"
#include "iommu/regfile.h"
#include "iommu/spaces.h"
#include "iommu/walker.h"
#include "models/amdvi/amdvi_pmu.h"
#include "models/amdvi/amdvi_regs.h"
#include "models/amdvi/amdvi_rings.h"
#include "models/amdvi/amdvi_tables.h"

#define AMDVI_PAGE_SIZES      "v3.3|v4.5|v6.12|nohugepages|v2_pgsizes_only"
#define AMDVI_COMPLETION_WAIT "v3.1|locked|sequence"

#define AMDVI_CONF(F)                                                                              \
	F(u64, efr, "0x58f77ef22294ade", NULL, NULL, "",                                           \
		"Extended features, as `dmesg` prints them (default: a real EPYC server).")        \
	F(u32, dte_entries, "64", "0", "65536", "entries", "Device-table cache; 0: none.")         \
	F(u32, ptc_entries, "64", "0", "65536", "entries",                                         \
		"Page-table cache: translations of pages of any size; 0: none.")                   \
	F(u32, ptc_ways, "8", "0", "1024", "ways", "Its associativity; 0: fully associative.")     \
	F(choice, ptc_replace, "lru", NULL, NULL, TAGCACHE_REPLACE_WORDS,                          \
		"Its replacement policy.")                                                         \
	F(time, ptc_hit, "2ns", "0", "1us", "", "Added by a translation that hits.")               \
	F(u32, pdc2_entries, "64", "0", "4096", "entries",                                         \
		"Page-directory cache of level 2: entries that point to tables of 4 KiB pages.")   \
	F(u32, pdc3_entries, "32", "0", "4096", "entries", "Page-directory cache of level 3.")     \
	F(u32, pdc4_entries, "16", "0", "4096", "entries", "Page-directory cache of level 4.")     \
	F(u32, pdc5_entries, "8", "0", "4096", "entries", "Page-directory cache of level 5.")      \
	F(u32, pdc6_entries, "8", "0", "4096", "entries", "Page-directory cache of level 6.")      \
	F(u32, walkers, "6", "1", "64", "walkers", "Page walks at the same time.")                 \
	F(time, walk_overhead, "60ns", "0", "1us", "", "Of a walk, on top of its memory reads.")   \
	F(time, walk_read, "0", "0", "1us", "",                                                    \
		"Of each memory read of a walk, on top of the memory's own latency.")              \
	F(choice, inflight, "drain", NULL, NULL, WALKER_INFLIGHT_WORDS,                            \
		"What an invalidation does about walks in flight; drain is the architecture.")     \
	F(bool, quirk_512g, "false", NULL, NULL, "",                                               \
		"Pages of 512 GiB do not work, as on real parts: an access faults.")               \
	F(bool, iotlb_sup, "true", NULL, NULL, "",                                                 \
		"IotlbSup of the capability: devices may have translation caches of their own.")   \
	F(bool, np_cache, "false", NULL, NULL, "",                                                 \
		"NpCache of the capability: the driver flushes after mapping too.")                \
	F(time, cmd_decode, "30ns", "0", "1us", "", "Decoding a command.")                         \
	F(time, inv_page, "180ns", "0", "100us", "",                                               \
		"INVALIDATE_IOMMU_PAGES of less than the domain.")                                 \
	F(time, inv_domain, "250ns", "0", "100us", "", "INVALIDATE_IOMMU_PAGES of a domain.")      \
	F(time, inv_all, "300ns", "0", "100us", "", "INVALIDATE_IOMMU_ALL.")                       \
	F(time, inv_device, "150ns", "0", "100us", "", "INVALIDATE_DEVTAB_ENTRY.")                 \
	F(time, completion_store, "100ns", "0", "10us", "",                                        \
		"From the end of a COMPLETION_WAIT until its store is in memory.")                 \
	F(choice, completion_wait, "sequence", NULL, NULL, AMDVI_COMPLETION_WAIT,                  \
		"How the driver waits: a semaphore each, outside the lock (3.1); polling with "    \
		"udelay(1) under the lock (up to 6.1); a sequence number, outside the lock.")      \
	F(choice, page_sizes, "v6.12", NULL, NULL, AMDVI_PAGE_SIZES,                               \
		"Page sizes that the driver offers, by kernel or by its option.")                  \
	F(choice, range_flush, "sized", NULL, NULL, "sized|domain",                                \
		"Invalidating several pages: the block that covers them, or the domain (3.1).")    \
	F(u32, start_levels, "3", "1", "6", "levels",                                              \
		"Table levels of a new domain; more as addresses need them (2 in 3.1).")           \
	F(u32, iova_bits, "48", "32", "57", "bits", "Width of the addresses that the driver uses.")
CONF_DECLARE(amdvi_conf, AMDVI_CONF);

/* Words of completion_wait and page_sizes. */
enum { WAIT_V31, WAIT_LOCKED, WAIT_SEQUENCE };
enum { SIZES_V33, SIZES_V45, SIZES_V612, SIZES_4K, SIZES_V2 };
enum { RANGE_SIZED, RANGE_DOMAIN };

#define AMDVI_METRICS(M)                                                                           \
	M(COUNTER, requests, "ops", NULL, "Translation requests.")                                 \
	M(COUNTER, reads_dte, "reads", NULL, "Device table entries read by walks.")                \
	M(COUNTER, reads_l6, "reads", NULL, "Host table entries read at level 6.")                 \
	M(COUNTER, reads_l5, "reads", NULL, "Host table entries read at level 5.")                 \
	M(COUNTER, reads_l4, "reads", NULL, "Host table entries read at level 4.")                 \
	M(COUNTER, reads_l3, "reads", NULL, "Host table entries read at level 3.")                 \
	M(COUNTER, reads_l2, "reads", NULL, "Host table entries read at level 2.")                 \
	M(COUNTER, reads_l1, "reads", NULL, "Host table entries read at level 1.")                 \
	M(COUNTER, reads_gcr3, "reads", NULL, "Guest CR3 table entries read.")                     \
	M(COUNTER, reads_guest, "reads", NULL, "Guest page-table entries read.")                   \
	M(COUNTER, ad_updates, "writes", NULL, "Accessed and dirty bits written back.")            \
	M(COUNTER, events, "events", NULL, "Events written to the log.")                           \
	M(COUNTER, events_suppressed, "events", NULL, "Page faults not logged: SE or SA.")         \
	M(COUNTER, events_lost, "events", NULL, "Events not logged: the log was full or off.")     \
	M(COUNTER, page_requests, "requests", NULL, "Page requests written to the PPR log.")       \
	M(COUNTER, page_requests_lost, "requests", "page_requests",                                \
		"Page requests not logged: the log was full or off.")                              \
	M(COUNTER, page_requests_refused, "requests", "page_requests",                             \
		"Page requests that the unit answered itself: lost, or not allowed.")              \
	M(COUNTER, translation_requests, "ops", "requests", "ATS translation requests.")
METRIC_DECLARE(amdvi_metrics, AMDVI_METRICS);

#define AMDVI_CMD_METRICS(M)                                                                       \
	M(COUNTER, commands, "commands", NULL, "Commands executed.")                               \
	M(COUNTER, waits, "ops", "commands", "COMPLETION_WAIT.")                                   \
	M(COUNTER, devtab, "ops", "commands", "INVALIDATE_DEVTAB_ENTRY.")                          \
	M(COUNTER, pages, "ops", "commands", "INVALIDATE_IOMMU_PAGES of less than a domain.")      \
	M(COUNTER, domain, "ops", "commands", "INVALIDATE_IOMMU_PAGES of a domain.")               \
	M(COUNTER, iotlb, "ops", "commands", "INVALIDATE_IOTLB_PAGES.")                            \
	M(COUNTER, interrupt_table, "ops", "commands", "INVALIDATE_INTERRUPT_TABLE.")              \
	M(COUNTER, prefetch, "ops", "commands", "PREFETCH_IOMMU_PAGES.")                           \
	M(COUNTER, complete_ppr, "ops", "commands", "COMPLETE_PPR_REQUEST.")                       \
	M(COUNTER, all, "ops", "commands", "INVALIDATE_IOMMU_ALL.")                                \
	M(COUNTER, errors, "ops", NULL, "Commands that stopped the buffer.")                       \
	M(COUNTER, timeouts, "ops", "iotlb", "Devices that did not answer in time.")               \
	M(COUNTER, unexpected, "ops", NULL, "Answers of devices that nobody waited for.")          \
	M(HIST, device_time, "ps", NULL, "An invalidate request until its answer.")                \
	M(TIME, busy, "ps", NULL, "Time that the engine was not idle.")                            \
	M(TIME, drained, "ps", NULL, "Of it, waiting for walks in flight.")                        \
	M(HIST, depth, "commands", NULL, "Commands in the buffer at each doorbell.")
METRIC_DECLARE(amdvi_cmd_metrics, AMDVI_CMD_METRICS);

#define AMDVI_DRV_METRICS(M)                                                                       \
	M(COUNTER, mmio_writes, "ops", NULL, "Register writes by the driver.")                     \
	M(COUNTER, mmio_reads, "ops", NULL, "Register reads by the driver.")                       \
	M(COUNTER, submissions, "ops", NULL, "Flushes: commands and their completion wait.")       \
	M(COUNTER, commands, "commands", "submissions", "Commands queued.")                        \
	M(COUNTER, polls, "ops", "submissions", "Looks at the semaphore.")                         \
	M(HIST, submit_to_done, "ps", NULL, "Duration of a flush, locks and all.")                 \
	M(COUNTER, grown, "levels", NULL, "Levels that tables grew by.")                           \
	M(COUNTER, wait_timeouts, "ops", "submissions", "Completion waits given up after 0.1 s.")  \
	M(COUNTER, page_requests_answered, "requests", NULL, "Page requests read from the log.")   \
	M(COUNTER, events_reported, "events", NULL, "Events read back from the log.")
METRIC_DECLARE(amdvi_drv_metrics, AMDVI_DRV_METRICS);

#define AMDVI_PDC_LEVELS 5u /* caches of entries at level 2 to 6 */
#define AMDVI_SPACES     1024u

/* A ring that the unit writes: event log, PPR log. */
struct amdvi_log {
	uint32_t base, head, tail; /* registers */
	uint64_t enable, interrupt_enable; /* bits of CONTROL */
	uint64_t overflow, interrupt, run; /* bits of STATUS */
};

struct amdvi_hw {
	struct regfile regs;
	uint64_t control; /* as of the last write, to see what changes */
	struct tagcache dtc, ptc, pdc[AMDVI_PDC_LEVELS];
	struct spaces spaces;
	uint64_t sizes_seen; /* bit n: a page of 2^n bytes was cached since power-on */
	struct walker_pool *walkers;
	/* command processor */
	struct waitq doorbell;
	bool busy;
	struct xlate prefetch;
	struct waitq prefetched;
	struct itags device_tlb; /* invalidate requests under way */
	struct pagereqs page_requests; /* received, not looked at yet */
	void (*event_interrupt)(void *ctx); /* as the driver half receives it; or NULL */
	void *interrupt_ctx;
	struct amdvi_counters counters;
	struct amdvi_pmu pmu;
	struct amdvi_metrics m;
	struct amdvi_cmd_metrics q;
};

struct amdvi_device {
	struct list link; /* of its domain */
	struct iommu_dev dev;
	uint16_t domain;
};

struct amdvi_domain {
	bool exists;
	struct list devices;
	struct ptable tables;
	struct lock lock; /* struct protection_domain's */
};

struct amdvi_drv {
	hpa_t device_table, commands, events, page_requests, semaphores;
	struct amdvi_domain **domains; /* by domain id; NULL: never added */
	struct amdvi_device **devices; /* by device id; NULL: not attached */
	struct lock lock; /* struct amd_iommu's */
	uint32_t head, tail; /* of the command buffer, as the driver knows them */
	uint64_t sequence; /* last number handed to a completion wait */
	struct cpu_work event_work;
	struct ptable_metrics tables;
	struct amdvi_drv_metrics m;
};

struct amdvi_command {
	uint64_t lo, hi;
};

struct amdvi {
	struct iommu_env env;
	const struct amdvi_conf *conf;
	struct amdvi_hw hw;
	struct amdvi_drv drv;
};

/* ---- hardware half ---- */
void amdvi_hw_init(struct amdvi *a);
void amdvi_hw_fini(struct amdvi *a);
void amdvi_hw_print_registers(const struct amdvi *a, FILE *out);
uint64_t amdvi_mmio_read(struct amdvi *a, uint32_t offset, unsigned bytes);
void amdvi_mmio_write(struct amdvi *a, uint32_t offset, unsigned bytes, uint64_t value);
bool amdvi_translate(struct amdvi *a, struct xlate *x);
extern const struct walker_ops amdvi_walker_ops;

/* ---- device TLBs, page requests: hw_ats.c ---- */
void amdvi_ats_init(struct amdvi *a);
void amdvi_ats_fini(struct amdvi *a);
void amdvi_ats_completion(void *state, rid_t rid, uint8_t itag);
void amdvi_ppr_message(void *state, const struct page_request *r);

void amdvi_cmd_start(struct amdvi *a);
void amdvi_cmd_ring(struct amdvi *a); /* something to do */

/* ---- logs: hw_log.c ---- */
extern const struct amdvi_log amdvi_event_log, amdvi_ppr_log;
/* Software enabled or disabled it, in CONTROL. */
void amdvi_log_control(struct amdvi *a, const struct amdvi_log *log);
/* Append an entry, raise the interrupt; false: full (noted in STATUS) or off. */
bool amdvi_log_append(struct amdvi *a, const struct amdvi_log *log, uint64_t lo, uint64_t hi);
void amdvi_event(struct amdvi *a, uint64_t lo, uint64_t hi);

/* ---- caches: hw_space.c ---- */
uint16_t amdvi_space_of(struct amdvi *a, uint16_t domain, uint32_t pasid);
/* The cached page that covers the address, or NULL; one lookup of the unit. */
struct tag_entry *amdvi_ptc_lookup(struct amdvi_hw *hw, uint16_t space, uint64_t address);
uint64_t amdvi_ptc_key(uint16_t space, unsigned lg2, uint64_t address);
uint64_t amdvi_pdc_key(uint16_t space, unsigned level, uint64_t address);
/* Remove everything of a space; a naturally aligned block of it (pde: from the page-directory caches
 * too). Return the number of translations removed. */
unsigned amdvi_space_sweep(struct amdvi *a, uint16_t space, bool pde);
unsigned amdvi_space_sweep_block(
	struct amdvi *a, uint16_t space, uint64_t address, unsigned lg2, bool pde);
unsigned amdvi_sweep_everything(struct amdvi *a);

/* ---- driver half ---- */
void amdvi_drv_init(struct amdvi *a);
void amdvi_drv_fini(struct amdvi *a);
uint64_t amdvi_drv_read(
	struct amdvi *a, struct proc *p, uint32_t offset, unsigned bytes, enum cpu_time what);
void amdvi_drv_write(struct amdvi *a, struct proc *p, uint32_t offset, unsigned bytes,
	uint64_t value, enum cpu_time what);
void amdvi_drv_start(void *state, struct proc *p);
void amdvi_drv_stop(void *state, struct proc *p);
bool amdvi_drv_domain_add(void *state, struct proc *p, uint16_t domain, struct err *err);
void amdvi_drv_domain_del(void *state, struct proc *p, uint16_t domain);
bool amdvi_drv_attach(
	void *state, struct proc *p, const struct iommu_dev *dev, uint16_t domain, struct err *err);
void amdvi_drv_detach(void *state, struct proc *p, rid_t rid);
/* Write the DTEs of the domain's devices anew and have the unit forget the old ones. */
void amdvi_drv_update_devices(struct amdvi *a, struct proc *p, uint16_t domain);
/* ---- devices: drv_dev.c ---- */
void amdvi_drv_dev_add(struct amdvi *a, const struct iommu_dev *dev, uint16_t domain);
void amdvi_drv_dev_del(struct amdvi *a, rid_t rid);
/* What tells a device of an INVALIDATE_IOMMU_PAGES; false: it caches nothing. */
bool amdvi_drv_dev_command(
	const struct amdvi_device *d, const struct amdvi_command *pages, struct amdvi_command *c);
void amdvi_drv_ppr_start(struct amdvi *a, struct proc *p);
void amdvi_drv_ppr_stop(struct amdvi *a, struct proc *p);
void amdvi_drv_page_requests(struct amdvi *a, struct proc *p);
/* ---- commands: drv_cmd.c ---- */
void amdvi_drv_queue(struct amdvi *a, struct proc *p, const struct amdvi_command *c);
void amdvi_drv_cmd_start(struct amdvi *a, struct proc *p);
void amdvi_drv_cmd_stop(struct amdvi *a, struct proc *p);
/* Queue the commands in order and a completion wait; returns when it is done. */
void amdvi_drv_submit(
	struct amdvi *a, struct proc *p, const struct amdvi_command *commands, unsigned n);
void amdvi_drv_flush(void *state, struct proc *p, const struct iommu_flush *f);
/* After mapping, where the unit says NpCache. */
void amdvi_drv_flush_mapped(
	struct amdvi *a, struct proc *p, uint16_t domain, uint64_t iova, uint64_t bytes);
uint64_t amdvi_drv_page_sizes(const void *state);
void amdvi_drv_map(void *state, struct proc *p, uint16_t domain, iova_t iova, hpa_t pa,
	unsigned page_lg2, uint32_t n, unsigned prot);
void amdvi_drv_unmap(void *state, struct proc *p, uint16_t domain, iova_t iova, uint32_t npages,
	struct iommu_freelist *freed);
void amdvi_drv_tables_create(struct amdvi *a, struct proc *p, struct amdvi_domain *dom);
void amdvi_drv_faults(void *state, struct proc *p);

#endif
