/*
 * nic_tx - a network card and its driver that send. nic_tx_driver.c: the sending CPU fills pages, maps a
 * packet's header and payload, writes descriptors, rings; the CPU that gets the interrupt unmaps what has
 * been sent and frees it. nic_tx_device.c: the card fetches descriptors, reads payload (non-posted reads,
 * so tags bound it), sends packets in order at the rate of its link, cuts those that TCP left whole (TSO),
 * writes their last descriptor back.
 */
#ifndef WORKLOADS_NIC_TX_H
#define WORKLOADS_NIC_TX_H
#include "base/rng.h"
#include "hw/cpu.h"
#include "workloads/workload.h"

#define NIC_TX_CONF(F)                                                                             \
	F(u32, queues, "0", "0", "1024", "queues", "Send queues, one CPU each; 0: one per CPU.")   \
	F(u32, ring, "512", "32", "65536", "descriptors", "Descriptors of a queue's ring.")        \
	F(size, size, "64KiB", "64B", "64KiB", "",                                                 \
		"Payload that the stack hands over at once; more than a segment: TSO.")            \
	F(size, mss, "1448B", "64B", "9000B", "", "Payload of a packet on the wire.")              \
	F(size, fragment, "32KiB", "4KiB", "64KiB", "",                                            \
		"Contiguous memory that a fragment of the socket buffer has.")                     \
	F(choice, mapping, "pieces", NULL, NULL, "pieces|list",                                    \
		"Header and fragments mapped one by one, as most drivers do, or the fragments as " \
		"one list.")                                                                       \
	F(rate, link, "40Gbps", "1Mbps", "100000Gbps", "", "The wire.")                            \
	F(rate, rate, "0", "0", "100000Gbps", "",                                                  \
		"Payload offered, at random times (open loop); 0: as much as goes (closed loop).") \
	F(size, window, "256KiB", "1KiB", "1GiB", "",                                              \
		"Payload of a queue under way at most (TCP small queues, byte queue limits).")     \
	F(u32, completion_cpu, "0", "0", "1023", "CPUs",                                           \
		"The interrupt goes to the CPU so many further: 0: to the sending one.")           \
	F(u32, doorbell_batch, "1", "1", "64", "packets", "Packets for a doorbell (xmit_more).")   \
	F(u32, fetch_batch, "16", "1", "64", "descriptors", "Descriptors fetched by one read.")    \
	F(size, fifo, "256KiB", "64KiB", "64MiB", "",                                              \
		"Payload that the card has read or asked for.")                                    \
	F(time, interrupt_interval, "20us", "0", "10ms", "",                                       \
		"Shortest time between two interrupts of a queue (moderation).")                   \
	F(u32, cycles_send, "2500", "0", "10000000", "cycles",                                     \
		"Protocol stack and application per socket buffer.")                               \
	F(u32, cycles_line, "4", "0", "10000", "cycles", "The same per 64 bytes of payload.")      \
	F(u32, cycles_descriptor, "40", "0", "1000000", "cycles", "Driver work per descriptor.")   \
	F(u32, cycles_clean, "300", "0", "1000000", "cycles", "Driver work per buffer sent.")

CONF_DECLARE(nic_tx_conf, NIC_TX_CONF);

#define NIC_TX_METRICS(M)                                                                          \
	M(COUNTER, offered, "buffers", NULL, "Socket buffers that the application has ready.")     \
	M(COUNTER, queued, "buffers", "offered", "Of these, given to the card.")                   \
	M(COUNTER, sent, "buffers", "queued", "Sent, unmapped and freed.")                         \
	M(COUNTER, sent_bytes, "bytes", NULL, "Their payload.")                                    \
	M(COUNTER, packets, "packets", NULL, "Packets on the wire.")                               \
	M(COUNTER, wire_bytes, "bytes", NULL,                                                      \
		"Their bytes, with headers, check sequence, preamble and gap.")                    \
	M(COUNTER, failed, "buffers", "queued", "The IOMMU refused a part of their payload.")      \
	M(COUNTER, map_failures, "buffers", "offered", "Put off: no device address was free.")     \
	M(COUNTER, ring_full, "times", NULL, "The sender found too few descriptors.")              \
	M(COUNTER, fetches, "reads", NULL, "Descriptor reads.")                                    \
	M(COUNTER, reads, "reads", "queued", "Payload reads.")                                     \
	M(COUNTER, doorbells, "writes", NULL, "Tail register writes.")                             \
	M(COUNTER, interrupts, "interrupts", "sent", "Interrupts raised.")                         \
	M(COUNTER, cleaned_elsewhere, "buffers", "sent", "Unmapped by another CPU than mapped.")   \
	M(HIST, latency, "ps", NULL,                                                               \
		"From when a buffer was ready (open loop) or begun until its last bit is sent.")

