/*
 * Deferred-flush vectors.
 *   #run,id,kernel,lazy,ndomains,niommus,name        the list of the 3.1 Intel driver
 *   a,dom,size,limit_pfn,1,pfn                       allocate in a domain; pfn 0: failed
 *   q,dom,pfn,flushes,freed,timer_armed              unmap: global flushes and frees before queueing
 *   T,flushes,freed                                  the timer fires
 *
 *   #run,id,kernel,fq,ncpus,percpu|single,size,name  the flush queue of 6.12, one domain
 *   A,cpu,size,limit_pfn,flush_rcache,pfn            allocate on a CPU
 *   Q,cpu,pfn,pages,flushes,freed,timer_armed        unmap on a CPU; flushes: of the domain
 *   T,cpu,flushes,freed                              the timer fires on a CPU
 * Domain d is on remapping unit d % niommus; the MSI window is reserved in each.
 * PFNs, limits: hex. The rest: decimal.
 */
#include "run/conform_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/types.h"
#include "run/conform_lazy_run.h"

#define CPUS_MAX 64u

static const struct conform_model models[] = {
	{ "v3.1-intel", "lazy", "rbtree-3.1", "deferred-global" },
	{ "v6.12", "fq", "rcache-6.12", "flush-queue" },
};

/* ---- both formats ---- */

/* flushes, freed and, where the row has it, timer_armed. */
static bool parse_effects(
	struct conform *c, unsigned first, bool armed, struct lazy_effects *e, struct err *err)
{
	*e = (struct lazy_effects){ 0 };
	return conform_row_dec(
		       &c->row, first, "the number of flushes", 0, UINT32_MAX, &e->flushes, err) &&
	       conform_row_dec(
		       &c->row, first + 1, "the number of frees", 0, UINT32_MAX, &e->freed, err) &&
	       (!armed ||
		       conform_row_dec(&c->row, first + 2, "the timer flag", 0, 1, &e->armed, err));
}

static void compare(
	struct conform *c, const struct lazy_effects *want, const struct lazy_effects *got)
{
	if (want->flushes != got->flushes || want->freed != got->freed || want->armed != got->armed)
		conform_differs(c,
			"expected %" PRIu64 " flushes, %" PRIu64 " freed, timer armed %" PRIu64
			"; got %" PRIu64 ", %" PRIu64 ", %" PRIu64,
			want->flushes, want->freed, want->armed, got->flushes, got->freed,
			got->armed);
}

/* Fields 2 and after: size, limit, flag, PFN. */
static bool parse_request(struct conform *c, const char *flag_name, struct iova_req *req,
	uint64_t *flag, uint64_t *pfn, struct err *err)
{
	uint64_t size;

	if (!conform_row_dec(&c->row, 2, "the size", 1, UINT32_MAX / 2, &size, err) ||
		!conform_row_hex(
			&c->row, 3, "the limit", 1, CONFORM_LAST_PFN, &req->limit_pfn, err) ||
		!conform_row_dec(&c->row, 4, flag_name, 0, 1, flag, err) ||
		!conform_row_hex(&c->row, 5, "the PFN", 0, CONFORM_LAST_PFN, pfn, err))
		return false;
	req->npages = (uint32_t)size;
	return true;
}

static void allocate(struct lazy_run *run, struct conform *c, unsigned cpu, unsigned domain,
	const struct iova_req *req, uint64_t expected)
{
	uint64_t got = 0;

	run->space[domain].cpu = cpu;
	conform_space_alloc(&run->space[domain], req, &got);
	if (got != expected)
		conform_differs(c, "expected pfn %" PRIx64 ", got %" PRIx64, expected, got);
}

static void fire(
	struct lazy_run *run, struct conform *c, unsigned cpu, const struct lazy_effects *want)
{
	lazy_run_fire(run, cpu);
	compare(c, want, &run->now);
}

/* ---- v3.1 ---- */

