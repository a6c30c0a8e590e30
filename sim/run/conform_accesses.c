/*
 * Accesses: a guest's maps, unmaps and invalidations joined in time with every access of its devices as
 * an emulated VT-d (QEMU) served it. Blanks separate the fields; numbers in hex carry 0x; T in seconds:
 *   T cpu map IOVA size paddr dir      dir: 1 the device reads, 2 writes, 0 both
 *   T cpu unmap IOVA size
 *   T cpu inv page|domain|global IOVA pages did
 *   T - hit|fill IOVA entry sid        entry: the paging entry that translated it
 * Lines that begin with '#' are comments. The recording begins while the guest runs: what is accessed or
 * unmapped before it is mapped was mapped before, and what is hit before it is filled was cached before.
 *
 * An invalidation is recorded when the guest submits it; the emulated unit, a thread of the host, may
 * carry it out later. It is carried out at once, unless the recording itself shows that pages it covers
 * were still served from the IOTLB: then after the last of those accesses. How many, and how much later,
 * is reported, and more than a millisecond is a mismatch.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/textio.h"
#include "run/accesses.h"
#include "run/conform_priv.h"

#define ENTRY_ADDRESS GENMASK64(51, 12)
#define TIMES_APART                                                                                \
	(50 * US) /* by which a window may differ: a µs a record, and the flush itself */

struct recording {
	struct conform c;
	struct access_event *event;
	size_t n, room;
};

/* ---- reading ---- */

static bool number(const struct conform_row *row, unsigned i, const char *what, uint64_t max,
	uint64_t *out, struct err *err)
{
	const char *text = row->field[i];
	char *end;

	*out = strtoull(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || *end || *out > max)
		return conform_row_refuse(
			row, i, err, "%s '%s' is not a number up to 0x%" PRIx64, what, text, max);
	return true;
}

static bool seconds(const struct conform_row *row, sim_time *out, struct err *err)
{
	const char *text = row->field[0];
	char *end;
	uint64_t whole = strtoull(text, &end, 10), unit = SEC / 10, fraction = 0;

	if (text[0] < '0' || text[0] > '9' || *end != '.' || whole > 1000000000 / 100)
		return conform_row_refuse(row, 0, err, "'%s' is not a time in seconds", text);
	for (end++; *end >= '0' && *end <= '9' && unit; end++, unit /= 10)
		fraction += (uint64_t)(*end - '0') * unit;
	if (*end)
		return conform_row_refuse(row, 0, err, "'%s' is not a time in seconds", text);
	*out = whole * SEC + fraction;
	return true;
}

static bool pages_of(const struct conform_row *row, struct access_event *e, struct err *err)
{
	uint64_t size;

	if (!number(row, 4, "the size", UINT32_MAX, &size, err))
		return false;
	if (size == 0 || e->iova % PAGE_SIZE || size % PAGE_SIZE)
		return conform_row_refuse(row, 4, err, "a range of whole pages is expected");
	e->npages = (uint32_t)(size / PAGE_SIZE);
	return true;
}

static bool read_map(const struct conform_row *row, struct access_event *e, struct err *err)
{
	static const unsigned prot[] = { IOMMU_PROT_R | IOMMU_PROT_W, IOMMU_PROT_R,
		IOMMU_PROT_R | IOMMU_PROT_W }; /* writers may read: the emulated unit has no ZLR */
	uint64_t dir;

	e->kind = ACCESS_MAP;
	if (!conform_row_has(row, 7, err) || !pages_of(row, e, err) ||
		!number(row, 5, "the physical address", ENTRY_ADDRESS, &e->pa, err) ||
		!number(row, 6, "the direction", 2, &dir, err))
		return false;
	e->prot = prot[dir];
	return true;
}

static bool read_unmap(const struct conform_row *row, struct access_event *e, struct err *err)
{
	e->kind = ACCESS_UNMAP;
	return conform_row_has(row, 5, err) && pages_of(row, e, err);
}

static bool read_invalidation(
	const struct conform_row *row, struct access_event *e, struct err *err)
{
	uint64_t pages;

	e->kind = ACCESS_INVALIDATE;
	if (!conform_row_has(row, 7, err) || !number(row, 5, "the pages", BIT64(31), &pages, err))
		return false;
	if (strcmp(row->field[3], "page") == 0) {
		e->npages = (uint32_t)pages;
		return pages > 0 || conform_row_refuse(row, 5, err, "an invalidation of no page");
	}
	return strcmp(row->field[3], "domain") == 0 || strcmp(row->field[3], "global") == 0 ||
	       conform_row_refuse(row, 3, err, "'%s' is not page, domain or global", row->field[3]);
}

