#include "obs/report.h"

#include "base/bug.h"

static const char *const stat_names[HIST_STATS] = {
	[HIST_STAT_COUNT] = "count",
	[HIST_STAT_MIN] = "min",
	[HIST_STAT_MEAN] = "mean",
	[HIST_STAT_P50] = "p50",
	[HIST_STAT_P90] = "p90",
	[HIST_STAT_P99] = "p99",
	[HIST_STAT_P999] = "p999",
	[HIST_STAT_MAX] = "max",
};

const char *hist_stat_name(enum hist_stat s)
{
	BUG_ON(s >= HIST_STATS);
	return stat_names[s];
}

bool hist_stat(const struct hist *h, enum hist_stat s, double *out)
{
	static const double percent[HIST_STATS] = {
		[HIST_STAT_P50] = 50,
		[HIST_STAT_P90] = 90,
		[HIST_STAT_P99] = 99,
		[HIST_STAT_P999] = 99.9,
	};

	switch (s) {
	case HIST_STAT_COUNT:
		*out = (double)h->count;
		return true;
	case HIST_STAT_MIN:
		*out = (double)h->min;
		break;
	case HIST_STAT_MEAN:
		*out = hist_mean(h);
		break;
	case HIST_STAT_MAX:
		*out = (double)h->max;
		break;
	default:
		*out = (double)hist_percentile(h, percent[s]);
		break;
	}
	return h->count > 0;
}
