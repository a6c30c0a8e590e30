#include "base/bug.h"

#include <stdarg.h>
#include <stdlib.h>

static struct {
	bug_context_fn *fn;
	void *arg;
} context;

void bug_context(bug_context_fn *fn, void *arg)
{
	context.fn = fn;
	context.arg = arg;
}

_Noreturn void bug_report(const char *file, int line, const char *fmt, ...)
{
	bug_context_fn *fn = context.fn;
	va_list ap;

	fprintf(stderr, "iommusim: BUG at %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	context.fn = NULL; /* a bug inside the report must not report again */
	if (fn)
		fn(stderr, context.arg);
	fputs("iommusim: this is a defect of iommusim: please report it with the lines above\n",
		stderr);
	_Exit(EXIT_BUG);
}
