/*
 * arrivals - when the next packet comes, how long it is and which flow it belongs to: the traffic a
 * NIC is offered. The process is one of arrivals_variants[] (constant, Poisson, on-off bursts, a
 * packet capture), the lengths one of sizes_variants[] (sizes.h); both are conf sections.
 *
 * Deterministic: the same configuration and seed give the same packets. Takes no simulated time.
 *
 * Bytes are those of the Ethernet frame as a NIC writes it to memory: header and payload, without
 * preamble, frame check sequence and gap. `counts: wire` adds these 24 bytes (and padding to the
 * minimum frame) to what a rate counts, so that 100Gbps of it is a full 100 GbE link.
 */
#ifndef WORKLOADS_ARRIVALS_H
#define WORKLOADS_ARRIVALS_H
#include "conf/conf.h"
#include "workloads/sizes.h"

struct arrivals;

struct arrival {
	sim_time
		at; /* since the start of traffic; when the frame's last bit is there; never falls */
	uint32_t bytes;
	uint32_t flow; /* capture: RSS hash of its addresses; else a flow number in [0, flows) */
};

/* What the sections "workload.arrivals" and "workload.sizes" came to. */
struct arrivals_setup {
	const struct conf_variant *process, *sizes;
	const void *process_conf, *sizes_conf; /* their bound structs */
	struct src_pos process_pos, sizes_pos, file_pos; /* for messages */
	uint32_t flows; /* > 0; synthetic processes draw from so many */
	uint64_t seed;
};

struct arrivals_setup arrivals_setup_of(const struct conf *c, uint32_t flows, uint64_t seed);

/* Reads a capture completely. NULL and *err when it cannot be used, or when the combination of
 * process and sizes has no meaning. */
struct arrivals *arrivals_create(const struct arrivals_setup *setup, struct err *err);
void arrivals_destroy(struct arrivals *a);

/* False when the traffic is over (a capture that does not loop). */
bool arrivals_next(struct arrivals *a, struct arrival *out);

/* Frame bytes per arrival in the mean, as far as the configuration tells. */
double arrivals_mean_bytes(const struct arrivals *a);
/* Frame bits per second in the long run that the configuration asks for. */
double arrivals_offered_bps(const struct arrivals *a);
/* Records of the capture stamped before an earlier one; 0 for other processes. */
uint64_t arrivals_disordered(const struct arrivals *a);

/* Variants of the section "workload.arrivals", and its default. */
#define ARRIVALS_DEFAULT  "constant"
#define ARRIVALS_VARIANTS 4
extern const struct conf_variant arrivals_variants[ARRIVALS_VARIANTS];

#endif
