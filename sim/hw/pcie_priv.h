/*
 * pcie_priv - the state that the parts of a port share: pcie_send.c is the device's side (splitting,
 * wire, credits, tags), pcie_root.c the root complex's (translation, ordering, memory, completions),
 * pcie_ats*.c what the device translates itself.
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
	iova_t from; /* the device's address; x.iova differs when the device has translated it */
	bool denied; /* the device itself found that it may not: nothing is sent */
	uint64_t seq; /* of sending, with ATS */
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

/* Where a translation stands that the device asked for. */
enum ats_state {
	ATS_IDLE,
	ATS_ASKED,
	ATS_ANSWERED, /* on its way back */
	ATS_PAGE_ASKED, /* page request sent */
	ATS_DENIED, /* the DMA that waits for it will find out */
};

struct ats_request {
	struct xlate x; /* of the page */
	struct event event; /* request at the root complex, then completion at the device */
	struct pcie_port *port;
	enum ats_state state;
	enum page_response response; /* to its page request */
	sim_time asked;
	bool wanted; /* the DMA at the head of a queue waits for it */
	bool discard; /* invalidated while it was under way: the answer is void */
};

/* An invalidate request at the device. */
struct ats_invalidation {
	struct event event;
	struct pcie_port *port;
	struct list link; /* spare, or waiting for reads, or completion at the root complex */
	uint64_t address;
	unsigned lg2;
	uint8_t itag;
	uint64_t seq; /* reads sent before it use the old translations */
	uint32_t reads_left;
	uint64_t writes_before; /* that its completion must not pass */
	sim_time arrived;
};

#define ATS_METRICS(M)                                                                             \
	M(COUNTER, requests, "requests", NULL, "Translation requests sent.")                       \
	M(COUNTER, denied, "requests", "requests", "Answered without the right that was wanted.")  \
	M(COUNTER, discarded, "requests", "requests",                                              \
		"Answers made void by an invalidation that overtook them.")                        \
	M(HIST, request_time, "ps", NULL, "From the request until its answer is at the device.")   \
	M(COUNTER, translated, "TLPs", NULL, "Requests sent with a translated address.")           \
	M(COUNTER, invalidations, "messages", NULL, "Invalidate requests received.")               \
	M(HIST, invalidation_time, "ps", NULL,                                                     \
		"From an invalidate request's arrival until its completion is sent.")              \
	M(COUNTER, page_requests, "messages", NULL, "Page requests sent.")                         \
	M(COUNTER, page_responses, "messages", "page_requests", "Answered with success.")
METRIC_DECLARE(ats_metrics, ATS_METRICS);

struct ats {
	bool enabled, pri;
	struct tagcache
		tlb; /* key: log2 of the page size, page number; value: address and rights */
	uint64_t sizes; /* bit n: a page of 2^n bytes was cached since power-on */
	struct ats_request *requests;
	struct list spare, reading, completing; /* of struct ats_invalidation */
	unsigned in_device; /* invalidate requests that wait for the device or its reads */
	sim_time busy_until; /* with invalidate requests */
	uint64_t sent, reads_out; /* units with translated addresses, reads on their way */
	struct ats_metrics m;
};

struct pcie_port {
	struct machine *machine;
	struct list link; /* in machine->ports */
	const struct pcie_conf *conf;
	rid_t rid;
	struct xlate_port xlate;
	struct pcie_observer observer;
	pcie_watch_fn *watch; /* or NULL */
	void *watch_ctx;

	/* device side */
	struct list writes, reads; /* of struct pcie_dma, waiting to be sent */
	sim_time up_free, down_free; /* wires */
	uint32_t credits, tags; /* free */
	struct event pump; /* credits come back */
	bool starved; /* writes wait for credits of units that are not committed yet */

	/* root complex side */
	struct list commit_queue, read_queue; /* of struct pcie_unit, in order of arrival */
	uint64_t writes_arrived, writes_committed;
	sim_time last_commit, last_visible; /* of the writes committed so far */
	struct credit_release *releases; /* ring, in order of time; size is a power of two */
	uint32_t release_head, release_tail, release_mask;

	struct list free_units;
	uint32_t units_in_use;
	struct pcie_metrics m;
	sim_time measured_from;
	struct ats *ats; /* NULL: the device has none */
};

sim_time pcie_wire_time(const struct pcie_port *port, uint32_t bytes);
/* A TLP of the device (of the root complex): when it arrives if it is sent as soon as the wire is free. */
sim_time pcie_send_up(struct pcie_port *port, uint32_t payload);
sim_time pcie_send_down(struct pcie_port *port, uint32_t payload);
/* The unit's TLPs reach the root complex: its event. */
void pcie_unit_arrives(struct event *ev);
void pcie_unit_free(struct pcie_unit *u);
void pcie_pump(struct pcie_port *port);
/* A committed write that is visible in memory at that time gives its credits back. */
void pcie_credit_return(struct pcie_port *port, const struct pcie_unit *u, sim_time visible);
void pcie_dma_complete(struct pcie_dma *d, struct pcie_port *port, sim_time now);

/* ---- pcie_ats.c; port->ats is there ---- */
static inline uint64_t ats_key(unsigned page_lg2, uint64_t iova)
{
	return (uint64_t)page_lg2 << 52 | iova >> page_lg2;
}
void ats_create(struct pcie_port *port, struct metric_scope *scope);
void ats_destroy(struct pcie_port *port);
/* May the device send the bytes at `iova` now? ATS_WAIT: pcie_pump is called when it is known. */
enum ats_verdict { ATS_HIT, ATS_WAIT, ATS_REFUSED };
enum ats_verdict ats_translate(struct pcie_port *port, iova_t iova, bool write, hpa_t *pa);
/* Ask for the pages of DMAs that wait behind. */
void ats_look_ahead(struct pcie_port *port);
void ats_read_returned(struct pcie_port *port, const struct pcie_unit *u);
/* Writes were committed: messages that came after them go on. */
void ats_writes_committed(struct pcie_port *port);
bool ats_is_idle(const struct pcie_port *port);

#endif