static bool read_access(const struct conform_row *row, struct access_event *e, struct err *err)
{
	uint64_t entry, sid;

	e->kind = ACCESS_DMA;
	e->hit = strcmp(row->field[2], "hit") == 0;
	if (!conform_row_has(row, 6, err) ||
		!number(row, 4, "the paging entry", UINT64_MAX, &entry, err) ||
		!number(row, 5, "the source-id", UINT16_MAX, &sid, err))
		return false;
	e->pa = entry & ENTRY_ADDRESS;
	e->prot = (entry & 1 ? IOMMU_PROT_R : 0) | (entry & 2 ? IOMMU_PROT_W : 0);
	e->rid = (rid_t){ (uint16_t)sid };
	return true;
}

static bool read_event(struct recording *r, struct err *err)
{
	static const struct {
		const char *name;
		unsigned iova; /* its field */
		bool (*read)(const struct conform_row *, struct access_event *, struct err *);
	} words[] = {
		{ "map", 3, read_map },
		{ "unmap", 3, read_unmap },
		{ "inv", 4, read_invalidation },
		{ "hit", 3, read_access },
		{ "fill", 3, read_access },
	};
	const struct conform_row *row = &r->c.row;
	struct access_event e = { .line = row->pos.line };

	for (size_t i = 0; row->n > 4 && i < ARRAY_SIZE(words); i++) {
		if (strcmp(row->field[2], words[i].name) != 0)
			continue;
		if (!seconds(row, &e.at, err) ||
			!number(row, words[i].iova, "the address", BIT64(48) - 1, &e.iova, err) ||
			!words[i].read(row, &e, err))
			return false;
		if (r->n && e.at < r->event[r->n - 1].at)
			return conform_row_refuse(row, 0, err, "earlier than the line before");
		if (r->n == r->room) {
			r->room = r->room ? 2 * r->room : 1024;
			r->event = xrealloc(r->event, r->room, sizeof(*r->event));
		}
		r->event[r->n++] = e;
		return true;
	}
	return conform_row_refuse(
		row, 0, err, "not a line of a recording: 'T cpu map|unmap|inv|hit|fill ...'");
}

static bool read_all(struct recording *r, const char *file, struct err *err)
{
	struct text_in *in = text_open(file, err);
	bool ok = in != NULL;
	char *line;

	while (ok && (line = text_line(in)) != NULL) {
		struct src_pos pos = text_pos(in, 1);

		if (line[0] == '#')
			continue;
		for (char *at = line; *at; at++)
			if (*at == ' ')
				*at = ','; /* the form that rows are cut from */
		ok = conform_row_split(&r->c.row, line, pos, err) && read_event(r, err);
	}
	if (ok && text_failed(in, err))
		ok = false;
	if (ok && r->n == 0)
		ok = err_at(err, (struct src_pos){ .file = file }, NULL, "no event in it");
	text_close(in);
	return ok;
}

/* ---- when invalidations were carried out ---- */

#define LATEST (1 * MS)

/* By page: `mapped_at` is the number of the last domain-wide invalidation before its last access, plus 1; 0:
 * not accessed since an invalidation of the page. */
struct cached {
	struct truth page;
	uint64_t generation;
};

static bool is_cached(struct cached *c, uint64_t pfn)
{
	const struct truth_page *t = truth_find(&c->page, pfn);

	return t && t->mapped_at == c->generation + 1;
}

static void forget(struct cached *c, const struct access_event *inv)
{
	c->generation += inv->npages == 0;
	for (uint32_t k = 0; k < inv->npages; k++)
		truth_at(&c->page, (inv->iova >> PAGE_LG2) + k)->mapped_at = 0;
}

static bool names(const struct access_event *inv, const struct access_event *e)
{
	return inv->npages == 0 ||
	       (e->iova >= inv->iova && e->iova < inv->iova + ((uint64_t)inv->npages << PAGE_LG2));
}

/* The last access behind event i that proves that it is not carried out yet; i: there is none. */
static size_t last_proof(const struct recording *r, struct cached *c, size_t i)
{
	const struct access_event *inv = &r->event[i];
	size_t last = i;

	for (size_t k = i + 1; k < r->n && r->event[k].at < inv->at + LATEST; k++) {
		const struct access_event *e = &r->event[k];

		if (e->kind == ACCESS_INVALIDATE)
			break;
		if (e->kind != ACCESS_DMA || !names(inv, e) || !is_cached(c, e->iova >> PAGE_LG2))
			continue;
		if (!e->hit)
			break;
		last = k;
	}
	return last;
}

