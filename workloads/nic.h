/*
 * nic - a network card and its driver under receive traffic. nic_device.c is the card: it takes
 * packets off the wire, fetches descriptors, writes payload and descriptors, raises interrupts.
 * nic_driver.c is the kernel's side: polls, unmaps, refills. The two meet in rings in simulated
 * memory and in the tail register; nic_buffers.c has the ways a driver keeps its buffers.
 */
#ifndef WORKLOADS_NIC_H
#define WORKLOADS_NIC_H
#include "base/rng.h"
#include "hw/cpu.h"
#include "workloads/arrivals.h"
#include "workloads/workload.h"

#define NIC_CONF(F)                                                                                 \
	F(u32, queues, "0", "0", "1024", "queues",                                                  \
		"Receive queues, one CPU each; 0: one per CPU.")                                    \
	F(u32, ring, "512", "16", "65536", "descriptors", "Descriptors of a queue's ring.")         \
	F(size, buffer, "2KiB", "256B", "4KiB", "", "Receive buffer of a descriptor.")              \
	F(choice, buffers, "page", NULL, NULL, "page|half-page|page-pool|xdp",                      \
		"Buffers: a page each, two to a page (both mapped and unmapped for every packet), " \
		"pages that stay mapped and are recycled, or these under an XDP program: what it "  \
		"drops gives its page back at once, what it passes is copied for the stack.")       \
	F(f64, xdp_pass, "0.1", "0", "1", "",                                                       \
		"With buffers: xdp, share of the frames that the program passes to the stack.")     \
	F(u32, pool, "1024", "16", "65536", "pages",                                                \
		"Pages that a queue keeps mapped, out of the ring, for page-pool and xdp.")         \
	F(u32, flows, "64", "1", "1000000", "flows",                                                \
		"Flows of synthetic traffic, spread over the queues by their hash.")                \
	F(size, fifo, "512KiB", "16KiB", "64MiB", "", "Packet buffer on the card.")                 \
	F(u32, fetch_batch, "16", "1", "64", "descriptors", "Descriptors fetched by one read.")     \
	F(u32, writeback_batch, "4", "1", "64", "descriptors",                                      \
		"Finished descriptors written back together.")                                      \
	F(time, writeback_delay, "500ns", "0", "1ms", "",                                           \
		"Longest time that a finished descriptor waits for others.")                        \
	F(time, interrupt_interval, "20us", "0", "10ms", "",                                        \
		"Shortest time between two interrupts of a queue (moderation).")                    \
	F(u32, budget, "64", "1", "4096", "packets", "Packets of one poll (NAPI weight).")          \
	F(u32, refill, "16", "1", "4096", "descriptors",                                            \
		"Buffers given back to the ring together.")                                         \
	F(u32, cycles_poll, "400", "0", "1000000", "cycles", "Fixed part of a poll.")               \
	F(u32, cycles_packet, "250", "0", "1000000", "cycles", "Driver work per buffer received.")  \
	F(u32, cycles_xdp, "100", "0", "1000000", "cycles",                                         \
		"XDP program per frame: an assumption.")                                            \
	F(u32, cycles_refill, "60", "0", "1000000", "cycles", "Driver work per buffer refilled.")   \
	F(u32, cycles_stack, "1800", "0", "10000000", "cycles",                                     \
		"Protocol stack and application per packet.")                                       \
	F(u32, lines_stack, "40", "0", "100000", "lines",                                           \
		"Cache lines that the stack touches per packet, besides the payload.")              \
	F(u32, cycles_line, "6", "0", "10000", "cycles", "The same per 64 bytes of payload.")

CONF_DECLARE(nic_conf, NIC_CONF);

enum nic_buffers { NIC_PAGE, NIC_HALF_PAGE, NIC_PAGE_POOL, NIC_XDP }; /* words of `buffers` */

#define NIC_METRICS(M)                                                                             \
	M(COUNTER, offered, "packets", NULL, "Packets on the wire.")                               \
	M(COUNTER, offered_bytes, "bytes", NULL, "Their frame bytes.")                             \
	M(COUNTER, delivered, "packets", "offered", "Packets that the stack has taken.")           \
	M(COUNTER, delivered_bytes, "bytes", NULL, "Their frame bytes.")                           \
	M(COUNTER, dropped_no_descriptor, "packets", "offered", "Lost: the ring was dry.")         \
	M(COUNTER, dropped_fifo, "packets", "offered",                                             \
		"Lost: the card's packet buffer was full (back-pressure).")                        \
	M(COUNTER, dropped_fault, "packets", "offered", "Lost: the IOMMU refused the write.")      \
	M(COUNTER, descriptors, "descriptors", NULL,                                               \
		"Given to packets: one for each buffer that a frame fills.")                       \
	M(COUNTER, xdp_dropped, "packets", "offered",                                              \
		"Ended by the XDP program: neither delivered nor lost.")                           \
	M(COUNTER, fetches, "reads", NULL, "Descriptor reads.")                                    \
	M(COUNTER, writebacks, "writes", NULL, "Descriptor writes.")                               \
	M(COUNTER, interrupts, "interrupts", NULL, "Interrupts raised.")                           \
	M(COUNTER, polls, "polls", NULL, "Polls by the driver.")                                   \
	M(COUNTER, polls_full, "polls", "polls", "Polls that used up their budget.")               \
	M(COUNTER, doorbells, "writes", NULL, "Tail register writes.")                             \
	M(COUNTER, refilled, "buffers", NULL, "Buffers given to the card.")                        \
	M(COUNTER, refill_failures, "buffers", NULL, "Refills cut short: mapping failed.")         \
	M(HIST, packets_per_poll, "packets", NULL, "Packets taken by a poll.")                     \
	M(HIST, ring_available, "descriptors", NULL,                                               \
		"Descriptors that the card owns, seen at each arrival.")                           \
	M(HIST, latency, "ps", NULL, "From the last bit on the wire until the stack is done.")

