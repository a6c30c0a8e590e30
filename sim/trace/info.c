#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hist.h"
#include "conf/units.h"
#include "trace/tools.h"

#define CPUS_SHOWN    8u
#define DEVICES_SHOWN 8u

struct mapping {
	uint64_t bytes;
	sim_time at;
	uint32_t pages;
	uint16_t cpu;
	uint16_t device;
};

struct per_cpu {
	uint64_t maps, unmaps;
};

struct per_device {
	char name[TRACE_NAME_BYTES + 1];
	uint64_t maps, dmas, bytes;
};

struct survey {
	struct mapping *mapping; /* by handle */
	uint32_t room;
	struct per_cpu *cpu;
	struct per_device *device;
	struct hist size, lifetime, dma_size;
	uint64_t dir[TRACE_BIDIRECTIONAL + 1];
	uint64_t reads, writes, read_bytes, written_bytes;
	uint64_t synthetic, coherent, foreign_unmaps;
	uint64_t live_pages, live_pages_max;
	double page_time; /* integral of live_pages */
	sim_time since;
};

static uint32_t pages_of(const struct trace_record *r)
{
	return (uint32_t)(((r->value & (PAGE_SIZE - 1)) + r->len + PAGE_SIZE - 1) >> PAGE_LG2);
}

static void live_pages(struct survey *s, sim_time now, int64_t change)
{
	s->page_time += (double)s->live_pages * (double)(now - s->since);
	s->since = now;
	s->live_pages = (uint64_t)((int64_t)s->live_pages + change);
	if (s->live_pages > s->live_pages_max)
		s->live_pages_max = s->live_pages;
}

static void see_map(struct survey *s, const struct trace_record *r)
{
	if (r->handle >= s->room) {
		s->room = r->handle < 512 ? 1024 : 2 * r->handle;
		s->mapping = xrealloc(s->mapping, s->room, sizeof(*s->mapping));
	}
	s->mapping[r->handle] = (struct mapping){ .bytes = r->len,
		.at = r->time,
		.pages = pages_of(r),
		.cpu = r->cpu,
		.device = r->device };
	live_pages(s, r->time, pages_of(r));
	s->dir[r->flags & TRACE_DIR]++;
	s->cpu[r->cpu].maps++;
	s->device[r->device].maps++;
	s->coherent += (r->flags & TRACE_COHERENT) != 0;
}

static void see_unmap(struct survey *s, const struct trace_record *r)
{
	const struct mapping *m = &s->mapping[r->handle];

	hist_add(&s->size, m->bytes);
	hist_add(&s->lifetime, r->time - m->at);
	s->foreign_unmaps += m->cpu != r->cpu;
	s->cpu[r->cpu].unmaps++;
	live_pages(s, r->time, -(int64_t)m->pages);
}

static void see_dma(struct survey *s, const struct trace_record *r)
{
	hist_add(&s->dma_size, r->len);
	s->device[r->device].dmas++;
	s->device[r->device].bytes += r->len;
	if (r->flags & TRACE_WRITE) {
		s->writes++;
		s->written_bytes += r->len;
	} else {
		s->reads++;
		s->read_bytes += r->len;
	}
}

static void see(struct survey *s, const struct trace_record *r)
{
	s->synthetic += (r->flags & TRACE_SYNTHETIC) != 0;
	switch (r->type) {
	case TRACE_DEVICE:
		trace_device_name(r, s->device[r->device].name);
		break;
	case TRACE_MAP:
		see_map(s, r);
		break;
	case TRACE_SEGMENT:
		s->mapping[r->handle].bytes += r->len;
		s->mapping[r->handle].pages += pages_of(r);
		live_pages(s, r->time, pages_of(r));
		break;
	case TRACE_UNMAP:
		see_unmap(s, r);
		break;
	case TRACE_DMA:
		see_dma(s, r);
		break;
	default:
		break;
	}
}

