#include "trace/format.h"

#include <endian.h>
#include <string.h>

#define HEADER_FRAME UINT32_C(0x184d2a50)
#define BLOCK_FRAME  UINT32_C(0x184d2a51)
#define INDEX_FRAME  UINT32_C(0x184d2a52)
#define SCHEMA_BYTES 128u
#define PRIME        UINT64_C(0x100000001b3)

static const char magic[8] = "IOMMUTRC";

/* A cursor over a field list that is the same for writing and reading. */
struct cursor {
	unsigned char *out; /* or NULL */
	const unsigned char *in; /* or NULL */
};

static void number(struct cursor *c, uint64_t *v, unsigned bytes)
{
	uint64_t got = 0;

	for (unsigned i = 0; i < bytes; i++) {
		if (c->out)
			*c->out++ = (unsigned char)(*v >> (8 * i));
		else
			got |= (uint64_t)*c->in++ << (8 * i);
	}
	if (!c->out)
		*v = got;
}

static void u32(struct cursor *c, uint32_t *v)
{
	uint64_t wide = *v;

	number(c, &wide, 4);
	*v = (uint32_t)wide;
}

static void u64(struct cursor *c, uint64_t *v)
{
	number(c, v, 8);
}

static void text(struct cursor *c, char *s, size_t bytes)
{
	if (c->out) {
		memset(c->out, 0, bytes);
		memcpy(c->out, s, strnlen(s, bytes - 1));
		c->out += bytes;
	} else {
		memcpy(s, c->in, bytes);
		s[bytes - 1] = '\0';
		c->in += bytes;
	}
}

static void head(struct cursor *c, uint32_t frame, uint32_t bytes)
{
	u32(c, &frame);
	u32(c, &bytes);
}

uint64_t format_hash(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t word;

	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = (hash ^ le64toh(word)) * PRIME;
		hash ^= hash >> 32;
	}
	for (; n > 0; n--)
		hash = (hash ^ *p++) * PRIME;
	return hash;
}

/* ---- header ---- */

struct fixed {
	uint32_t version, header_bytes, record_bytes, block_records;
	char schema[SCHEMA_BYTES];
};

static void header_fields(struct cursor *c, struct fixed *f, struct format_header *h)
{
	struct trace_totals *t = &h->totals;

	u32(c, &f->version);
	u32(c, &f->header_bytes);
	u32(c, &f->record_bytes);
	u32(c, &f->block_records);
	u64(c, &h->index_offset);
	u64(c, &h->info.seed);
	u64(c, &t->records);
	u64(c, &t->maps);
	u64(c, &t->segments);
	u64(c, &t->unmaps);
	u64(c, &t->dmas);
	u64(c, &t->syncs);
	u64(c, &t->first);
	u64(c, &t->last);
	u32(c, &t->handles);
	u32(c, &t->live);
	u32(c, &t->live_max);
	u32(c, &t->cpus);
	u32(c, &t->devices);
	text(c, f->schema, SCHEMA_BYTES);
	text(c, h->info.provenance, TRACE_PROVENANCE_BYTES);
}

bool format_is_trace(const void *start, size_t n)
{
	return n >= FORMAT_HEAD_BYTES + sizeof(magic) &&
	       memcmp((const char *)start + FORMAT_HEAD_BYTES, magic, sizeof(magic)) == 0;
}

static uint64_t header_hash(const unsigned char *bytes)
{
	return format_hash(FORMAT_HASH_START, bytes, FORMAT_HEADER_BYTES - 8);
}

void format_header_put(unsigned char out[FORMAT_HEADER_BYTES], const struct format_header *h)
{
	struct fixed f = { FORMAT_VERSION, FORMAT_HEADER_BYTES, sizeof(struct trace_record),
		FORMAT_BLOCK_RECORDS, TRACE_SCHEMA };
	struct format_header copy = *h;
	struct cursor c = { .out = out };
	uint64_t hash;

	memset(out, 0, FORMAT_HEADER_BYTES);
	head(&c, HEADER_FRAME, FORMAT_HEADER_BYTES - FORMAT_HEAD_BYTES);
	memcpy(c.out, magic, sizeof(magic));
	c.out += sizeof(magic);
	header_fields(&c, &f, &copy);
	hash = header_hash(out);
	c.out = out + FORMAT_HEADER_BYTES - 8;
	u64(&c, &hash);
}

