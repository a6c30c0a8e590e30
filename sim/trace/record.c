#include "trace/record.h"

#include <endian.h>
#include <string.h>

static const char *const type_names[TRACE_TYPES] = {
	[TRACE_DEVICE] = "device",
	[TRACE_MAP] = "map",
	[TRACE_SEGMENT] = "segment",
	[TRACE_DMA] = "dma",
	[TRACE_UNMAP] = "unmap",
	[TRACE_SYNC] = "sync",
};

const char *trace_type_name(unsigned type)
{
	return type < TRACE_TYPES ? type_names[type] : NULL;
}

const char *trace_dir_name(unsigned dir)
{
	static const char *const names[] = { "to", "from", "bidirectional" };

	return dir < ARRAY_SIZE(names) ? names[dir] : NULL;
}

/* The name's bytes 0-7 lie in `value`, 8-11 in `handle`, 12-15 in `len`, first byte lowest. */
struct trace_record trace_device_record(uint16_t device, sim_time at, const char *name)
{
	struct trace_record r = { .type = TRACE_DEVICE, .device = device, .time = at };
	size_t n = strlen(name);

	n = n < TRACE_NAME_BYTES ? n : TRACE_NAME_BYTES;
	for (size_t i = 0; i < n; i++) {
		uint64_t c = (unsigned char)name[i];

		if (i < 8)
			r.value |= c << (8 * i);
		else if (i < 12)
			r.handle |= (uint32_t)(c << (8 * (i - 8)));
		else
			r.len |= (uint32_t)(c << (8 * (i - 12)));
	}
	return r;
}

void trace_device_name(const struct trace_record *r, char name[TRACE_NAME_BYTES + 1])
{
	for (size_t i = 0; i < TRACE_NAME_BYTES; i++) {
		uint64_t word = i < 8    ? r->value >> (8 * i)
				: i < 12 ? (uint64_t)r->handle >> (8 * (i - 8))
					 : (uint64_t)r->len >> (8 * (i - 12));

		name[i] = (char)(word & 0xff);
	}
	name[TRACE_NAME_BYTES] = '\0';
}

void trace_records_swap(struct trace_record *r, size_t n)
{
#if __BYTE_ORDER == __LITTLE_ENDIAN
	(void)r;
	(void)n;
#else
	for (size_t i = 0; i < n; i++) {
		r[i].cpu = le16toh(r[i].cpu);
		r[i].device = le16toh(r[i].device);
		r[i].rest = le16toh(r[i].rest);
		r[i].time = le64toh(r[i].time);
		r[i].value = le64toh(r[i].value);
		r[i].handle = le32toh(r[i].handle);
		r[i].len = le32toh(r[i].len);
	}
#endif
}
