/*
 * Steps of a guest joined with the accesses of its devices as an emulated IOMMU saw them:
 *   TIME CPU map IOVA SIZE PADDR DIR | TIME CPU unmap IOVA SIZE | TIME CPU inv KIND IOVA PAGES DID
 *   TIME - hit|fill IOVA ENTRY SOURCE
 * The one text format that knows the DMA. How long an access was is not in it: ACCESS_BYTES, or up to
 * the page's end. An access to what was never mapped here goes to something older than the recording,
 * a ring: its page-table entry tells where it lies.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "trace/dmacap.h"
#include "trace/line.h"

#define ACCESS_BYTES 64u
#define ENTRY_READ   UINT64_C(1)
#define ENTRY_WRITE  UINT64_C(2)
#define ENTRY_ADDR   GENMASK64(51, 12)
#define DEVICE       "emulated"

struct accesses {
	struct import *im;
	struct dmacap *cap;
	sim_time last;
};

static const char *word(const char **s, size_t *n)
{
	const char *w = *s + strspn(*s, " ");

	*n = strcspn(w, " ");
	*s = w + *n;
	return w;
}

static bool number(const char **s, uint64_t *v)
{
	*s += strspn(*s, " ");
	return line_number_at(*s, false, v, s) && (**s == ' ' || **s == '\0');
}

static bool on_map(struct accesses *a, unsigned cpu, const char *s)
{
	struct dmacap_call c = { .device = DEVICE };
	uint64_t dir;

	if (!number(&s, &c.iova) || !number(&s, &c.size) || !number(&s, &c.pa) ||
		!number(&s, &dir) || dir > 2)
		return import_bad(a->im, 0, "a damaged map");
	c.dir = dir == 0 ? TRACE_BIDIRECTIONAL : dir == 1 ? TRACE_TO_DEVICE : TRACE_FROM_DEVICE;
	return dmacap_dma_map(a->cap, cpu, a->last, &c);
}

static bool on_unmap(struct accesses *a, unsigned cpu, const char *s)
{
	struct dmacap_call c = { .device = DEVICE, .dir = TRACE_BIDIRECTIONAL };

	if (!number(&s, &c.iova) || !number(&s, &c.size))
		return import_bad(a->im, 0, "a damaged unmap");
	return dmacap_dma_unmap(a->cap, cpu, a->last, &c);
}

static bool on_access(struct accesses *a, const char *s)
{
	uint64_t iova, entry;

	if (!number(&s, &iova) || !number(&s, &entry))
		return import_bad(a->im, 0, "a damaged access");
	if (!(entry & (ENTRY_READ | ENTRY_WRITE))) {
		import_skip(a->im, "an access that was refused");
		return true;
	}
	return dmacap_access(a->cap, a->last,
		&(struct dmacap_call){ .device = DEVICE,
			.iova = iova,
			.size = ACCESS_BYTES,
			.dir = entry & ENTRY_WRITE ? TRACE_FROM_DEVICE : TRACE_TO_DEVICE,
			.pa = entry & ENTRY_ADDR });
}

static bool is(const char *w, size_t n, const char *what)
{
	return strlen(what) == n && memcmp(w, what, n) == 0;
}

static bool on_line(struct accesses *a, const char *line)
{
	const char *s, *w, *kind;
	uint64_t cpu = 0;
	sim_time t;
	size_t n, nkind;

	if (line[0] == '#' || line[0] == '\0')
		return true;
	if (!line_time(line, &t, &s) || *s != ' ')
		return import_bad(a->im, 1, "begins with no time");
	w = word(&s, &n);
	kind = word(&s, &nkind);
	if (!is(w, n, "-") && (!line_number_at(w, false, &cpu, &w) || cpu >= TRACE_CPUS_MAX))
		return import_bad(a->im, 1, "names no CPU");
	if (t < a->last || t > TRACE_TIME_MAX)
		return import_bad(a->im, 1, "is earlier than the line before it, or months later");
	a->last = t;
	if (is(kind, nkind, "map"))
		return on_map(a, (unsigned)cpu, s);
	if (is(kind, nkind, "unmap"))
		return on_unmap(a, (unsigned)cpu, s);
	if (is(kind, nkind, "hit") || is(kind, nkind, "fill"))
		return on_access(a, s);
	if (!is(kind, nkind, "inv"))
		return import_bad(a->im, 1, "is no step that is known");
	import_skip(a->im, "an invalidation: the replay's own policy decides");
	return true;
}

static bool run(struct import *im)
{
	struct accesses a = { .im = im, .cap = dmacap_create(im) };
	const char *line;
	bool ok = true;

	while (ok && (line = text_line(im->in)) != NULL) {
		im->lines++;
		ok = on_line(&a, line);
	}
	dmacap_destroy(a.cap);
	return ok;
}

static bool recognises(const char *start, size_t n)
{
	const char *end = memchr(start, '\n', n);
	char line[256];
	size_t len = end ? (size_t)(end - start) : n;

	len = len < sizeof(line) - 1 ? len : sizeof(line) - 1;
	memcpy(line, start, len);
	line[len] = '\0';
	return strncmp(line, "# merged ", 9) == 0 && strstr(line, "hit/fill") != NULL;
}

const struct importer importer_accesses = {
	.name = "device accesses",
	.summary = "maps, unmaps and every device access as an emulated IOMMU saw them",
	.recognises = recognises,
	.run = run,
	.knows_accesses = true,
};