METRIC_DECLARE(nic_tx_metrics, NIC_TX_METRICS);

#define TX_HEADER_ROOM 512u /* of a socket buffer's linear part: several share a page */
#define TX_HEADER      66u /* Ethernet, IPv4, TCP with time stamps; a piece of its own */
#define TX_GAP         24u /* check sequence, preamble, gap */
#define TX_DESC_BYTES  16u
/* Descriptor: word 0 address; word 1 length 31:0, end of buffer 32, done 33. */
#define TX_DESC_LEN    UINT64_C(0xffffffff)
#define TX_DESC_EOP    BIT64(32)
#define TX_DESC_DD     BIT64(33)
#define TX_PIECES      19u /* header and 64 KiB in pages, and one that is not aligned */

struct nic_tx;

struct tx_buffer { /* a socket buffer, at the ring position of its first descriptor */
	struct dma_sg sg[TX_PIECES]; /* header, then fragments */
	iova_t iova[TX_PIECES];
	unsigned npieces; /* descriptors */
	uint32_t bytes;
	unsigned cpu;
	sim_time due;
};

struct tx_read { /* of the payload of one descriptor */
	struct pcie_dma dma;
	bool here;
};

struct tx_queue {
	struct nic_tx *nic;
	unsigned id;
	struct cpu *sender, *cleaner;
	uint32_t size;
	hpa_t ring_pa;
	iova_t ring_iova;
	/* driver; positions count for ever */
	uint64_t next_to_use, next_to_clean, rung;
	uint32_t unrung; /* buffers since the last doorbell */
	uint64_t under_way; /* payload */
	struct tx_buffer *buffer; /* by position */
	hpa_t headers; /* HEADER_ROOM bytes a position */
	hpa_t *block, *spare; /* fragments taken, and those at hand */
	uint32_t nblocks, nspare;
	struct line line; /* indices that both CPUs use */
	struct cpu_work send, clean;
	sim_time next_due;
	struct event arrival;
	struct rng rng;
	/* card */
	uint64_t tail, doorbell_tail[2], fetched;
	uint64_t started, passed; /* payload asked for; handed to the wire: in order */
	uint32_t fetch_n;
	uint64_t *desc; /* second word of fetched descriptors, by position */
	iova_t *address;
	struct tx_read *payload; /* by position */
	struct pcie_dma fetch, *writeback, msi;
	struct event doorbell, interrupt_timer;
	sim_time last_interrupt;
	bool interrupt_wanted, interrupt_enabled;
};

struct tx_sending { /* on the wire: buffers in order */
	struct tx_queue *queue;
	uint64_t last; /* its last descriptor */
	sim_time at; /* its last bit is out */
};

struct nic_tx {
	struct workload_env env;
	const struct nic_tx_conf *conf;
	struct pcie_port *port;
	struct dma_dev *dma;
	unsigned nqueues;
	struct tx_queue *queue;
	uint64_t fifo_used;
	sim_time wire_free;
	struct tx_sending *sending; /* ring of wire_room */
	uint32_t sending_head, sending_n, sending_room;
	struct event sent;
	bool stopped;
	struct nic_tx_metrics m;
};

/* ---- driver ---- */
void tx_driver_init(struct tx_queue *q);
bool tx_driver_open(struct tx_queue *q, struct proc *p);
void tx_driver_close(struct tx_queue *q, struct proc *p);
void tx_driver_start(struct tx_queue *q);
void tx_driver_stop(struct tx_queue *q);
void tx_driver_fini(struct tx_queue *q);
void tx_driver_interrupt(struct tx_queue *q);
bool tx_driver_idle(const struct tx_queue *q);
/* Most descriptors that a buffer takes. */
unsigned tx_pieces_max(const struct nic_tx_conf *c);

/* ---- card ---- */
void tx_card_init(struct tx_queue *q);
void tx_card_fini(struct tx_queue *q);
void tx_doorbell(struct tx_queue *q, struct proc *p, uint64_t tail);
void tx_interrupt_enable(struct tx_queue *q);
void tx_sent(struct event *ev); /* nic_tx.sent */
bool tx_card_idle(const struct tx_queue *q);

#endif
