#include "workloads/arrivals.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "workloads/arrivals_priv.h"

enum { CONSTANT, POISSON, ONOFF, PCAP };

const struct conf_variant arrivals_variants[ARRIVALS_VARIANTS] = {
	[CONSTANT] = { "constant", "Frames back to back at a constant rate", "",
		&arrivals_constant_table },
	[POISSON] = { "poisson", "Exponential gaps around a mean rate", "",
		&arrivals_poisson_table },
	[ONOFF] = { "onoff", "Bursts at a constant rate, exponential burst and pause lengths", "",
		&arrivals_onoff_table },
	[PCAP] = { "pcap", "A packet capture, at its own pace or scaled to a rate", "libpcap",
		&arrivals_pcap_table },
};

static const struct arrivals_process *const processes[ARRIVALS_VARIANTS] = {
	[CONSTANT] = &arrivals_constant,
	[POISSON] = &arrivals_poisson,
	[ONOFF] = &arrivals_onoff,
	[PCAP] = &arrivals_pcap,
};

struct arrivals_setup arrivals_setup_of(const struct conf *c, uint32_t flows, uint64_t seed)
{
	return (struct arrivals_setup){
		.process = conf_variant(c, "workload.arrivals"),
		.process_conf = conf_of_variant(c, "workload.arrivals"),
		.process_pos = conf_pos(c, "workload.arrivals"),
		.file_pos = conf_pos(c, "workload.arrivals.file"),
		.sizes = conf_variant(c, "workload.sizes"),
		.sizes_conf = conf_of_variant(c, "workload.sizes"),
		.sizes_pos = conf_pos(c, "workload.sizes"),
		.flows = flows,
		.seed = seed,
	};
}

struct arrivals *arrivals_create(const struct arrivals_setup *setup, struct err *err)
{
	ptrdiff_t which = setup->process - arrivals_variants;
	struct arrivals *a = xcalloc(1, sizeof(*a));

	BUG_ON(which < 0 || which >= ARRIVALS_VARIANTS || setup->flows == 0);
	a->process = processes[which];
	a->flows = setup->flows;
	sizes_init(&a->sizes, setup->sizes, setup->sizes_conf, setup->seed);
	rng_init(&a->rng, setup->seed, "workload.arrivals");
	rng_init(&a->flow_rng, setup->seed, "workload.flows");
	a->state = xcalloc(1, a->process->state_size);
	if (sizes_from_capture(&a->sizes) && which != PCAP) {
		err_at(err, setup->sizes_pos, "workload.sizes",
			"'capture' needs a capture, but workload.arrivals is '%s'",
			setup->process->name);
		err_hint(err, "set workload.arrivals to pcap, or choose fixed, imix or list");
	} else if (a->process->init(a, setup, err)) {
		return a;
	}
	arrivals_destroy(a);
	return NULL;
}

void arrivals_destroy(struct arrivals *a)
{
	if (!a)
		return;
	if (a->process->fini)
		a->process->fini(a);
	free(a->state);
	free(a);
}

bool arrivals_next(struct arrivals *a, struct arrival *out)
{
	return a->process->next(a, out);
}

double arrivals_mean_bytes(const struct arrivals *a)
{
	return a->mean_bytes;
}

double arrivals_offered_bps(const struct arrivals *a)
{
	return a->offered_bps;
}

uint64_t arrivals_disordered(const struct arrivals *a)
{
	return a->disordered;
}
