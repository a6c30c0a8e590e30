#include "dma/iova/iova_metrics.h"

#define METRIC_STRUCT_ struct iova_metrics
static const struct metric_desc desc[] = { IOVA_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table iova_metric_table = { "iova", "IOVA allocator: what it was asked for.",
	desc, ARRAY_SIZE(desc) };
