/*
 * nvme - a solid-state disk and its driver under the load of fio jobs. nvme_load.c says what the next
 * request is; nvme_driver.c is the kernel's side: maps buffers, writes commands, rings, takes completions,
 * unmaps; nvme_device.c is the disk: fetches commands and pointer lists from simulated memory, moves data,
 * writes completions, raises interrupts. A queue pair a CPU. NVM Express Base Specification 1.4: sections
 * 4.2 (submission queue entry), 4.3 (PRP), 4.4 (SGL), 4.6 (completion queue entry), 5.21.1.8 (interrupt
 * coalescing). Linux drivers/nvme/host/pci.c.
 */
#ifndef WORKLOADS_NVME_H
#define WORKLOADS_NVME_H
#include "base/rng.h"
#include "hw/cpu.h"
#include "workloads/workload.h"

#define NVME_CONF(F)                                                                               \
	F(path, job, "", NULL, NULL, "",                                                           \
		"fio job file: its bs, bssplit, rw, rwmixread, iodepth, numjobs, size, "           \
		"random_distribution and rate_iops take the place of the keys below.")             \
	F(size, bs, "4KiB", "512B", "1MiB", "", "Bytes of a request.")                             \
	F(str, bssplit, "", NULL, NULL, "",                                                        \
		"Sizes and their shares in per cent, as fio writes them: 4k/60:64k/40.")           \
	F(choice, rw, "randread", NULL, NULL, "read|write|randread|randwrite|rw|randrw",           \
		"Direction and order of the requests.")                                            \
	F(u32, rwmixread, "50", "0", "100", "%", "Of rw and randrw: reads.")                       \
	F(u32, iodepth, "32", "1", "1024", "requests", "Requests that a job has under way.")       \
	F(u32, numjobs, "0", "0", "1024", "jobs", "Jobs, each on a CPU; 0: one a CPU.")            \
	F(size, size, "1GiB", "1MiB", "16TiB", "", "Part of the disk that a job works in.")        \
	F(str, random_distribution, "random", NULL, NULL, "",                                      \
		"Of random places: random, or zipf:THETA.")                                        \
	F(u64, rate_iops, "0", "0", "100000000", "requests/s",                                     \
		"Requests that a job issues a second, at random (open loop); 0: the next when "    \
		"one is complete (closed loop).")                                                  \
	F(u32, queue, "1024", "2", "65536", "entries", "Entries of a submission queue.")           \
	F(choice, pointers, "prp", NULL, NULL, "prp|sgl",                                          \
		"How a command names its buffer: a list of pages, or of ranges.")                  \
	F(choice, mapping, "list", NULL, NULL, "list|page|once",                                   \
		"Buffers: mapped as one list for every request, page by page for every request, "  \
		"or once at the beginning.")                                                       \
	F(choice, service, "exponential", NULL, NULL, "constant|exponential",                      \
		"Distribution of the disk's service time.")                                        \
	F(time, service_time, "80us", "1ns", "1s", "", "Its mean.")                                \
	F(u32, units, "64", "1", "65536", "units",                                                 \
		"Parts of the disk that work at once, each on one request at a time.")             \
	F(size, stripe, "16KiB", "512B", "1GiB", "", "Bytes in a row that lie on one unit.")       \
	F(u32, fetch_batch, "8", "1", "64", "commands", "Commands fetched by one read.")           \
	F(u32, coalesce, "1", "1", "256", "completions", "Completions before an interrupt.")       \
	F(time, coalesce_time, "100us", "0", "10ms", "",                                           \
		"Longest time that a completion waits for others' interrupt.")                     \
	F(u32, cycles_submit, "1200", "0", "1000000", "cycles",                                    \
		"Block layer and driver to issue a request, besides the DMA API.")                 \
	F(u32, cycles_complete, "1500", "0", "1000000", "cycles",                                  \
		"The same to complete one, and the application's part.")

CONF_DECLARE(nvme_conf, NVME_CONF);

