/*
 * Histories of an IOVA allocator, "A|F domain cpu pages pfn" a line, in the order in which they
 * happened but without times: a step is HISTORY_STEP after the one before. A device a domain; the
 * comment "domains: 0=NAME ..." names them.
 */
#include <string.h>

#include "base/alloc.h"
#include "trace/dmacap.h"
#include "trace/line.h"

#define HISTORY_STEP (2 * US)
#define DOMAINS_MAX  64u

struct history {
	struct import *im;
	struct dmacap *cap;
	sim_time now;
	char name[DOMAINS_MAX][TRACE_NAME_BYTES + 1];
};

static void get_names(struct history *h, const char *line)
{
	const char *s = strstr(line, "domains:");
	uint64_t domain;

	for (; s && (s = strchr(s, ' ')) != NULL; s += strcspn(s, " ")) {
		s += strspn(s, " ");
		if (line_number_at(s, false, &domain, &s) && *s == '=' && domain < DOMAINS_MAX)
			snprintf(h->name[domain], sizeof(h->name[domain]), "%.*s",
				(int)(strcspn(s + 1, " ") & 0xff), s + 1);
	}
}

static bool get_numbers(const char *s, uint64_t v[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (*s++ != ' ' || !line_number_at(s, i == 3, &v[i], &s))
			return false;
	}
	return *s == '\0';
}

static bool on_line(struct history *h, const char *line)
{
	struct dmacap_call call = { .dir = TRACE_BIDIRECTIONAL };
	uint64_t v[4]; /* domain, cpu, pages, pfn */

	if (line[0] == '#') {
		get_names(h, line);
		return true;
	}
	if ((line[0] != 'A' && line[0] != 'F') || !get_numbers(line + 1, v))
		return import_bad(h->im, 1, "is no step of an allocator's history");
	if (v[0] >= DOMAINS_MAX || v[1] >= TRACE_CPUS_MAX || v[2] >= 1 << 20 || v[3] >> 52)
		return import_bad(h->im, 1, "has a domain, CPU or range that is too large");
	call.device = h->name[v[0]];
	call.iova = v[3] << PAGE_LG2;
	call.size = v[2] << PAGE_LG2;
	call.pa = SPOOL_UNKNOWN_PA | v[0] << 40 | call.iova;
	h->now += HISTORY_STEP;
	return line[0] == 'A' ? dmacap_dma_map(h->cap, (unsigned)v[1], h->now, &call)
			      : dmacap_dma_unmap(h->cap, (unsigned)v[1], h->now, &call);
}

static bool run(struct import *im)
{
	struct history h = { .im = im, .cap = dmacap_create(im) };
	const char *line;
	bool ok = true;

	for (unsigned i = 0; i < DOMAINS_MAX; i++)
		snprintf(h.name[i], sizeof(h.name[i]), "domain%u", i);
	while (ok && (line = text_line(im->in)) != NULL) {
		im->lines++;
		ok = line[0] == '\0' || on_line(&h, line);
	}
	dmacap_destroy(h.cap);
	return ok;
}

static bool recognises(const char *start, size_t n)
{
	static const char first[] = "# IOVA allocator history";

	return n >= strlen(first) && memcmp(start, first, strlen(first)) == 0;
}

const struct importer importer_history = {
	.name = "allocator history",
	.summary = "allocations and frees of an IOVA allocator, `A|F domain cpu pages pfn'",
	.recognises = recognises,
	.run = run,
};
