/*
 * The main job: 100 GbE receive, 1500-byte frames, 8 CPUs, every metric on. Packets offered are the
 * work: the wall time for a second of simulated time at line rate is the slow-down.
 */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bug.h"
#include "run/schema.h"
#include "run/system.h"

#define WARMUP    (1 * MS)
#define SIMULATED (20 * MS)

static const char *const common[] = {
	"cpu.count=8",
	"cpu.per_socket=8",
	"pcie.bandwidth=126Gbps",
	"workload.sizes.size=1500",
	"workload.arrivals.rate=100Gbps",
	"workload.cycles_stack=600",
	"workload.cycles_line=2",
	"policy=deferred-global",
};

static void set(struct conf_doc *doc, const char *assignment)
{
	struct err err;
	char text[512];

	if (!conf_doc_set(doc, assignment, "benchmark", &err)) {
		fprintf(stderr, "%s\n", err_format(&err, text, sizeof(text)));
		exit(2);
	}
}

static void bring_up(struct proc *p, void *arg)
{
	struct system *s = arg;
	struct err err;

	iommu_units_start(&s->units, p);
	BUG_ON(!s->workload->setup(s->workload_state, p, &err));
}

static void run(struct bench_result *r, const char *buffers, const char *fidelity)
{
	struct conf_doc *doc = conf_doc_create();
	struct workload_totals t;
	struct system s;
	struct conf *conf;
	struct err err;
	char text[512];
	uint64_t before;
	double from;

	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		set(doc, common[i]);
	set(doc, buffers);
	set(doc, fidelity);
	if (!conf_bind(schema_get(), doc, &conf, &err) || !system_create(&s, conf, NULL, &err)) {
		fprintf(stderr, "%s\n", err_format(&err, text, sizeof(text)));
		exit(2);
	}
	system_on_cpu0(&s, bring_up, &s);
	s.workload->start(s.workload_state);
	engine_run(s.engine, engine_now(s.engine) + WARMUP);
	metrics_reset(s.metrics, engine_now(s.engine));
	before = engine_events(s.engine);
	from = bench_cpu_s();
	engine_run(s.engine, engine_now(s.engine) + SIMULATED);
	r->cpu_s = bench_cpu_s() - from;
	s.workload->totals(s.workload_state, &t);
	r->work = t.units;
	r->events = engine_events(s.engine) - before;
	r->simulated_s = (double)SIMULATED / (double)SEC;
	conf_doc_destroy(
		doc); /* the system stands in the middle of its work: the process ends with it */
}

void bench_nic_rx_recycled(struct bench_result *r)
{
	run(r, "workload.buffers=page-pool", "pcie.fidelity=tlp");
}

void bench_nic_rx_recycled_dma(struct bench_result *r)
{
	run(r, "workload.buffers=page-pool", "pcie.fidelity=dma");
}

void bench_nic_rx_unmapped(struct bench_result *r)
{
	run(r, "workload.buffers=page", "pcie.fidelity=tlp");
}