const char *format_header_get(const unsigned char in[FORMAT_HEADER_BYTES], struct format_header *h)
{
	struct cursor c = { .in = in + FORMAT_HEADER_BYTES - 8 };
	struct fixed f;
	uint64_t hash;

	u64(&c, &hash);
	if (!format_is_trace(in, FORMAT_HEADER_BYTES))
		return "is no trace";
	c.in = in + FORMAT_HEAD_BYTES + sizeof(magic);
	header_fields(&c, &f, h);
	if (f.version != FORMAT_VERSION)
		return "has a format version that this program does not know";
	if (hash != header_hash(in))
		return "has a damaged header: its checksum is wrong";
	if (f.record_bytes != sizeof(struct trace_record) || strcmp(f.schema, TRACE_SCHEMA) != 0)
		return "has records of a form that this program does not know";
	return NULL;
}

/* ---- blocks and index ---- */

enum format_part format_head_get(const unsigned char in[FORMAT_HEAD_BYTES], uint32_t *bytes)
{
	struct cursor c = { .in = in };
	uint32_t frame;

	u32(&c, &frame);
	u32(&c, bytes);
	if (frame == BLOCK_FRAME && *bytes == FORMAT_BLOCK_BYTES)
		return FORMAT_BLOCK;
	if (frame == INDEX_FRAME && *bytes >= FORMAT_TAIL_BYTES &&
		(*bytes - FORMAT_TAIL_BYTES) % FORMAT_ENTRY_BYTES == 0)
		return FORMAT_INDEX;
	return FORMAT_NOTHING;
}

static void block_fields(struct cursor *c, struct format_block *b)
{
	u32(c, &b->zbytes);
	u32(c, &b->records);
	u64(c, &b->first);
	u64(c, &b->time);
	u64(c, &b->zhash);
}

void format_block_put(
	unsigned char out[FORMAT_HEAD_BYTES + FORMAT_BLOCK_BYTES], const struct format_block *b)
{
	struct format_block copy = *b;
	struct cursor c = { .out = out };
	uint64_t hash;

	head(&c, BLOCK_FRAME, FORMAT_BLOCK_BYTES);
	block_fields(&c, &copy);
	hash = format_hash(FORMAT_HASH_START, out + FORMAT_HEAD_BYTES, FORMAT_BLOCK_BYTES - 8);
	u64(&c, &hash);
}

const char *format_block_get(const unsigned char in[FORMAT_BLOCK_BYTES], struct format_block *b)
{
	struct cursor c = { .in = in };
	uint64_t hash;

	block_fields(&c, b);
	u64(&c, &hash);
	if (hash != format_hash(FORMAT_HASH_START, in, FORMAT_BLOCK_BYTES - 8))
		return "a damaged block head: its checksum is wrong";
	if (b->records == 0 || b->records > FORMAT_BLOCK_RECORDS)
		return "a block of an impossible size";
	return NULL;
}

void format_index_head(unsigned char out[FORMAT_HEAD_BYTES], uint64_t blocks)
{
	struct cursor c = { .out = out };

	head(&c, INDEX_FRAME, (uint32_t)(blocks * FORMAT_ENTRY_BYTES + FORMAT_TAIL_BYTES));
}

void format_entry(
	unsigned char out[FORMAT_ENTRY_BYTES], uint64_t offset, const struct format_block *b)
{
	struct cursor c = { .out = out };
	uint64_t first = b->first, time = b->time;

	u64(&c, &offset);
	u64(&c, &first);
	u64(&c, &time);
}

void format_tail(unsigned char out[FORMAT_TAIL_BYTES], uint64_t blocks, uint64_t hash)
{
	struct cursor c = { .out = out };

	u64(&c, &blocks);
	u64(&c, &hash);
}
