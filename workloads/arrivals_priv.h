/*
 * arrivals_priv - what an arrival process is made of: for arrivals*.c only.
 */
#ifndef WORKLOADS_ARRIVALS_PRIV_H
#define WORKLOADS_ARRIVALS_PRIV_H
#include "workloads/arrivals.h"

/* Keys of every process that has a rate. */
#define ARRIVALS_RATE_CONF(F, default_rate, of_what)                                               \
	F(rate, rate, default_rate, "1kbps", "100000Gbps", "", of_what)                            \
	F(choice, counts, "frame", NULL, NULL, FRAME_COUNTS,                                       \
		"What the rate counts: the frames' bytes, or also padding, check sequence, "       \
		"preamble and gap.")

struct arrivals_process {
	size_t state_size;
	/* a is complete but for mean_bytes and offered_bps, which this sets; a->state is zeroed. */
	bool (*init)(struct arrivals *a, const struct arrivals_setup *setup, struct err *err);
	void (*fini)(struct arrivals *a); /* or NULL; after a failed init too */
	bool (*next)(struct arrivals *a, struct arrival *out);
};

struct arrivals {
	const struct arrivals_process *process;
	struct sizes sizes;
	struct rng rng, flow_rng;
	uint32_t flows;
	double mean_bytes, offered_bps;
	uint64_t disordered;
	void *state;
};

extern const struct arrivals_process arrivals_constant, arrivals_poisson, arrivals_onoff,
	arrivals_pcap;
extern const struct conf_table arrivals_constant_table, arrivals_poisson_table,
	arrivals_onoff_table, arrivals_pcap_table;

#endif
