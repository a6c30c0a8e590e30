/*
 * capture - an Ethernet packet capture (pcap or pcapng, plain or zstd-compressed) as a list of times,
 * lengths and flows in memory: all that a NIC model needs, 16 bytes a packet.
 */
#ifndef WORKLOADS_CAPTURE_H
#define WORKLOADS_CAPTURE_H
#include "base/err.h"
#include "base/types.h"

#define CAPTURE_PACKETS_MAX ((size_t)64 << 20)

struct capture_packet {
	sim_time at; /* since the first packet; never falls */
	uint32_t bytes; /* on the wire, however many were captured */
	uint32_t flow; /* RSS hash */
};

struct capture {
	struct capture_packet *packet;
	size_t n; /* > 0 */
	uint64_t bytes; /* sum */
	uint64_t disordered; /* packets stamped before an earlier one; they come with no gap */
};

/* Everything that cannot be used is refused: another link type, no packet at all, a file that is cut
 * short or broken (the message says at which packet). */
bool capture_load(struct capture *c, const char *file, struct err *err);
void capture_fini(struct capture *c);

#endif