METRIC_DECLARE(nic_metrics, NIC_METRICS);

/* Receive descriptor, 16 bytes, little endian, as the advanced descriptors of Intel 82599:
 * read format: [0] packet buffer address, [1] 0; write-back format: [1] status and length. */
#define NIC_DESC_BYTES     16u
#define NIC_DESC_DD        UINT64_C(1) /* done */
#define NIC_DESC_EOP       UINT64_C(2) /* last buffer of the packet */
#define NIC_DESC_ERR       UINT64_C(4) /* the payload was not written */
#define NIC_DESC_LEN       UINT64_C(0xffff00000000)
#define NIC_DESC_LEN_SHIFT 32

struct nic;
struct nic_queue;

/* A receive buffer as the driver knows it. */
struct nic_buffer {
	hpa_t pa;
	iova_t iova;
};

struct nic_packet { /* on the card */
	uint32_t bytes;
	sim_time arrived;
};

/* A way of keeping buffers. All run on the queue's CPU; get may fail when no address is free. */
struct nic_buffer_style {
	bool (*get)(struct nic_queue *q, struct proc *p, struct nic_buffer *b); /* mapped */
	void (*received)(struct nic_queue *q, struct proc *p, struct nic_buffer *b);
	void (*consumed)(
		struct nic_queue *q, struct proc *p, struct nic_buffer *b); /* by the stack */
	void (*discard)(struct nic_queue *q, struct proc *p, struct nic_buffer *b); /* never used */
	void (*drain)(struct nic_queue *q, struct proc *p); /* what the style itself keeps */
};
extern const struct nic_buffer_style nic_buffer_styles[]; /* by the words of `buffers` */

struct nic_queue {
	struct nic *nic;
	unsigned id;
	struct cpu *cpu;
	uint32_t size; /* of the ring */
	hpa_t ring_pa;
	iova_t ring_iova;

	/* card: positions count for ever, index = position % size */
	uint64_t tail; /* descriptors below it belong to the card */
	uint64_t fetched, used; /* read from memory; given to a packet */
	uint64_t finished, written; /* payload sent; written back or being written back */
	iova_t *address; /* of fetched descriptors */
	uint32_t *length; /* of finished ones */
	bool *end_of_packet;
	sim_time *arrived; /* of the packet, for its latency */
	struct nic_packet *waiting; /* packets that wait for descriptors; ring of waiting_size */
	uint32_t waiting_size, waiting_head, waiting_n;
	struct pcie_dma fetch, *payload, *writeback, msi;
	uint32_t fetch_n;
	struct event writeback_timer, interrupt_timer, doorbell;
	uint64_t doorbell_tail[2]; /* posted doorbells still under way: the value that arrives */
	sim_time last_interrupt;
	bool interrupt_enabled, interrupt_wanted;

	/* driver */
	uint64_t next_to_clean, next_to_use;
	struct nic_buffer *buffer;
	uint32_t frame_bytes; /* of the buffers taken so far of a frame of several */
	bool frame_bad; /* one of them was not written */
	bool frame_begun, frame_passes; /* its first buffer is taken; for the stack: not XDP's */
	struct rng xdp_rng;
	struct cpu_work poll, irq;
	struct nic_buffer *pool; /* page-pool: mapped pages at hand */
	uint32_t pool_n;
	hpa_t spare_half; /* half-page: the other half of the page last taken; 0: none */
	const struct nic_buffer_style *style;
};

struct nic {
	struct workload_env env;
	const struct nic_conf *conf;
	struct pcie_port *port;
	struct dma_dev *dma;
	struct arrivals *arrivals;
	struct event arrival;
	struct arrival next;
	bool more; /* next is valid */
	bool stopped;
	sim_time traffic_start;
	unsigned nqueues;
	struct nic_queue *queues;
	uint64_t fifo_used; /* bytes on the card */
	uint8_t *half_done; /* half-page: by frame, one half is consumed */
	struct nic_metrics m;
};

/* ---- card ---- */
void nic_queue_init(struct nic_queue *q, struct nic *nic, unsigned id);
void nic_queue_fini(struct nic_queue *q);
void nic_traffic_start(struct nic *nic);
void nic_traffic_stop(struct nic *nic);
bool nic_queue_idle(const struct nic_queue *q);
/* The CPU's posted write of the tail register, at p's local time. */
void nic_doorbell(struct nic_queue *q, struct proc *p, uint64_t tail);
/* The CPU unmasks the queue's interrupt, likewise. */
void nic_interrupt_enable(struct nic_queue *q);

/* ---- driver ---- */
void nic_driver_init(struct nic_queue *q);
void nic_driver_fini(struct nic_queue *q);
bool nic_driver_open(struct nic_queue *q, struct proc *p); /* ring and first buffers */
void nic_driver_close(struct nic_queue *q, struct proc *p);
bool nic_driver_idle(const struct nic_queue *q);
void nic_driver_interrupt(struct nic_queue *q); /* from the card */

/* ---- XDP ---- */
void nic_xdp_init(struct nic_queue *q);
/* Run the program on a frame: is it for the stack? */
bool nic_xdp_passes(struct nic_queue *q, struct proc *p);
/* A new page with a copy of a buffer's len bytes; the caller frees it. */
hpa_t nic_xdp_copy(struct nic_queue *q, struct proc *p, uint32_t len);

static inline hpa_t nic_desc_at(const struct nic_queue *q, uint64_t position)
{
	return (hpa_t){ q->ring_pa.a + (position % q->size) * NIC_DESC_BYTES };
}

#endif
