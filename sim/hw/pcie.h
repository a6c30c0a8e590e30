/*
 * pcie - the link between one device and the root complex. Requests are split into TLPs; posted
 * writes stay in order (one that misses the IOTLB holds back those behind it) and spend write-buffer
 * credits until memory has them; reads spend tags until their completions are back. Throughput loss
 * emerges from these.
 *
 * With Address Translation Services (`ats: true`) the device translates by itself, from a cache of its
 * own, and sends its requests as translated: pcie_ats.c.
 *
 * `fidelity: tlp` runs one event per TLP, `dma` one per page-bounded piece of a DMA with the TLPs'
 * bytes and headers added up: one code path, other unit size.
 */
#ifndef SIM_HW_PCIE_H
#define SIM_HW_PCIE_H
#include "conf/conf.h"
#include "hw/machine.h"
#include "hw/tagcache.h"
#include "hw/xlate.h"

#define PCIE_CONF(F)                                                                               \
	F(choice, fidelity, "tlp", NULL, NULL, "tlp|dma", "Events per TLP, or per DMA piece.")     \
	F(rate, bandwidth, "63Gbps", "1Gbps", "10000Gbps", "",                                     \
		"Link rate per direction after line coding (gen3 x8: 63Gbps).")                    \
	F(time, latency, "200ns", "0", "10us", "", "One way, device to root complex.")             \
	F(size, mps, "256B", "128B", "4KiB", "", "Max_Payload_Size.")                              \
	F(size, mrrs, "512B", "128B", "4KiB", "", "Max_Read_Request_Size.")                        \
	F(size, rcb, "64B", "64B", "128B", "", "Read completion boundary.")                        \
	F(u32, header, "26", "12", "64", "bytes",                                                  \
		"Per TLP on the wire: framing, sequence, header, LCRC and its share of DLLPs.")    \
	F(u32, write_credits, "92", "8", "65536", "lines",                                         \
		"Write-buffer credits at the root complex, in 64-byte lines.")                     \
	F(u32, read_tags, "32", "1", "1024", "tags", "Read requests outstanding.")                 \
	F(bool, ats, "false", NULL, NULL, "",                                                      \
		"The device has a translation cache (Address Translation Services).")              \
	F(u32, ats_entries, "64", "1", "65536", "entries", "The device's translation cache.")      \
	F(u32, ats_ways, "0", "0", "1024", "ways", "Its associativity; 0: fully associative.")     \
	F(choice, ats_replace, "lru", NULL, NULL, TAGCACHE_REPLACE_WORDS,                          \
		"Its replacement policy.")                                                         \
	F(u32, ats_requests, "16", "1", "256", "requests",                                         \
		"Translation requests outstanding; DMAs that wait look ahead.")                    \
	F(u32, ats_queue, "32", "1", "32", "requests",                                             \
		"Invalidate requests that the device takes before it answers the first.")          \
	F(time, ats_invalidate, "100ns", "0", "1ms", "",                                           \
		"The device's work for an invalidate request.")                                    \
	F(choice, ats_invalidations, "obey", NULL, NULL, "obey|ignore|silent",                     \
		"What the device does with invalidate requests: what it should, answer only, "     \
		"or nothing at all.")                                                              \
	F(bool, pri, "false", NULL, NULL, "",                                                      \
		"With ats: the device requests pages that it may not use (Page Request Interface).")

CONF_DECLARE(pcie_conf, PCIE_CONF);
extern const struct conf_table pcie_conf_table;

struct pcie_port;
struct pcie_dma;
/* Write: the last byte is visible in memory. Read: the last byte is at the device. At the engine's
 * time of completion. d->faulted: at least one TLP was refused by the IOMMU. */
typedef void pcie_done_fn(struct pcie_dma *d);

/* One DMA of a device; owned by the device, one at a time in flight per struct. */
struct pcie_dma {
	iova_t iova;
	uint32_t len; /* bytes, > 0 */
	bool write;
	bool interrupt; /* a write to 0xFEExxxxx: ordered like any other, never translated */
	pcie_done_fn *done; /* NULL for writes that nobody waits for: costs no event */
	void *owner;

	/* result */
	bool faulted, missed; /* missed: at least one TLP waited for a walk */
	/* the port's */
	bool busy; /* from submission until the last byte is accounted for */
	bool waits; /* for a translation of the device's own */
	sim_time issued, ready; /* ready: may go since then, as far as translations go */
	uint32_t sent, completed; /* bytes */
	struct list link;
};

/* Sees every translated (or refused) unit of traffic: the ground-truth check. x->iova is the address
 * that the device means, also of a request that it has translated itself. */
struct pcie_observer {
	void (*seen)(void *ctx, rid_t rid, const struct xlate *x, sim_time now);
	void *ctx;
	struct windows *windows; /* for the marks of the device's translation cache; or NULL */
};

struct pcie_port *pcie_port_create(
	struct machine *m, const struct pcie_conf *conf, rid_t rid, struct metric_scope *scope);
void pcie_port_destroy(struct pcie_port *port);
void pcie_port_connect(struct pcie_port *port, struct xlate_port xlate, struct pcie_observer obs);
rid_t pcie_port_rid(const struct pcie_port *port);
/* Routed by ID; NULL: there is no such device. */
struct pcie_port *pcie_find(const struct machine *m, rid_t rid);
struct pcie_port *pcie_first(const struct machine *m); /* NULL: there is none */

/* Queue a DMA, at engine_now(). Requests of one port leave in order of submission, reads and writes
 * in separate queues; writes never wait for reads. */
void pcie_submit(struct pcie_port *port, struct pcie_dma *d);
/* Who records traces sees every DMA at its submission. fn NULL: nobody. */
typedef void pcie_watch_fn(void *ctx, const struct pcie_dma *d, sim_time now);
void pcie_port_watch(struct pcie_port *port, pcie_watch_fn *fn, void *ctx);
/* A CPU's posted write to the device (doorbell): when it arrives if issued at `now`. */
sim_time pcie_doorbell(struct pcie_port *port, sim_time now);
const struct hist *pcie_write_latency(const struct pcie_port *port);
/* Nothing queued and nothing in flight. */
bool pcie_port_idle(const struct pcie_port *port);

/* ---- Address Translation Services and Page Request Interface ---- */

bool pcie_has_ats(const struct pcie_port *port);
bool pcie_has_pri(const struct pcie_port *port);
uint8_t pcie_ats_queue(const struct pcie_port *port); /* Invalidate Queue Depth */
/* The Enable bits of the device's capabilities; off at first. ATS off: the cache is empty. No DMA may
 * be on its way. */
void pcie_ats_enable(struct pcie_port *port, bool ats, bool pri);
/* An Invalidate Request message: the naturally aligned block of 2^lg2 bytes at `address` (64: every
 * address; PCIE_INVALIDATE_NOTHING: none), of requests without PASID. Answered through xlate_port.invalidated. A device whose ATS is
 * off, and one that is silent, never answers. */
#define PCIE_INVALIDATE_NOTHING 0u
void pcie_invalidate(struct pcie_port *port, uint8_t itag, uint64_t address, unsigned lg2);
/* A PRG Response message. */
void pcie_page_response(struct pcie_port *port, uint16_t group, enum page_response code);
/* Mark every translation of the range that the device has, or that is on its way to it. */
void pcie_mark(struct pcie_port *port, iova_t iova, uint32_t npages, window_id w);

extern const struct metric_table pcie_metric_table, ats_metric_table;

#endif
