/*
 * packets - an Ethernet packet capture (pcap or pcapng, plain or zstd-compressed) read as a stream.
 */
#ifndef SIM_TRACE_PACKETS_H
#define SIM_TRACE_PACKETS_H
#include "base/textio.h"
#include "base/types.h"

#define PACKET_MIN 14u /* an Ethernet header */
#define PACKET_MAX 65535u

struct packet {
	sim_time at; /* since the first; never falls */
	uint32_t bytes; /* on the wire, however many were captured */
	uint32_t flow; /* RSS hash of its addresses */
	bool disordered; /* stamped before the one before it: comes with no gap */
};

struct packets;

/* NULL and *err. `in` and `file` outlive it; nothing else may read from `in`. */
struct packets *packets_open(struct text_in *in, const char *file, struct err *err);
void packets_close(struct packets *p);
/* False at the end and on failure: then packets_failed(). */
bool packets_next(struct packets *p, struct packet *out);
/* The err says at which packet. */
bool packets_failed(const struct packets *p, struct err *err);
uint64_t packets_read(const struct packets *p);
/* Does a file begin as a capture does? */
bool packets_recognise(const void *start, size_t n);

#endif
