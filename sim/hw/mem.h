/*
 * mem - simulated physical memory: the real bytes of every table, ring and descriptor, sparse,
 * little endian. Plain accesses take no time: hardware asks mem_read_done() when its data are there,
 * CPUs pay by cpu_run() and line_read().
 */
#ifndef SIM_HW_MEM_H
#define SIM_HW_MEM_H
#include "engine/proc.h"
#include "hw/machine.h"

struct mem;

struct mem *mem_create(const struct mem_conf *conf, struct metric_scope *scope);
void mem_destroy(struct mem *m);

uint64_t mem_size(const struct mem *m); /* bytes; [0, size) exists, less the hole below 4 GiB */
bool mem_exists(const struct mem *m, hpa_t at, uint64_t len);
/* at is aligned to the access and exists (mem_exists). */
uint64_t mem_read64(const struct mem *m, hpa_t at);
void mem_write64(struct mem *m, hpa_t at, uint64_t v);
uint32_t mem_read32(const struct mem *m, hpa_t at);
void mem_write32(struct mem *m, hpa_t at, uint32_t v);
void mem_read(const struct mem *m, hpa_t at, void *buf, uint64_t len);
void mem_write(struct mem *m, hpa_t at, const void *buf, uint64_t len);

/* When a read (write) of `bytes` that hardware issues at `now` is done: latency plus the wait for the
 * memory's bandwidth. */
sim_time mem_read_done(struct mem *m, sim_time now, uint32_t bytes);
sim_time mem_write_done(struct mem *m, sim_time now, uint32_t bytes);

extern const struct metric_table mem_metric_table;

#endif
