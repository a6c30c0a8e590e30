#include "run/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "run/datadir.h"
#include "run/folder.h"
#include "run/plot_axes.h"
#include "run/plot_data.h"

/* plots/NAME.gp draws plots/NAME.png and .svg from plots/data/DATA. */
static const struct figure {
	const char *name;
	const char *data;
	plot_data_fn *write;
	bool is_dist; /* of many points only some are shown */
} figures[] = {
	{ "contention", "series.tsv", plot_data_series, false },
	{ "throughput", "series.tsv", plot_data_series, false },
	{ "latency", "latency.tsv", plot_data_latency, true },
	{ "windows", "windows.tsv", plot_data_windows, true },
};

/* Exit status of gnuplot, -1 with *err when it cannot be started. quiet: no output at all. */
static int run_gnuplot(char *const *argv, bool quiet, struct err *err)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int rc, wstatus;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (quiet)
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc != 0) {
		err_set(err, "cannot run gnuplot: %s", strerror(rc));
		err_hint(err, "install the package gnuplot-nox");
		return -1;
	}
	while (waitpid(pid, &wstatus, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
}

/* Before anything is written. */
static bool have_gnuplot(struct err *err)
{
	char name[] = "gnuplot", version[] = "--version";
	char *argv[] = { name, version, NULL };
	int rc = run_gnuplot(argv, true, err);

	if (rc > 0)
		return err_set(err, "gnuplot --version fails with status %d", rc);
	return rc == 0;
}

struct drawing {
	char *scripts; /* folder of the .gp files */
	char *plots, *data; /* folders in the results */
	const struct plot_axes *axes;
	char subtitle[PLOT_LABEL_MAX];
};

/* In gnuplot's single quotes only the quote itself is special: it is doubled. */
static void put_string(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s = '", name);
	for (; *value; value++) {
		if (*value == '\'')
			fputc('\'', out);
		fputc(*value, out);
	}
	fputs("'; ", out);
}

/* The variables that plots/style.gp lists, as gnuplot commands. */
static char *variables(const struct drawing *d, const struct figure *f,
	const struct plot_data *data, const char *base)
{
	const size_t n = d->axes->points->n;
	bool few = f->is_dist && data->ncurves < n;
	char *text = NULL, *file = xasprintf("%s/%s", d->data, f->data);
	char *shown = xasprintf("%zu of %zu points", data->ncurves, n);
	size_t size;
	FILE *out = open_memstream(&text, &size);

	BUG_ON(!out);
	put_string(out, "scripts", d->scripts);
	put_string(out, "data", file);
	put_string(out, "base", base);
	put_string(out, "subtitle", d->subtitle);
	put_string(out, "x_label", d->axes->x_label);
	put_string(out, "shown", few ? shown : "");
	put_string(out, "unit", d->axes->points->point[0].summary.unit.s);
	fprintf(out, "promises = %zu", data->npromises);
	fclose(out);
	free(shown);
	free(file);
	return text;
}

static bool draw(const struct drawing *d, const struct figure *f, const struct plot_data *data,
	FILE *out, struct err *err)
{
	char *base = xasprintf("%s/%s", d->plots, f->name);
	char *set = variables(d, f, data, base);
	char *script = xasprintf("%s/%s.gp", d->scripts, f->name);
	char name[] = "gnuplot", option[] = "-e";
	char *argv[] = { name, option, set, script, NULL };
	int rc = run_gnuplot(argv, false, err);

	if (rc > 0)
		err_set(err, "gnuplot fails with status %d on %s", rc, script);
	if (rc == 0)
		fprintf(out, "%s.png\n%s.svg\n", base, base);
	free(script);
	free(set);
	free(base);
	return rc == 0;
}

static bool draw_figure(const struct drawing *d, const struct figure *f, FILE *out, struct err *err)
{
	struct plot_data data = { 0 };
	FILE *tsv = file_create(d->data, f->data, err);
	bool ok;

	if (!tsv)
		return false;
	ok = f->write(d->axes, &data, tsv, err);
	if (!file_close(tsv, d->data, f->data, err) || !ok)
		return false;
	return data.ncurves == 0 || draw(d, f, &data, out, err);
}

static bool draw_all(const struct drawing *d, FILE *out, struct err *err)
{
	if (!folder_make(d->data, err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		if (!draw_figure(d, &figures[i], out, err))
			return false;
	}
	return true;
}

bool plot_points(const struct points *p, FILE *out, struct err *err)
{
	struct plot_axes axes;
	struct drawing d = { .axes = &axes };
	bool ok;

	if (!have_gnuplot(err))
		return false;
	d.scripts = datadir_find("plots", err);
	if (!d.scripts)
		return false;
	d.plots = xasprintf("%s/plots", p->root);
	d.data = xasprintf("%s/plots/data", p->root);
	plot_axes_init(&axes, p);
	plot_subtitle(p, d.subtitle, sizeof(d.subtitle));
	ok = draw_all(&d, out, err);
	plot_axes_fini(&axes);
	free(d.data);
	free(d.plots);
	free(d.scripts);
	return ok;
}
