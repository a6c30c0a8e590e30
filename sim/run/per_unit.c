#include "run/per_unit.h"

#define CYCLES_DESC_(id, help)                                                                     \
	{ #id, METRIC_REAL, offsetof(struct per_unit, cycles[CPU_##id]), "cycles", NULL, help },
static const struct metric_desc desc[] = {
	CPU_TIMES(CYCLES_DESC_){ "total", METRIC_REAL, offsetof(struct per_unit, total), "cycles",
		NULL, "All categories together." },
};
static const struct metric_table table = { "per_unit",
	"CPU cycles for each packet or request delivered, by category, all CPUs together.", desc,
	ARRAY_SIZE(desc) };

void per_unit_register(struct per_unit *u, struct metric_scope *scope)
{
	metric_scope_add(scope, &table, u);
}

void per_unit_fill(struct per_unit *u, const struct machine *m, uint64_t units)
{
	*u = (struct per_unit){ 0 };
	for (unsigned c = 0; units > 0 && c < m->ncpus; c++)
		for (unsigned i = 0; i < CPU_TIME_COUNT; i++)
			u->cycles[i] += (double)m->cpus[c].m.spent[i] / (double)SEC *
					(double)m->cpus[c].clock.hz / (double)units;
	for (unsigned i = 0; i < CPU_TIME_COUNT; i++)
		u->total += u->cycles[i];
}