static void *list_begin(struct conform *c, struct err *err)
{
	uint64_t ndomains, niommus;

	if (!conform_row_has(&c->row, 7, err) ||
		!conform_row_dec(&c->row, 4, "the number of domains", 1, 1024, &ndomains, err) ||
		!conform_row_dec(&c->row, 5, "the number of IOMMUs", 1, 1024, &niommus, err))
		return NULL;
	return lazy_run_create(
		&(struct lazy_run_params){ .model = c->model,
			.policy_conf = conform_defaults(conform_policy(c->model)->conf),
			.ncpus = 1,
			.ndomains = (unsigned)ndomains,
			.niommus = (unsigned)niommus,
			.scope = IOMMU_FLUSH_ALL },
		c, err);
}

static bool domain_of(struct lazy_run *run, struct conform *c, uint64_t *domain, struct err *err)
{
	return conform_row_dec(&c->row, 1, "the domain", 0, run->ndomains - 1, domain, err);
}

static bool list_allocate(struct lazy_run *run, struct conform *c, struct err *err)
{
	struct iova_req req = { 0 };
	uint64_t domain, aligned, expected;

	if (!conform_row_has(&c->row, 6, err) || !domain_of(run, c, &domain, err) ||
		!parse_request(c, "the alignment flag", &req, &aligned, &expected, err))
		return false;
	req.size_aligned = aligned != 0;
	allocate(run, c, 0, (unsigned)domain, &req, expected);
	return true;
}

static bool list_unmap(struct lazy_run *run, struct conform *c, struct err *err)
{
	struct lazy_effects want;
	uint64_t domain, pfn;
	uint32_t npages;

	if (!conform_row_has(&c->row, 6, err) || !domain_of(run, c, &domain, err) ||
		!conform_row_hex(&c->row, 2, "the PFN", 0, CONFORM_LAST_PFN, &pfn, err) ||
		!parse_effects(c, 3, true, &want, err))
		return false;
	if (lazy_run_unmap(run, c, 0, (unsigned)domain, pfn, &npages))
		compare(c, &want, &run->now);
	return true;
}

static bool list_fire(struct lazy_run *run, struct conform *c, struct err *err)
{
	struct lazy_effects want;

	if (!conform_row_has(&c->row, 3, err) || !parse_effects(c, 1, false, &want, err))
		return false;
	fire(run, c, 0, &want);
	return true;
}

/* ---- v6.12 ---- */

/* Field 5: the vectors use the words of the policy's own key. */
static bool set_mode(struct conform *c, const struct conf_table *table, void *conf, struct err *err)
{
	const struct conf_field *f = table->fields;
	const char *word = c->row.field[5], *at;
	size_t len = strlen(word);
	uint32_t index = 0;

	while (strcmp(f->name, "mode") != 0)
		f++;
	for (at = f->unit; at; index++) {
		if (len > 0 && strncmp(at, word, len) == 0 && (at[len] == '|' || !at[len])) {
			*(uint32_t *)(void *)((char *)conf + f->off) = index;
			return true;
		}
		at = strchr(at, '|');
		at = at ? at + 1 : NULL;
	}
	return conform_row_refuse(&c->row, 5, err, "the mode is '%s', not %s", word, f->unit);
}

static void *queue_begin(struct conform *c, struct err *err)
{
	const struct conf_table *table = conform_policy(c->model)->conf;
	uint64_t ncpus, size;
	void *conf;

	if (!conform_row_has(&c->row, 8, err) ||
		!conform_row_dec(&c->row, 4, "the number of CPUs", 1, CPUS_MAX, &ncpus, err) ||
		!conform_row_dec(&c->row, 6, "the size of the queue", 2, 1u << 20, &size, err))
		return NULL;
	if (size & (size - 1)) {
		conform_row_refuse(&c->row, 6, err,
			"the size of the queue is %" PRIu64 ", not a power of two", size);
		return NULL;
	}
	conf = conform_defaults(table);
	conform_set_u32(table, conf, "entries", (uint32_t)size);
	if (!set_mode(c, table, conf, err)) {
		free(conf);
		return NULL;
	}
	return lazy_run_create(&(struct lazy_run_params){ .model = c->model,
				       .policy_conf = conf,
				       .ncpus = (unsigned)ncpus,
				       .ndomains = 1,
				       .niommus = 1,
				       .scope = IOMMU_FLUSH_DOMAIN },
		c, err);
}

