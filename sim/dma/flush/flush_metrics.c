#include "dma/flush/flush_metrics.h"

#define METRIC_STRUCT_ struct flush_metrics
static const struct metric_desc desc[] = { FLUSH_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table flush_metric_table = { "flush",
	"Flush policy: when unmapped ranges are invalidated.", desc, ARRAY_SIZE(desc) };

void flush_metrics_add(
	struct flush_metrics *m, enum flush_trigger why, uint64_t n, sim_time due, sim_time done)
{
	/* The pairing of trigger and counter is by name: a new trigger must add its counter. */
	static const size_t counter[FLUSH_TRIGGER_COUNT] = {
#define FLUSH_TRIGGER_OFF_(id, help) [FLUSH_BY_##id] = offsetof(struct flush_metrics, flushes_##id),
		FLUSH_TRIGGERS(FLUSH_TRIGGER_OFF_)
#undef FLUSH_TRIGGER_OFF_
	};

	m->flushes++;
	++*(uint64_t *)(void *)((char *)m + counter[why]);
	hist_add(&m->entries_per_flush, n);
	hist_add(&m->flush_time, done - due);
}