#define NVME_METRICS(M)                                                                            \
	M(COUNTER, issued, "requests", NULL, "Requests issued.")                                   \
	M(COUNTER, completed, "requests", "issued", "Requests completed.")                         \
	M(COUNTER, bytes, "bytes", NULL, "Their bytes.")                                           \
	M(COUNTER, reads, "requests", "completed", "Of these, reads.")                             \
	M(COUNTER, failed, "requests", "completed", "The IOMMU refused a part of its DMA.")        \
	M(COUNTER, map_failures, "requests", "issued", "Not issued: no device address was free.")  \
	M(COUNTER, fetches, "reads", NULL, "Reads of submission queues.")                          \
	M(COUNTER, list_reads, "reads", "completed", "Reads of PRP lists and SGL segments.")       \
	M(COUNTER, data_dmas, "DMAs", "completed", "DMAs of data.")                                \
	M(COUNTER, doorbells, "writes", NULL, "Doorbells rung, of both kinds of queue.")           \
	M(COUNTER, interrupts, "interrupts", "completed", "Interrupts raised.")                    \
	M(HIST, depth, "requests", NULL, "Requests under way in the job, seen at each issue.")     \
	M(HIST, service, "ps", NULL, "A unit of the disk at work, without the wait for it.")       \
	M(HIST, unit_wait, "ps", NULL, "Wait for the unit that holds the place.")                  \
	M(HIST, latency, "ps", NULL,                                                               \
		"From the issue (open loop: from when it was due) until it is complete.")

METRIC_DECLARE(nvme_metrics, NVME_METRICS);

/* ---- what a job asks for (nvme_load.c) ---- */

enum nvme_rw { NVME_READ, NVME_WRITE, NVME_RANDREAD, NVME_RANDWRITE, NVME_RW, NVME_RANDRW };
#define NVME_SPLITS 32u

struct nvme_load {
	uint32_t nsplits;
	uint32_t bytes[NVME_SPLITS], upto[NVME_SPLITS]; /* upto: sum of the shares */
	enum nvme_rw rw;
	uint32_t rwmixread, iodepth, numjobs;
	uint64_t size, rate_iops;
	double theta; /* zipf; 0: uniform */
};

struct nvme_next {
	bool write;
	uint32_t bytes;
	uint64_t at; /* offset in the job's part of the disk */
};

/* From the keys, and from the job file where there is one. */
bool nvme_load_init(
	struct nvme_load *l, const struct nvme_conf *c, struct src_pos pos, struct err *err);
bool nvme_parse_split(struct nvme_load *l, const char *text, const char **wrong);
bool nvme_parse_distribution(struct nvme_load *l, const char *text);
bool nvme_parse_rw(const char *text, enum nvme_rw *rw);
/* nvme_job.c */
bool nvme_job_read(struct nvme_load *l, const char *file, struct err *err);
uint32_t nvme_load_largest(const struct nvme_load *l);

/* ---- formats ---- */

#define SQE_BYTES   64u
#define CQE_BYTES   16u
/* Words of 64 bits. */
#define SQE_WORD0   0u /* opcode 7:0, PSDT 15:14, command id 31:16 */
#define SQE_POINTER 3u /* PRP1, PRP2; or the first SGL descriptor */
#define SQE_SLBA    5u
#define SQE_NLB     6u /* 15:0, less one */
#define SQE_OPCODE  UINT64_C(0xff)
#define SQE_SGL     UINT64_C(0x4000)
#define SQE_CID     UINT64_C(0xffff0000)
enum { NVME_OP_WRITE = 1, NVME_OP_READ = 2 };
/* SGL descriptor: address, then length 31:0 and type 63:60. */
#define SGL_LENGTH    UINT64_C(0xffffffff)
#define SGL_DATA      UINT64_C(0)
#define SGL_LAST      UINT64_C(3) /* last segment: a list of descriptors */
#define SGL_TYPE_AT   60
/* Completion: word 1 holds the queue's head 15:0, the command 47:32, phase 48 and status 63:49. */
#define CQE_CID_AT    32
#define CQE_PHASE     BIT64(48)
#define CQE_STATUS_AT 49

#define LBA_BYTES 512u

/* ---- a request and its queue pair ---- */