/* ---- the screen ---- */

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_counts(const struct survey *s, const struct trace_totals *t, FILE *out)
{
	double seconds = (double)(t->last - t->first) / (double)SEC;
	char a[32];

	fprintf(out, "span      %s from the first record to the last\n",
		units_human_time(t->last - t->first, a, sizeof(a)));
	fprintf(out, "records   %" PRIu64 " (%.0f/s), %.1f %% of them synthetic\n", t->records,
		seconds > 0 ? (double)t->records / seconds : 0, percent(s->synthetic, t->records));
	fprintf(out,
		"maps      %" PRIu64 " (%.0f/s), %" PRIu64 " further segments, %" PRIu64
		" coherent\n",
		t->maps, seconds > 0 ? (double)t->maps / seconds : 0, t->segments, s->coherent);
	fprintf(out, "          to device %.1f %%, from device %.1f %%, bidirectional %.1f %%\n",
		percent(s->dir[TRACE_TO_DEVICE], t->maps),
		percent(s->dir[TRACE_FROM_DEVICE], t->maps),
		percent(s->dir[TRACE_BIDIRECTIONAL], t->maps));
	fprintf(out,
		"unmaps    %" PRIu64 " (%.0f/s), %.1f %% on another CPU than the map; %" PRIu32
		" mappings live at the end\n",
		t->unmaps, seconds > 0 ? (double)t->unmaps / seconds : 0,
		percent(s->foreign_unmaps, t->unmaps), t->live);
	fprintf(out,
		"DMAs      %" PRIu64 " reads of %.1f MiB, %" PRIu64 " writes of %.1f MiB; %" PRIu64
		" syncs\n",
		s->reads, (double)s->read_bytes / (1 << 20), s->writes,
		(double)s->written_bytes / (1 << 20), t->syncs);
}

static void print_distributions(const struct survey *s, const struct trace_totals *t, FILE *out)
{
	double mean = t->last > t->first ? s->page_time / (double)(t->last - t->first) : 0;
	char p[4][32];

	fprintf(out,
		"sizes     p50 %" PRIu64 "  p90 %" PRIu64 "  p99 %" PRIu64 "  max %" PRIu64
		" bytes a mapping; DMAs p50 %" PRIu64 "  max %" PRIu64 "\n",
		hist_percentile(&s->size, 50), hist_percentile(&s->size, 90),
		hist_percentile(&s->size, 99), s->size.max, hist_percentile(&s->dma_size, 50),
		s->dma_size.max);
	fprintf(out, "lifetimes p50 %s  p90 %s  p99 %s  max %s\n",
		units_human_time(hist_percentile(&s->lifetime, 50), p[0], sizeof(p[0])),
		units_human_time(hist_percentile(&s->lifetime, 90), p[1], sizeof(p[1])),
		units_human_time(hist_percentile(&s->lifetime, 99), p[2], sizeof(p[2])),
		units_human_time(s->lifetime.max, p[3], sizeof(p[3])));
	fprintf(out,
		"working   at most %" PRIu32 " mappings and %" PRIu64
		" pages at once, %.0f pages in the mean\n",
		t->live_max, s->live_pages_max, mean);
}

static void print_who(const struct survey *s, const struct trace_totals *t, FILE *out)
{
	for (uint32_t i = 0; i < t->cpus && i < CPUS_SHOWN; i++)
		fprintf(out, "CPU %-5u %" PRIu64 " maps, %" PRIu64 " unmaps\n", i, s->cpu[i].maps,
			s->cpu[i].unmaps);
	if (t->cpus > CPUS_SHOWN)
		fprintf(out, "...       %u CPUs more\n", t->cpus - CPUS_SHOWN);
	for (uint32_t i = 0; i < t->devices && i < DEVICES_SHOWN; i++)
		fprintf(out, "device %-2u %s: %" PRIu64 " maps, %" PRIu64 " DMAs of %.1f MiB\n", i,
			s->device[i].name, s->device[i].maps, s->device[i].dmas,
			(double)s->device[i].bytes / (1 << 20));
	if (t->devices > DEVICES_SHOWN)
		fprintf(out, "...       %u devices more\n", t->devices - DEVICES_SHOWN);
}

static void print(const struct survey *s, const struct trace_reader *r, FILE *out)
{
	const struct trace_totals *t = trace_totals_of(r);
	const struct trace_info *info = trace_info_of(r);

	fprintf(out, "from      %s\nseed      %" PRIu64 "\n",
		info->provenance[0] ? info->provenance : "(nothing said)", info->seed);
	print_counts(s, t, out);
	print_distributions(s, t, out);
	print_who(s, t, out);
}

bool trace_info_print(const char *file, FILE *out, struct err *err)
{
	struct trace_reader *r = trace_open(file, err);
	const struct trace_record *rec;
	struct survey s = { .room = 0 };
	bool ok;

	if (!r)
		return false;
	hist_init(&s.size);
	hist_init(&s.lifetime);
	hist_init(&s.dma_size);
	s.cpu = xcalloc(TRACE_CPUS_MAX, sizeof(*s.cpu));
	s.device = xcalloc(UINT16_MAX + 1u, sizeof(*s.device));
	while ((rec = trace_next(r)) != NULL)
		see(&s, rec);
	ok = !trace_failed(r, err);
	if (ok)
		print(&s, r, out);
	hist_fini(&s.size);
	hist_fini(&s.lifetime);
	hist_fini(&s.dma_size);
	free(s.cpu);
	free(s.device);
	free(s.mapping);
	trace_close(r);
	return ok;
}
