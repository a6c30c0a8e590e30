/*
 * pcie - the link between one device and the root complex. Requests are split into TLPs; posted
 * writes stay in order (one that misses the IOTLB holds back those behind it) and spend write-buffer
 * credits until memory has them; reads spend tags until their completions are back. Throughput loss
 * emerges from these.
 *
 * `fidelity: tlp` runs one event per TLP, `dma` one per page-bounded piece of a DMA with the TLPs'
 * bytes and headers added up: one code path, other unit size.
 */
#ifndef SIM_HW_PCIE_H
#define SIM_HW_PCIE_H
#include "conf/conf.h"
#include "hw/machine.h"
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
	F(u32, read_tags, "32", "1", "1024", "tags", "Read requests outstanding.")

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
	sim_time issued;
	uint32_t sent, completed; /* bytes */
	struct list link;
};

/* Sees every translated (or refused) unit of traffic: the ground-truth check. */
struct pcie_observer {
	void (*seen)(void *ctx, rid_t rid, const struct xlate *x, sim_time now);
	void *ctx;
};

struct pcie_port *pcie_port_create(
	struct machine *m, const struct pcie_conf *conf, rid_t rid, struct metric_scope *scope);
void pcie_port_destroy(struct pcie_port *port);
void pcie_port_connect(struct pcie_port *port, struct xlate_port xlate, struct pcie_observer obs);
rid_t pcie_port_rid(const struct pcie_port *port);

/* Queue a DMA, at engine_now(). Requests of one port leave in order of submission, reads and writes
 * in separate queues; writes never wait for reads. */
void pcie_submit(struct pcie_port *port, struct pcie_dma *d);
/* A CPU's posted write to the device (doorbell): when it arrives if issued at `now`. */
sim_time pcie_doorbell(struct pcie_port *port, sim_time now);
const struct hist *pcie_write_latency(const struct pcie_port *port);
/* Nothing queued and nothing in flight. */
bool pcie_port_idle(const struct pcie_port *port);

extern const struct metric_table pcie_metric_table;

#endif
