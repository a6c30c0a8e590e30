#include "run/series.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

bool series_write(const struct series *s, const char *dir, struct err *err)
{
	char *file = xasprintf("%s/series.csv", dir);
	FILE *out = fopen(file, "w");
	bool ok = out != NULL;

	if (out) {
		fputs("time_ps,units,unmaps,stale_pages\n", out);
		for (unsigned i = 0; i < s->n; i++)
			fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
				s->sample[i].at, s->sample[i].units, s->sample[i].unmaps,
				s->sample[i].stale_pages);
		ok = !ferror(out);
		ok = fclose(out) == 0 && ok;
	}
	if (!ok)
		err_set(err, "%s cannot be written", file);
	free(file);
	return ok;
}
