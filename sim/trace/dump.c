#include "trace/text.h"
#include "trace/tools.h"

bool trace_dump(const char *file, uint64_t from, uint64_t most, FILE *out, struct err *err)
{
	struct trace_reader *r = trace_open(file, err);
	const struct trace_record *rec;
	bool ok;

	if (!r)
		return false;
	text_put_head(out, trace_info_of(r));
	for (uint64_t i = 0; (rec = trace_next(r)) != NULL; i++) {
		if (i < from)
			continue;
		if (i - from >= most)
			break;
		text_put(out, rec);
	}
	ok = !trace_failed(r, err);
	trace_close(r);
	return ok;
}