static bool cpu_of_row(struct lazy_run *run, struct conform *c, uint64_t *cpu, struct err *err)
{
	return conform_row_dec(&c->row, 1, "the CPU", 0, run->bed.machine.ncpus - 1, cpu, err);
}

static bool queue_allocate(struct lazy_run *run, struct conform *c, struct err *err)
{
	struct iova_req req = { .size_aligned = true };
	uint64_t cpu, flush, expected;

	if (!conform_row_has(&c->row, 6, err) || !cpu_of_row(run, c, &cpu, err) ||
		!parse_request(c, "the flush flag", &req, &flush, &expected, err))
		return false;
	req.keep_caches = !flush;
	allocate(run, c, (unsigned)cpu, 0, &req, expected);
	return true;
}

static bool queue_unmap(struct lazy_run *run, struct conform *c, struct err *err)
{
	struct lazy_effects want;
	uint64_t cpu, pfn, pages;
	uint32_t npages;

	if (!conform_row_has(&c->row, 7, err) || !cpu_of_row(run, c, &cpu, err) ||
		!conform_row_hex(&c->row, 2, "the PFN", 0, CONFORM_LAST_PFN, &pfn, err) ||
		!conform_row_dec(&c->row, 3, "the pages", 1, UINT32_MAX / 2, &pages, err) ||
		!parse_effects(c, 4, true, &want, err))
		return false;
	if (!lazy_run_unmap(run, c, (unsigned)cpu, 0, pfn, &npages))
		return true;
	if (npages != pages)
		conform_differs(
			c, "expected a range of %" PRIu64 " pages, got %" PRIu32, pages, npages);
	compare(c, &want, &run->now);
	return true;
}

static bool queue_fire(struct lazy_run *run, struct conform *c, struct err *err)
{
	struct lazy_effects want;
	uint64_t cpu;

	if (!conform_row_has(&c->row, 4, err) || !cpu_of_row(run, c, &cpu, err) ||
		!parse_effects(c, 2, false, &want, err))
		return false;
	fire(run, c, (unsigned)cpu, &want);
	return true;
}

/* ---- the kind ---- */

static const struct format {
	const char *code; /* of the run's line */
	void *(*begin)(struct conform *c, struct err *err);
	struct {
		const char *op;
		bool (*row)(struct lazy_run *run, struct conform *c, struct err *err);
	} rows[3];
} formats[] = {
	{ "lazy", list_begin, { { "a", list_allocate }, { "q", list_unmap }, { "T", list_fire } } },
	{ "fq", queue_begin,
		{ { "A", queue_allocate }, { "Q", queue_unmap }, { "T", queue_fire } } },
};

static const struct format *format_of(const struct conform *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcmp(formats[i].code, c->model->code) == 0)
			return &formats[i];
	BUG("no format of code '%s'", c->model->code);
}

static void *lazy_begin(struct conform *c, struct err *err)
{
	return format_of(c)->begin(c, err);
}

static bool lazy_row(void *state, struct conform *c, struct err *err)
{
	const struct format *f = format_of(c);
	const char *op = c->row.field[0];

	for (size_t i = 0; i < ARRAY_SIZE(f->rows); i++)
		if (strcmp(f->rows[i].op, op) == 0)
			return f->rows[i].row(state, c, err);
	return conform_row_refuse(&c->row, 0, err, "no operation '%s' in runs of %s", op, c->label);
}

static void lazy_end(void *run, struct conform *c)
{
	lazy_run_destroy(run, c);
}

const struct conform_kind conform_lazy = {
	.name = "lazy",
	.summary = "Deferred flushing: what an unmap or the timer flushes and frees",
	.models = models,
	.nmodels = ARRAY_SIZE(models),
	.begin = lazy_begin,
	.row = lazy_row,
	.end = lazy_end,
};
