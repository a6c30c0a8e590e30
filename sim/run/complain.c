#include "run/complain.h"

#include <stdio.h>

#include "run/run.h"

int complain(const struct err *e)
{
	char text[1024];

	fflush(stdout);
	fprintf(stderr, "iommusim: error: %s\n", err_format(e, text, sizeof(text)));
	return RUN_REFUSED;
}
