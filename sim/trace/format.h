/*
 * format - the bytes of a native trace around its records. Everything but the records is in zstd
 * skippable frames, so that `zstd -dc FILE` gives the bare records.
 *
 *   header  frame 0x184d2a50   1024 bytes with its head
 *   block   frame 0x184d2a51   48 bytes with its head, then a zstd frame of at most
 *                              FORMAT_BLOCK_RECORDS records with size and checksum
 *   index   frame 0x184d2a52   an entry of 24 bytes a block, their number, their hash
 */
#ifndef SIM_TRACE_FORMAT_H
#define SIM_TRACE_FORMAT_H
#include "trace/file.h"

#define FORMAT_VERSION       1u
#define FORMAT_HEADER_BYTES  1024u
#define FORMAT_HEAD_BYTES    8u /* of a skippable frame: magic and size */
#define FORMAT_BLOCK_BYTES   40u /* after the head */
#define FORMAT_BLOCK_RECORDS 16384u
#define FORMAT_ENTRY_BYTES   24u
#define FORMAT_TAIL_BYTES    16u /* after the index's entries */

struct format_header {
	struct trace_info info;
	struct trace_totals totals;
	uint64_t index_offset; /* of the index's head in the file */
};

struct format_block {
	uint32_t zbytes; /* of the zstd frame that follows */
	uint32_t records;
	uint64_t first; /* records before it */
	sim_time time; /* of its first record */
	uint64_t zhash; /* of the zstd frame's bytes: what decoders ignore must not change either */
};

enum format_part { FORMAT_NOTHING, FORMAT_BLOCK, FORMAT_INDEX };

bool format_is_trace(const void *start, size_t n);
void format_header_put(unsigned char out[FORMAT_HEADER_BYTES], const struct format_header *h);
/* NULL, or what is wrong (part of a sentence: "is no trace"). */
const char *format_header_get(const unsigned char in[FORMAT_HEADER_BYTES], struct format_header *h);

/* What a head announces. */
enum format_part format_head_get(const unsigned char in[FORMAT_HEAD_BYTES], uint32_t *bytes);

void format_block_put(
	unsigned char out[FORMAT_HEAD_BYTES + FORMAT_BLOCK_BYTES], const struct format_block *b);
const char *format_block_get(const unsigned char in[FORMAT_BLOCK_BYTES], struct format_block *b);

void format_index_head(unsigned char out[FORMAT_HEAD_BYTES], uint64_t blocks);
void format_entry(
	unsigned char out[FORMAT_ENTRY_BYTES], uint64_t offset, const struct format_block *b);
void format_tail(unsigned char out[FORMAT_TAIL_BYTES], uint64_t blocks, uint64_t hash);

/* In the manner of FNV-1a, eight bytes (little endian) at a time and the last ones one by one: every step
 * is a bijection, so one changed word always shows. Begin with FORMAT_HASH_START. */
#define FORMAT_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t format_hash(uint64_t hash, const void *bytes, size_t n);

#endif
