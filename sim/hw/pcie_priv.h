/*
 * pcie_priv - the state that both halves of a port share: pcie.c is the device's side (splitting,
 * wire, credits, tags), pcie_root.c the root complex's (translation, ordering, memory, completions).
 */
#ifndef SIM_HW_PCIE_PRIV_H
#define SIM_HW_PCIE_PRIV_H
#include "hw/pcie.h"

#define PCIE_METRICS(M)                                                                            \
	M(COUNTER, dma_writes, "DMAs", NULL, "DMA writes by the device.")                          \
	M(COUNTER, dma_reads, "DMAs", NULL, "DMA reads by the device.")                            \
	M(COUNTER, bytes_written, "bytes", NULL, "Payload of completed writes.")                   \
	M(COUNTER, bytes_read, "bytes", NULL, "Payload of completed reads.")                       \
	M(COUNTER, tlps, "TLPs", NULL, "TLPs in both directions.")                                 \
	M(COUNTER, wire_bytes_up, "bytes", NULL, "Towards memory, headers and all.")               \
	M(COUNTER, wire_bytes_down, "bytes", NULL, "Towards the device, headers and all.")         \
	M(COUNTER, credit_stalls, "ops", NULL, "Writes that found the link free but no credits.")  \
	M(COUNTER, tag_stalls, "ops", NULL, "Reads that found the link free but no tags.")         \
	M(COUNTER, faulted, "DMAs", NULL, "DMAs that the IOMMU refused, at least in part.")        \
	M(HIST, write_latency, "ps", NULL, "DMA write: from the device until visible in memory.")  \
	M(HIST, read_latency, "ps", NULL,                                                          \
		"DMA read: from the device until its last byte is back.")                          \
	M(HIST, latency_hit, "ps", NULL, "Both, when no TLP had to wait for a page walk.")         \
	M(HIST, latency_miss, "ps", NULL, "Both, when at least one TLP waited for a page walk.")   \
	M(COUNTER, requests, "requests", NULL, "Translation requests, one a TLP.")                 \
	M(COUNTER, misses, "requests", "requests",                                                 \
		"Of these, those that began a page walk (not those that joined one).")             \
	M(REAL, misses_per_4k, "misses", NULL, "Per 4 KiB of payload, written and read.")          \
	M(REAL, misses_per_mib, "misses", NULL, "Per MiB of payload.")                             \
	M(REAL, wire_share_up, "share", NULL, "Use of the link towards memory.")

METRIC_DECLARE(pcie_metrics, PCIE_METRICS);

/* The smallest thing that travels and is translated: a TLP, or with `fidelity: dma` the TLPs of one
 * page-bounded piece. From a pool; at most credits + tags exist. */
struct pcie_unit {
	struct xlate x;
	struct event event;
	struct pcie_port *port;
	struct pcie_dma *dma;
	struct list link; /* pool, commit queue or read queue */
	uint32_t len, lines, tlps;
	bool last; /* of its DMA */
	bool translated;
	sim_time ready_at; /* translation known */
	uint64_t writes_before; /* read: must wait until so many writes are committed */
};

struct credit_release {
	sim_time when;
	uint32_t lines;
};

struct pcie_port {
	struct machine *machine;
	const struct pcie_conf *conf;
	rid_t rid;
	struct xlate_port xlate;
	struct pcie_observer observer;

	/* device side */
	struct list writes, reads; /* of struct pcie_dma, waiting to be sent */
	sim_time up_free, down_free; /* wires */
	uint32_t credits, tags; /* free */
	struct event pump; /* credits come back */
	bool starved; /* writes wait for credits of units that are not committed yet */

	/* root complex side */
	struct list commit_queue, read_queue; /* of struct pcie_unit, in order of arrival */
	uint64_t writes_arrived, writes_committed;
	sim_time last_commit;
	struct credit_release *releases; /* ring, in order of time; size is a power of two */
	uint32_t release_head, release_tail, release_mask;

	struct list free_units;
	uint32_t units_in_use;
	struct pcie_metrics m;
	sim_time measured_from;
};

sim_time pcie_wire_time(const struct pcie_port *port, uint32_t bytes);
/* The unit's TLPs reach the root complex: its event. */
void pcie_unit_arrives(struct event *ev);
void pcie_unit_free(struct pcie_unit *u);
void pcie_pump(struct pcie_port *port);
/* A committed write that is visible in memory at that time gives its credits back. */
void pcie_credit_return(struct pcie_port *port, const struct pcie_unit *u, sim_time visible);
void pcie_dma_complete(struct pcie_dma *d, struct pcie_port *port, sim_time now);

#endif
