#include "run/point_files.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "conf/conf_doc_gen.h"
#include "hw/lock.h"
#include "obs/report.h"
#include "run/folder.h"

struct point {
	const struct conf *conf;
	const struct machine *machine;
	const struct windows *windows;
};

static void put_config(const struct point *p, FILE *out)
{
	conf_write_effective(p->conf, out);
}

static void put_metrics_json(const struct point *p, FILE *out)
{
	report_json(p->machine->metrics, out);
}

static void put_metrics_csv(const struct point *p, FILE *out)
{
	report_csv(p->machine->metrics, out);
}

static void put_locks(const struct point *p, FILE *out)
{
	locks_write(p->machine, out);
}

static void put_windows(const struct point *p, FILE *out)
{
	if (p->windows)
		windows_write_csv(p->windows, out);
}

static const struct {
	const char *name;
	void (*put)(const struct point *p, FILE *out);
} files[] = {
	{ "config.yaml", put_config },
	{ "metrics.json", put_metrics_json },
	{ "metrics.csv", put_metrics_csv },
	{ "locks.txt", put_locks },
	{ "windows.csv", put_windows },
};

static bool write_hists(const struct machine *m, const char *dir, struct err *err)
{
	char *hists = xasprintf("%s/hist", dir);
	bool ok = folder_make(hists, err) && report_hists(m->metrics, hists, err);

	free(hists);
	return ok;
}

bool point_files_write(const char *dir, const struct conf *conf, const struct machine *m,
	const struct windows *windows, const struct run_summary *summary, struct err *err)
{
	const struct point p = { conf, m, windows };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		FILE *out = file_create(dir, files[i].name, err);

		if (!out)
			return false;
		files[i].put(&p, out);
		if (!file_close(out, dir, files[i].name, err))
			return false;
	}
	return write_hists(m, dir, err) && summary_write(summary, dir, err);
}