struct nvme;
struct nvme_queue;
struct nvme_job;

struct nvme_request { /* a place that a job's requests use one after the other */
	struct nvme_queue *queue;
	struct nvme_job *job;
	uint16_t cid;
	bool busy, write;
	uint32_t bytes, npages;
	sim_time due;
	/* driver */
	hpa_t *page; /* largest request's; not contiguous */
	iova_t *iova; /* of each page */
	hpa_t list_pa;
	iova_t list_iova;
	/* disk */
	uint64_t slba;
	uint64_t pointer[2];
	bool sgl, failed;
	struct pcie_dma list, *data; /* data: a piece each */
	uint32_t npieces, moved;
	sim_time ready; /* the unit's work is done */
	struct event served;
};

struct nvme_job {
	struct nvme *nvme;
	struct nvme_queue *queue;
	struct rng rng;
	uint64_t sequential; /* next place */
	struct nvme_request *request; /* iodepth */
	uint32_t busy;
	sim_time next_due; /* open loop */
	struct event arrival;
};

struct nvme_queue {
	struct nvme *nvme;
	struct cpu *cpu;
	uint32_t size;
	hpa_t sq_pa, cq_pa;
	iova_t sq_iova, cq_iova;
	struct nvme_request **request; /* by command id */
	uint32_t nrequests;
	/* driver */
	uint32_t sq_tail, cq_head; /* indices */
	bool phase;
	uint32_t rung; /* sq_tail at the last doorbell */
	struct cpu_work submit, irq;
	/* disk */
	uint32_t fetch_head, tail, cq_tail;
	bool cq_phase;
	uint32_t fetch_n;
	struct event doorbell, coalesce;
	uint32_t doorbell_tail[2];
	struct pcie_dma fetch, *cqe, msi; /* cqe: by index */
	uint64_t *cqe_word; /* their second word */
	uint32_t unreported; /* completions since the last interrupt */
	bool msi_again;
};

struct nvme {
	struct workload_env env;
	const struct nvme_conf *conf;
	struct nvme_load load;
	struct pcie_port *port;
	struct dma_dev *dma;
	uint32_t nqueues;
	struct nvme_queue *queue;
	struct nvme_job *job; /* load.numjobs */
	sim_time *unit_free; /* by unit */
	struct rng service_rng;
	bool stopped;
	struct nvme_metrics m;
};

/* The job's next request. */
struct nvme_next nvme_load_next(struct nvme_job *j);

enum { NVME_PRP, NVME_SGL }; /* words of `pointers` */
enum { NVME_MAP_LIST, NVME_MAP_PAGE, NVME_MAP_ONCE }; /* words of `mapping` */

static inline uint32_t nvme_pages(uint32_t bytes)
{
	return (uint32_t)((bytes + PAGE_SIZE - 1) >> PAGE_LG2);
}

/* ---- nvme_command.c ---- */
bool nvme_map(struct nvme_request *r, struct proc *p); /* false: no address is free */
void nvme_unmap(struct nvme_request *r, struct proc *p);
/* At the queue's tail, which moves on. */
void nvme_write_command(struct nvme_request *r, uint64_t at);

/* ---- nvme_driver.c ---- */
void nvme_driver_init(struct nvme_queue *q);
bool nvme_driver_open(struct nvme *n, struct proc *p, struct err *err);
void nvme_driver_close(struct nvme *n, struct proc *p);
void nvme_driver_start(struct nvme *n);
void nvme_driver_stop(struct nvme *n);
void nvme_driver_interrupt(struct nvme_queue *q); /* from the disk */

/* ---- nvme_device.c ---- */
void nvme_device_init(struct nvme_queue *q);
void nvme_device_fini(struct nvme_queue *q);
void nvme_request_init(struct nvme_request *r);
void nvme_request_fini(struct nvme_request *r);
/* The CPU's posted writes of the doorbells, at p's local time. */
void nvme_ring_sq(struct nvme_queue *q, struct proc *p, uint32_t tail);
void nvme_ring_cq(struct nvme_queue *q, struct proc *p);

#endif
