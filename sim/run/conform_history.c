/*
 * Histories: every allocation and free of a running Linux 6.12, from an empty allocator, in the order
 * that gives every result:
 *   A|F domain cpu pages pfn          separated by blanks; the PFN in hex, the rest decimal
 *   # reserved pfn ranges in every domain: lo-hi ...
 *   # ... start_pfn N; M CPUs
 * Other lines that begin with '#' are comments. Every request has the limit fffff, as dma-iommu asks
 * first of a PCI device, and may not empty the CPUs' caches.
 */
#include "run/conform_iova_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/textio.h"
#include "run/conform_models.h"

#define LIMIT_PFN     0xfffffu
#define FIRST_PFN     1u
#define DOMAINS_MAX   64u
#define RESERVED_MAX  64u
#define RESERVED_TEXT "# reserved pfn ranges in every domain:"

static const struct conform_model model = { "v6.12", "history", "rcache-6.12", NULL };

struct history {
	struct conform c;
	unsigned ncpus;
	uint64_t reserved[RESERVED_MAX][2];
	unsigned nreserved;
	struct iova_run *domain[DOMAINS_MAX]; /* made at their first row */
};

static bool read_reserved(struct history *h, const char *text, struct err *err)
{
	char *end;

	while (*(text += strspn(text, " ")) != '\0') {
		uint64_t *range = h->reserved[h->nreserved];

		range[0] = strtoull(text, &end, 16);
		if (end != text && *end == '-' && h->nreserved < RESERVED_MAX - 1) {
			text = end + 1;
			range[1] = strtoull(text, &end, 16);
		}
		if (end == text || (*end && *end != ' ') || range[1] < range[0] ||
			range[1] > CONFORM_LAST_PFN)
			return err_at(err, h->c.row.pos, NULL,
				"'%s' is not a list of ranges like 'a0-bf'", text);
		h->nreserved++;
		text = end;
	}
	return true;
}

/* A comment may say what the rows do not. */
static bool read_comment(struct history *h, const char *line, struct err *err)
{
	const char *cpus = strstr(line, " CPUs");

	if (strncmp(line, RESERVED_TEXT, strlen(RESERVED_TEXT)) == 0)
		return read_reserved(h, line + strlen(RESERVED_TEXT), err);
	if (!cpus)
		return true;
	while (cpus > line && cpus[-1] >= '0' && cpus[-1] <= '9')
		cpus--;
	h->ncpus = (unsigned)strtoul(cpus, NULL, 10);
	if (h->ncpus < 1 || h->ncpus > 1024)
		return err_at(err, h->c.row.pos, NULL, "a history of %u CPUs, outside 1 to 1024",
			h->ncpus);
	return true;
}

static struct iova_run *domain_of(struct history *h, uint64_t d, struct err *err)
{
	const struct iova_allocator_ops *ops = conform_allocator(&model);

	if (h->domain[d])
		return h->domain[d];
	h->domain[d] = iova_run_create(ops, conform_defaults(ops->conf), h->ncpus, FIRST_PFN, err);
	for (unsigned i = 0; i < h->nreserved && h->domain[d]; i++)
		conform_space_reserve(&h->domain[d]->space, h->reserved[i][0], h->reserved[i][1]);
	return h->domain[d];
}

static void allocate(struct history *h, struct iova_run *run, uint64_t pages, uint64_t expected)
{
	const struct iova_req req = { .npages = (uint32_t)pages,
		.limit_pfn = LIMIT_PFN,
		.size_aligned = true,
		.keep_caches = true };
	uint64_t got = 0;

	conform_space_alloc(&run->space, &req, &got);
	iova_run_expect_pfn(&h->c, expected, got);
}

static void release(struct history *h, struct iova_run *run, uint64_t pages, uint64_t pfn)
{
	struct iova_range range;

	if (!iova_run_take(run, &h->c, pfn, &range))
		return;
	if (range.npages != pages)
		conform_differs(&h->c, "expected a range of %" PRIu64 " pages, got %" PRIu32, pages,
			range.npages);
	conform_space_free(&run->space, &range);
}

static bool replay_row(struct history *h, struct err *err)
{
	const struct conform_row *row = &h->c.row;
	bool is_alloc = strcmp(row->field[0], "A") == 0;
	uint64_t domain, pages, pfn;
	struct iova_run *run;

	if (!is_alloc && strcmp(row->field[0], "F") != 0)
		return conform_row_refuse(
			row, 0, err, "no operation '%s' in a history; A or F", row->field[0]);
	if (!conform_row_has(row, 5, err) ||
		!conform_row_dec(row, 1, "the domain", 0, DOMAINS_MAX - 1, &domain, err) ||
		!conform_row_dec(row, 3, "the size", 1, UINT32_MAX / 2, &pages, err) ||
		!conform_row_hex(row, 4, "the PFN", 0, CONFORM_LAST_PFN, &pfn, err))
		return false;
	run = domain_of(h, domain, err);
	if (!run || !iova_run_cpu(run, &h->c, 2, err))
		return false;
	h->c.operations++;
	if (is_alloc)
		allocate(h, run, pages, pfn);
	else
		release(h, run, pages, pfn);
	return true;
}

static bool replay_line(struct history *h, char *line, struct src_pos pos, struct err *err)
{
	h->c.row.pos = pos;
	if (line[0] == '#')
		return read_comment(h, line, err);
	for (char *at = line; *at; at++)
		if (*at == ' ')
			*at = ','; /* the form that rows are cut from */
	return conform_row_split(&h->c.row, line, pos, err) && replay_row(h, err);
}

static bool replay_lines(struct history *h, const char *file, struct err *err)
{
	struct text_in *in = text_open(file, err);
	bool ok = in != NULL;
	char *line;

	while (ok && (line = text_line(in)) != NULL)
		ok = replay_line(h, line, text_pos(in, 1), err);
	if (ok && text_failed(in, err))
		ok = false;
	if (ok && h->c.operations == 0)
		ok = err_at(err, h->c.row.pos, NULL, "no operation in it");
	for (unsigned d = 0; d < DOMAINS_MAX; d++)
		if (h->domain[d])
			iova_run_destroy(h->domain[d], &h->c);
	text_close(in);
	return ok;
}

static int history_replay(const char *file, FILE *out, struct err *err)
{
	struct history h = {
		.c = { .kind = &conform_history, .out = out }, .ncpus = 1, .nreserved = 0
	};

	h.c.row.pos.file = file;
	if (!replay_lines(&h, file, err))
		return 2;
	fprintf(out, "total: %" PRIu64 " operations, %" PRIu64 " mismatches\n", h.c.operations,
		h.c.mismatches);
	return h.c.mismatches > 0 ? 1 : 0;
}

const struct conform_kind conform_history = {
	.name = "history",
	.summary = "All addresses that a running Linux 6.12 handed out and took back",
	.replay = history_replay,
};
