#include "hw/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/bug.h"

#define MEM_METRICS(M)                                                                             \
	M(COUNTER, reads, "ops", NULL, "Reads by devices and page walkers.")                       \
	M(COUNTER, writes, "ops", NULL, "Writes by devices and IOMMUs.")                           \
	M(COUNTER, bytes, "bytes", NULL, "Bytes of both.")                                         \
	M(TIME, queued, "ps", NULL, "Wait for the memory's bandwidth.")
METRIC_DECLARE(mem_metrics, MEM_METRICS);

#define METRIC_STRUCT_ struct mem_metrics
static const struct metric_desc desc[] = { MEM_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table mem_metric_table = { "memory", "Physical memory as hardware uses it.",
	desc, ARRAY_SIZE(desc) };

#define HOLE_END ((uint64_t)1 << 32)

/*
 * The host's own virtual memory is the sparse store: the whole range is mapped without reservation,
 * pages come into being when they are written, and pages never written read as zero.
 */
struct mem {
	unsigned char *bytes;
	uint64_t size;
	const struct mem_conf *conf;
	sim_time busy_until;
	struct mem_metrics m;
};

struct mem *mem_create(const struct mem_conf *conf, struct metric_scope *scope)
{
	struct mem *m = xcalloc(1, sizeof(*m));

	m->conf = conf;
	m->size = conf->size & ~(PAGE_SIZE - 1);
	m->bytes = mmap(NULL, m->size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->bytes == MAP_FAILED) {
		fprintf(stderr,
			"iommusim: error: %llu bytes of simulated memory cannot be mapped "
			"(lower memory.size, or raise the address-space limit: ulimit -v)\n",
			(unsigned long long)m->size);
		exit(2);
	}
	metric_scope_add(scope, &mem_metric_table, &m->m);
	return m;
}

void mem_destroy(struct mem *m)
{
	munmap(m->bytes, m->size);
	free(m);
}

bool mem_exists(const struct mem *m, hpa_t at, uint64_t len)
{
	uint64_t end = at.a + len;

	if (len > m->size || at.a > m->size - len)
		return false;
	return m->conf->hole == 0 || end <= HOLE_END - m->conf->hole || at.a >= HOLE_END;
}

uint64_t mem_size(const struct mem *m)
{
	return m->size;
}

void mem_read(const struct mem *m, hpa_t at, void *buf, uint64_t len)
{
	BUG_ON(!mem_exists(m, at, len));
	memcpy(buf, m->bytes + at.a, len);
}

void mem_write(struct mem *m, hpa_t at, const void *buf, uint64_t len)
{
	BUG_ON(!mem_exists(m, at, len));
	memcpy(m->bytes + at.a, buf, len);
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#define LE64(v) __builtin_bswap64(v)
#define LE32(v) __builtin_bswap32(v)
#else
#define LE64(v) (v)
#define LE32(v) (v)
#endif

uint64_t mem_read64(const struct mem *m, hpa_t at)
{
	uint64_t v;

	mem_read(m, at, &v, sizeof(v));
	return LE64(v);
}

void mem_write64(struct mem *m, hpa_t at, uint64_t v)
{
	v = LE64(v);
	mem_write(m, at, &v, sizeof(v));
}

uint32_t mem_read32(const struct mem *m, hpa_t at)
{
	uint32_t v;

	mem_read(m, at, &v, sizeof(v));
	return LE32(v);
}

void mem_write32(struct mem *m, hpa_t at, uint32_t v)
{
	v = LE32(v);
	mem_write(m, at, &v, sizeof(v));
}

/* Bandwidth is a single server that each access occupies for its bytes; latency overlaps. */
static sim_time served(struct mem *m, sim_time now, uint32_t bytes, sim_time latency)
{
	sim_time start = now > m->busy_until ? now : m->busy_until;

	m->m.queued += start - now;
	m->m.bytes += bytes;
	m->busy_until = start + (uint64_t)bytes * 8 * (SEC / 1000) / (m->conf->bandwidth / 1000);
	return start + latency;
}

sim_time mem_read_done(struct mem *m, sim_time now, uint32_t bytes)
{
	m->m.reads++;
	return served(m, now, bytes, m->conf->read_latency);
}

sim_time mem_write_done(struct mem *m, sim_time now, uint32_t bytes)
{
	m->m.writes++;
	return served(m, now, bytes, m->conf->write_latency);
}
