/*
 * rss - receive-side scaling: the Toeplitz hash by which a NIC spreads flows over its queues, with
 * the key that the specification of the Microsoft RSS hash publishes for its examples and that many
 * drivers use.
 */
#ifndef SIM_TRACE_RSS_H
#define SIM_TRACE_RSS_H
#include <stddef.h>
#include <stdint.h>

/* Hash of at most 36 bytes (IPv6 addresses and ports), in network order. */
uint32_t rss_toeplitz(const uint8_t *input, size_t len);

/* Hash of an Ethernet frame of which `len` bytes are there: addresses and ports for TCP and UDP over
 * IPv4 or IPv6, addresses alone for fragments, other protocols and short captures; 0 for frames
 * without an IP header. Up to two VLAN tags are skipped. */
uint32_t rss_frame(const uint8_t *frame, size_t len);

#endif
