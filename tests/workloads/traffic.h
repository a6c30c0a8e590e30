/*
 * traffic - arrivals as an experiment file makes them: assignments are bound by the real tables.
 */
#ifndef TESTS_WORKLOADS_TRAFFIC_H
#define TESTS_WORKLOADS_TRAFFIC_H
#include "workloads/arrivals.h"

struct traffic {
	struct conf_doc *doc;
	struct conf *conf;
	struct arrivals *arrivals;
	struct err err;
};

/* assignments: "workload.arrivals.rate=10Gbps", NULL-terminated. False with t->err. */
bool traffic_open(struct traffic *t, const char *const *assignments, uint32_t flows, uint64_t seed);
void traffic_close(struct traffic *t);

/* ---- capture files ---- */

struct traffic_packet {
	uint32_t sec, usec, len;
	const uint8_t *frame; /* captured bytes, or NULL: none */
	uint32_t captured;
};

/* Write a classic pcap file of the link type; `cut` bytes are left off its end. */
void traffic_write_pcap(const char *file, const struct traffic_packet *packets, size_t n,
	uint32_t link, size_t cut);
void traffic_write_pcapng(const char *file, const struct traffic_packet *packets, size_t n);
/* Compress a file in place. */
void traffic_compress(const char *file);

#endif
