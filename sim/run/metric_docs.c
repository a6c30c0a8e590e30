#include "run/metric_docs.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "run/system.h"
#include "trace/file.h"

struct tables {
	const struct metric_table **v;
	size_t n;
};

static void add_table(void *arg, const char *path, const struct metric_table *t, const void *base)
{
	struct tables *all = arg;

	(void)path;
	(void)base;
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i] == t)
			return;
	}
	all->v = xrealloc(all->v, all->n + 1, sizeof(*all->v));
	all->v[all->n++] = t;
}

/* Rings, domains and their tables come with the set-up; what is set up is taken down again. */
struct visit {
	struct system *system;
	struct tables *all;
	struct err *err;
};

static void up_and_down(struct proc *p, void *arg)
{
	const struct visit *v = arg;
	const struct system *s = v->system;

	iommu_units_start(&s->units, p);
	if (s->workload->setup(s->workload_state, p, v->err))
		metrics_visit_tables(s->metrics, add_table, v->all);
	s->workload->teardown(s->workload_state, p);
	dma_system_drain(s->dma, p);
	s->workload->detach(s->workload_state, p);
	iommu_units_stop(&s->units, p);
}

static void visit_system(const struct conf *conf, struct tables *all)
{
	struct system s;
	struct err err;

	if (!system_create(&s, conf, NULL, &err))
		return;
	system_on_cpu0(&s, up_and_down, &(struct visit){ &s, all, &err });
	system_destroy(&s);
}

/* The defaults but for one key ("policy.type=strict"). A variant that cannot be built from defaults,
 * for want of a file say, differs from its neighbours in its input only. */
static void visit_variant(const struct conf_schema *schema, const char *assignment,
	const char *more, struct tables *all)
{
	struct conf_doc *doc = conf_doc_create();
	struct conf *conf = NULL;
	struct err err;

	if ((!assignment || conf_doc_set(doc, assignment, "metrics", &err)) &&
		(!more || conf_doc_set(doc, more, "metrics", &err)) &&
		conf_bind(schema, doc, &conf, &err)) {
		visit_system(conf, all);
		conf_destroy(conf);
	}
	conf_doc_destroy(doc);
}

/* The replay of a trace needs one: a device that does nothing. */
static void visit_trace(const struct conf_schema *schema, struct tables *all)
{
	const struct trace_record device = trace_device_record(0, 0, "none");
	const struct trace_info info = { .seed = 0 };
	char name[] = "/tmp/iommusim-metrics-XXXXXX", *set;
	int fd = mkstemp(name);
	struct trace_writer *w;
	struct err err;

	if (fd < 0)
		return;
	close(fd);
	w = trace_create(name, &info, &err);
	if (w) {
		trace_put(w, &device);
		set = xasprintf("workload.file=%s", name);
		if (trace_commit(w, &err))
			visit_variant(schema, "workload.type=trace", set, all);
		free(set);
	}
	unlink(name);
}

bool metric_docs_write(const struct conf_schema *schema, FILE *out, struct err *err)
{
	struct tables all = { 0 };
	bool ok;

	visit_variant(schema, NULL, NULL, &all);
	visit_variant(schema, "pcie.ats=true", NULL,
		&all); /* a switch that brings tables, not a variant */
	for (size_t i = 0; i < schema->nsections; i++) {
		const struct conf_section *s = &schema->sections[i];

		for (size_t v = 0; s->selector && v < s->nvariants; v++) {
			char *set =
				xasprintf("%s.%s=%s", s->path, s->selector, s->variants[v].name);

			visit_variant(schema, set, NULL, &all);
			free(set);
		}
	}
	visit_trace(schema, &all);
	ok = all.n > 0 || err_set(err, "no system can be built from the defaults");
	if (ok)
		metrics_write_markdown(all.v, all.n, out);
	free(all.v);
	return ok;
}
