/*
 * The text that kernel people know from /proc/lock_stat, version 0.4: one row per lock class, times
 * in microseconds. Contention points are left out: the simulator's locks have no call sites.
 */
#include "hw/lock.h"

#include <string.h>

#define WIDTH 221 /* of the rules; rows are one shorter, as the kernel's */

struct row {
	const char *lock_class;
	struct lock_metrics m;
};

static void rule(FILE *out, char c)
{
	for (unsigned i = 0; i < WIDTH; i++)
		fputc(c, out);
	fputc('\n', out);
}

static void times(FILE *out, const struct hist *h)
{
	fprintf(out, " %14.2f %14.2f %14.2f %14.2f", h->count ? (double)h->min / (double)US : 0.0,
		(double)h->max / (double)US, (double)h->sum / (double)US,
		hist_mean(h) / (double)US);
}

static void sum_class(const struct machine *m, struct row *r)
{
	hist_init(&r->m.wait);
	hist_init(&r->m.hold);
	list_for_each (n, &m->locks) {
		const struct lock *l = list_entry(n, const struct lock, link);

		if (strcmp(l->lock_class, r->lock_class) != 0)
			continue;
		r->m.acquisitions += l->m.acquisitions;
		r->m.contended += l->m.contended;
		r->m.acq_bounces += l->m.acq_bounces;
		r->m.con_bounces += l->m.con_bounces;
		hist_merge(&r->m.wait, &l->m.wait);
		hist_merge(&r->m.hold, &l->m.hold);
	}
}

/* Each class once, at its first lock. */
static bool seen_before(const struct machine *m, const struct lock *at)
{
	list_for_each (n, &m->locks) {
		const struct lock *l = list_entry(n, const struct lock, link);

		if (l == at)
			return false;
		if (strcmp(l->lock_class, at->lock_class) == 0)
			return true;
	}
	return false;
}

void locks_write(const struct machine *m, FILE *out)
{
	static const char *const columns[] = { "con-bounces", "contentions", "waittime-min",
		"waittime-max", "waittime-total", "waittime-avg", "acq-bounces", "acquisitions",
		"holdtime-min", "holdtime-max", "holdtime-total", "holdtime-avg" };

	fputs("lock_stat version 0.4\n", out);
	rule(out, '-');
	fprintf(out, "%40s", "class name");
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		fprintf(out, " %14s", columns[i]);
	fputc('\n', out);
	rule(out, '-');
	fputc('\n', out);
	list_for_each (n, &m->locks) {
		const struct lock *l = list_entry(n, const struct lock, link);
		struct row r = { .lock_class = l->lock_class };

		if (seen_before(m, l))
			continue;
		sum_class(m, &r);
		fprintf(out, "%40s:%14llu %14llu", r.lock_class,
			(unsigned long long)r.m.con_bounces, (unsigned long long)r.m.contended);
		times(out, &r.m.wait);
		fprintf(out, " %14llu %14llu", (unsigned long long)r.m.acq_bounces,
			(unsigned long long)r.m.acquisitions);
		times(out, &r.m.hold);
		fputc('\n', out);
		hist_fini(&r.m.wait);
		hist_fini(&r.m.hold);
	}
	fputc('\n', out);
	rule(out, '.');
}
