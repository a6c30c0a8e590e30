#include "tests/workloads/traffic.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/alloc.h"

static const struct conf_section sections[] = {
	{ .path = "", .help = "Test." },
	{ .path = "workload", .help = "Test." },
	{ .path = "workload.arrivals",
		.help = "Test.",
		.selector = "type",
		.variants = arrivals_variants,
		.nvariants = ARRIVALS_VARIANTS,
		.def = ARRIVALS_DEFAULT },
	{ .path = "workload.sizes",
		.help = "Test.",
		.selector = "type",
		.variants = sizes_variants,
		.nvariants = SIZES_VARIANTS,
		.def = SIZES_DEFAULT },
};
static const struct conf_schema schema = { sections, ARRAY_SIZE(sections), NULL };

static bool build(struct traffic *t, const char *const *assignments, uint32_t flows, uint64_t seed)
{
	struct arrivals_setup setup;

	for (; *assignments; assignments++)
		if (!conf_doc_set(t->doc, *assignments, "test", &t->err))
			return false;
	if (!conf_bind(&schema, t->doc, &t->conf, &t->err))
		return false;
	setup = arrivals_setup_of(t->conf, flows, seed);
	t->arrivals = arrivals_create(&setup, &t->err);
	return t->arrivals != NULL;
}

bool traffic_open(struct traffic *t, const char *const *assignments, uint32_t flows, uint64_t seed)
{
	*t = (struct traffic){ .doc = conf_doc_create() };
	if (build(t, assignments, flows, seed))
		return true;
	traffic_close(t);
	return false;
}

void traffic_close(struct traffic *t)
{
	arrivals_destroy(t->arrivals);
	conf_destroy(t->conf);
	conf_doc_destroy(t->doc);
	t->arrivals = NULL;
	t->conf = NULL;
	t->doc = NULL;
}

static void put16(FILE *f, uint16_t v)
{
	ck_assert_uint_eq(fwrite(&v, sizeof(v), 1, f), 1);
}

static void put32(FILE *f, uint32_t v)
{
	ck_assert_uint_eq(fwrite(&v, sizeof(v), 1, f), 1);
}

static void put_frame(FILE *f, const struct traffic_packet *p)
{
	if (p->captured)
		ck_assert_uint_eq(fwrite(p->frame, p->captured, 1, f), 1);
}

static void store(const char *file, const char *bytes, size_t n)
{
	FILE *f = fopen(file, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

void traffic_write_pcap(
	const char *file, const struct traffic_packet *packets, size_t n, uint32_t link, size_t cut)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&bytes, &size);

	put32(f, 0xa1b2c3d4);
	put16(f, 2);
	put16(f, 4);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, link);
	for (size_t i = 0; i < n; i++) {
		put32(f, packets[i].sec);
		put32(f, packets[i].usec);
		put32(f, packets[i].captured);
		put32(f, packets[i].len);
		put_frame(f, &packets[i]);
	}
	fclose(f);
	store(file, bytes, size - cut);
	free(bytes);
}

void traffic_write_pcapng(const char *file, const struct traffic_packet *packets, size_t n)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&bytes, &size);

	put32(f, 0x0a0d0d0a); /* section header */
	put32(f, 28);
	put32(f, 0x1a2b3c4d);
	put16(f, 1);
	put16(f, 0);
	put32(f, UINT32_MAX);
	put32(f, UINT32_MAX);
	put32(f, 28);
	put32(f, 1); /* interface: Ethernet */
	put32(f, 20);
	put16(f, 1);
	put16(f, 0);
	put32(f, 65535);
	put32(f, 20);
	for (size_t i = 0; i < n; i++) {
		uint64_t us = (uint64_t)packets[i].sec * 1000000 + packets[i].usec;
		uint32_t pad = (4 - packets[i].captured % 4) % 4;

		put32(f, 6); /* enhanced packet */
		put32(f, 32 + packets[i].captured + pad);
		put32(f, 0);
		put32(f, (uint32_t)(us >> 32));
		put32(f, (uint32_t)us);
		put32(f, packets[i].captured);
		put32(f, packets[i].len);
		put_frame(f, &packets[i]);
		for (uint32_t k = 0; k < pad; k++)
			fputc(0, f);
		put32(f, 32 + packets[i].captured + pad);
	}
	fclose(f);
	store(file, bytes, size);
	free(bytes);
}

void traffic_compress(const char *file)
{
	FILE *f = fopen(file, "rb");
	size_t room = (size_t)1 << 20, n;
	char *plain = xcalloc(1, room), *packed = xcalloc(1, ZSTD_compressBound(room));

	ck_assert_ptr_nonnull(f);
	n = fread(plain, 1, room, f);
	fclose(f);
	n = ZSTD_compress(packed, ZSTD_compressBound(room), plain, n, 1);
	ck_assert(!ZSTD_isError(n));
	store(file, packed, n);
	free(plain);
	free(packed);
}