static void settle_invalidations(struct recording *r)
{
	struct cached c = { .generation = 1 };
	sim_time longest = 0;
	uint64_t late = 0;

	truth_init(&c.page, 48);
	for (size_t i = 0; i < r->n; i++) {
		struct access_event e = r->event[i];
		size_t last = e.kind == ACCESS_INVALIDATE && !e.settled ? last_proof(r, &c, i) : i;

		if (last > i) {
			sim_time later = r->event[last].at - e.at;

			memmove(&r->event[i], &r->event[i + 1], (last - i) * sizeof(e));
			e.at = r->event[last - 1].at;
			e.settled = true;
			r->event[last] = e;
			longest = later > longest ? later : longest;
			late++;
			i--; /* what has moved here is next */
		} else if (e.kind == ACCESS_INVALIDATE) {
			forget(&c, &e);
		} else if (e.kind == ACCESS_DMA) {
			truth_at(&c.page, e.iova >> PAGE_LG2)->mapped_at = c.generation + 1;
		}
	}
	truth_fini(&c.page);
	fprintf(r->c.out,
		"invalidations: %" PRIu64 " carried out later than submitted, by %.1f us at most\n",
		late, (double)longest / (double)US);
}

/* ---- replay ---- */

/* The first that is heard of each page says whether it was mapped, and cached, before. */
static void restore(struct recording *r, struct accesses *a)
{
	struct truth heard; /* `live`: of the page; `prot`: of the page's accesses */

	truth_init(&heard, 48);
	for (size_t i = 0; i < r->n; i++) {
		const struct access_event *e = &r->event[i];
		uint32_t n = e->kind == ACCESS_DMA ? 1 : e->npages;

		if (e->kind == ACCESS_DMA)
			accesses_device(a, e->rid);
		for (uint32_t k = 0; e->kind != ACCESS_INVALIDATE && k < n; k++) {
			struct truth_page *t = truth_at(&heard, (e->iova >> PAGE_LG2) + k);
			struct access_event page = *e;

			page.iova = e->kind == ACCESS_DMA ? e->iova
							  : e->iova + ((uint64_t)k << PAGE_LG2);
			if (!t->live && e->kind == ACCESS_UNMAP)
				page.prot = IOMMU_PROT_R | IOMMU_PROT_W;
			if (!t->live && e->kind != ACCESS_MAP)
				accesses_before(a, &page, e->kind == ACCESS_DMA && e->hit);
			t->live = true;
		}
	}
	truth_fini(&heard);
}

static void replay_all(struct recording *r, struct accesses *a)
{
	struct conform *c = &r->c;
	uint64_t hits = 0, fills = 0;

	restore(r, a);
	accesses_begin(a, &r->event[0]);
	for (size_t i = 0; i < r->n; i++) {
		const struct access_event *e = &r->event[i];
		bool hit = accesses_replay(a, e);

		c->operations++;
		if (e->kind != ACCESS_DMA)
			continue;
		hits += e->hit;
		fills += !e->hit;
		c->row.pos.line = e->line;
		if (hit != e->hit)
			conform_differs(c, "access to 0x%" PRIx64 ": expected a %s, got a %s",
				e->iova, e->hit ? "hit" : "fill", hit ? "hit" : "fill");
	}
	fprintf(c->out, "accesses: %" PRIu64 " hits, %" PRIu64 " fills\n", hits, fills);
}

/* A window is as long here as there, and what the invalidation covers is out of the caches after it. */
static void judge_windows(struct recording *r, const struct accesses *a)
{
	double n = a->windows ? (double)a->windows : 1;

	fprintf(r->c.out,
		"windows: %" PRIu64 " from unmap to invalidation, mean %.1f us (recorded %.1f us), "
		"none further apart than %.1f us; %zu open at the end\n",
		a->windows, a->replayed_us / n, a->recorded_us / n,
		(double)a->furthest / (double)US, a->nopen);
	if (a->held_too_long) {
		r->c.mismatches += a->held_too_long;
		fprintf(r->c.out,
			"%" PRIu64 " unmapped ranges were cached after their invalidation\n",
			a->held_too_long);
	}
	if (a->furthest > TIMES_APART) {
		r->c.mismatches++;
		fprintf(r->c.out, "a window differs by more than %u us\n",
			(unsigned)(TIMES_APART / US));
	}
}

static int accesses_replay_file(const char *file, FILE *out, struct err *err)
{
	struct recording r = { .c = { .kind = &conform_accesses, .out = out } };
	struct accesses *a = NULL;
	bool ok;

	r.c.row.pos.file = file;
	ok = read_all(&r, file, err);
	if (ok) {
		a = xcalloc(1, sizeof(*a));
		ok = accesses_create(a, err);
	}
	if (ok) {
		settle_invalidations(&r);
		replay_all(&r, a);
		judge_windows(&r, a);
		accesses_destroy(a);
		fprintf(out, "total: %" PRIu64 " operations, %" PRIu64 " mismatches\n",
			r.c.operations, r.c.mismatches);
	}
	free(a);
	free(r.event);
	return !ok ? 2 : r.c.mismatches > 0 ? 1 : 0;
}

const struct conform_kind conform_accesses = {
	.name = "accesses",
	.summary =
		"Device accesses that an emulated VT-d served from its IOTLB or not, and stale windows",
	.replay = accesses_replay_file,
};
