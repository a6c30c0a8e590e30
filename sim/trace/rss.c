#include "trace/rss.h"

#include <stdbool.h>
#include <string.h>

#include "base/bug.h"

#define INPUT_MAX 36u

static const uint8_t key[INPUT_MAX + 4] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41,
	0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
	0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01,
	0xfa };

/* For each set bit of the input, the 32 bits of the key that begin at its position. */
uint32_t rss_toeplitz(const uint8_t *input, size_t len)
{
	uint32_t hash = 0;
	uint64_t window = 0;

	BUG_ON(len > INPUT_MAX);
	for (unsigned i = 0; i < 4; i++)
		window = window << 8 | key[i];
	for (size_t i = 0; i < len; i++) {
		window = window << 8 | key[i + 4];
		for (unsigned bit = 0; bit < 8; bit++)
			if (input[i] & (0x80u >> bit))
				hash ^= (uint32_t)(window >> (8 - bit));
	}
	return hash;
}

static unsigned be16(const uint8_t *b)
{
	return (unsigned)b[0] << 8 | b[1];
}

static bool has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17;
}

/* Addresses (both together alen bytes) and, where there are any, the ports. */
static uint32_t hash_tuple(const uint8_t *addresses, size_t alen, const uint8_t *ports)
{
	uint8_t input[INPUT_MAX];

	memcpy(input, addresses, alen);
	if (ports)
		memcpy(input + alen, ports, 4);
	return rss_toeplitz(input, alen + (ports ? 4 : 0));
}

static uint32_t hash_ipv4(const uint8_t *ip, size_t len)
{
	size_t header;
	bool whole;

	if (len < 20)
		return 0;
	header = 4 * (size_t)(ip[0] & 0xf);
	whole = (be16(ip + 6) & 0x3fff) == 0; /* neither offset nor "more fragments" */
	if (has_ports(ip[9]) && whole && header >= 20 && len >= header + 4)
		return hash_tuple(ip + 12, 8, ip + header);
	return hash_tuple(ip + 12, 8, NULL);
}

static uint32_t hash_ipv6(const uint8_t *ip, size_t len)
{
	if (len < 40)
		return 0;
	return hash_tuple(ip + 8, 32, has_ports(ip[6]) && len >= 44 ? ip + 40 : NULL);
}

uint32_t rss_frame(const uint8_t *frame, size_t len)
{
	size_t type_at = 12;
	unsigned type;

	for (unsigned tags = 0;; tags++) {
		if (len < type_at + 2)
			return 0;
		type = be16(frame + type_at);
		if (tags == 2 || (type != 0x8100 && type != 0x88a8))
			break;
		type_at += 4;
	}
	if (type == 0x0800)
		return hash_ipv4(frame + type_at + 2, len - type_at - 2);
	if (type == 0x86dd)
		return hash_ipv6(frame + type_at + 2, len - type_at - 2);
	return 0;
}
