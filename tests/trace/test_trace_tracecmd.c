/*
 * trace-cmd: are its binary files of both versions read, whatever the ring buffer holds besides events,
 * and is a damaged one refused?
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/zframe.h"
#include "tests/trace/scratch.h"
#include "tests/unit/unit.h"

#define PAGE 4096u

struct bytes {
	unsigned char *b;
	size_t n;
};

static void put(struct bytes *to, const void *from, size_t n)
{
	to->b = xrealloc(to->b, to->n + n + 1, 1);
	memcpy(to->b + to->n, from, n);
	to->n += n;
}

static void put_le(struct bytes *to, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned char b = i < 8 ? (unsigned char)(v >> (8 * i)) : 0;

		put(to, &b, 1);
	}
}

static void put_text(struct bytes *to, const char *s)
{
	put(to, s, strlen(s) + 1);
}

/* ---- formats ---- */

#define COMMON                                                                                     \
	"format:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"            \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static const char map_format[] =
	"name: map\nID: 1149\n" COMMON "\tfield:u64 iova;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 paddr;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:size_t size;\toffset:24;\tsize:8;\tsigned:0;\n";
static const char dma_format[] =
	"name: dma_map_page\nID: 7\n" COMMON
	"\tfield:__data_loc char[] device;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 phys_addr;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 dma_addr;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:size_t size;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:enum dma_data_direction dir;\toffset:40;\tsize:4;\tsigned:0;\n";
static const char other_format[] = "name: sched_switch\nID: 9\n" COMMON;

static void put_formats(struct bytes *to)
{
	static const struct {
		const char *system, *text;
	} all[] = { { "iommu", map_format }, { "dma", dma_format }, { "sched", other_format } };

	put_le(to, ARRAY_SIZE(all), 4);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		put_text(to, all[i].system);
		put_le(to, 1, 4);
		put_le(to, strlen(all[i].text), 8);
		put(to, all[i].text, strlen(all[i].text));
	}
}

/* ---- ring buffer ---- */

static void put_event(struct bytes *page, uint32_t delta, const struct bytes *data)
{
	ck_assert_uint_eq(data->n % 4, 0);
	if (data->n / 4 <= 28) {
		put_le(page, delta << 5 | (uint32_t)data->n / 4, 4);
	} else {
		put_le(page, delta << 5, 4);
		put_le(page, data->n + 4, 4);
	}
	put(page, data->b, data->n);
}

static void put_map(struct bytes *page, uint32_t delta, uint64_t iova, uint64_t size)
{
	struct bytes data = { NULL, 0 };

	put_le(&data, 1149, 4);
	put_le(&data, 42, 4);
	put_le(&data, iova, 8);
	put_le(&data, 0x10a3f2000, 8);
	put_le(&data, size, 8);
	put_event(page, delta, &data);
	free(data.b);
}

static void put_dma(struct bytes *page, uint32_t delta)
{
	struct bytes data = { NULL, 0 };

	put_le(&data, 7, 8);
	put_le(&data, 13u << 16 | 44, 4);
	put_le(&data, 0, 4);
	put_le(&data, 0x10a3f2040, 8);
	put_le(&data, 0xfffff040, 8);
	put_le(&data, 1522, 8);
	put_le(&data, 2, 4);
	put(&data, "0000:03:00.0\0\0\0", 16);
	for (unsigned i = 0; i < 16; i++) /* longer than a short event can be */
		put_le(&data, 0, 4);
	put_event(page, delta, &data);
	free(data.b);
}

/* A page with its head; `time` is that of its first event. */
static void end_page(struct bytes *to, uint64_t time, struct bytes *events)
{
	size_t begin = to->n;

	put_le(to, time, 8);
	put_le(to, events->n, 8);
	put(to, events->b, events->n);
	while (to->n - begin < PAGE)
		put_le(to, 0, 1);
	free(events->b);
	*events = (struct bytes){ NULL, 0 };
}

/* CPU 0: a map, and in the next page the call that made it. CPU 1: another map between, after every
 * kind of time and padding that there is. */
static void put_cpu(struct bytes *to, unsigned cpu)
{
	struct bytes events = { NULL, 0 };
	struct bytes other = { NULL, 0 };

	if (cpu == 0) {
		put_map(&events, 0, 0xfffff000, 4096);
		end_page(to, 5000000000, &events);
		put_dma(&events, 0);
		end_page(to, 5000002000, &events);
		return;
	}
	put_le(&other, 9, 8);
	put_event(&events, 0, &other); /* sched_switch */
	put_le(&events, 10u << 5 | 30, 4); /* 2^27 + 10 ns later */
	put_le(&events, 1, 4);
	put_le(&events, 3u << 5 | 29, 4); /* an event that was discarded */
	put_le(&events, 8, 4);
	put_le(&events, 0, 4);
	put_le(&events, (5000001000u & 0x7ffffff) << 5 | 31, 4); /* it is 5.000001 */
	put_le(&events, 5000001000u >> 27, 4);
	put_map(&events, 0, 0xffffe000, 4096);
	put_le(&events, 29, 4); /* the page is over */
	put_le(&events, 0xffffffff, 4);
	end_page(to, 4800000000, &events);
	free(other.b);
}

/* ---- the two containers ---- */

static void put_start(struct bytes *to, const char *version)
{
	put(to, "\x17\x08\x44tracing", 10);
	put_text(to, version);
	put(to, "\0\x08", 2);
	put_le(to, PAGE, 4);
}

static void put_chunk(struct bytes *to, const struct bytes *what)
{
	struct zpack *z = zpack_create(1);
	size_t room = zframe_bound(what->n), n;
	unsigned char *packed = xcalloc(1, room);

	n = zpack_frame(z, what->b, what->n, packed, room);
	put_le(to, n, 4);
	put_le(to, what->n, 4);
	put(to, packed, n);
	free(packed);
	zpack_destroy(z);
}

static void put_section(struct bytes *to, unsigned id, const struct bytes *what)
{
	struct bytes chunk = { NULL, 0 };

	put_chunk(&chunk, what);
	put_le(to, id, 2);
	put_le(to, 1, 2);
	put_le(to, 0, 4);
	put_le(to, chunk.n, 8);
	put(to, chunk.b, chunk.n);
	free(chunk.b);
}

static struct bytes version7(void)
{
	struct bytes f = { NULL, 0 }, formats = { NULL, 0 }, options = { NULL, 0 },
		     cpus = { NULL, 0 };
	uint64_t formats_at, buffer_at, options_at, at[2], size[2];

	put_start(&f, "7");
	put_text(&f, "zstd");
	put_text(&f, "1.5.4");
	options_at = f.n;
	put_le(&f, 0, 8);
	formats_at = f.n;
	put_formats(&formats);
	put_section(&f, 18, &formats);
	buffer_at = f.n;
	put_le(&f, 3 | 1 << 16, 4);
	put_le(&f, 0, 12);
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		struct bytes pages = { NULL, 0 };

		at[cpu] = f.n;
		put_cpu(&pages, cpu);
		put_le(&f, 1, 4); /* chunks */
		put_chunk(&f, &pages);
		size[cpu] = f.n - at[cpu];
		free(pages.b);
	}
	put_le(&options, 18, 2);
	put_le(&options, 8, 4);
	put_le(&options, formats_at, 8);
	put_le(&cpus, buffer_at, 8);
	put_text(&cpus, "");
	put_text(&cpus, "mono");
	put_le(&cpus, PAGE, 4);
	put_le(&cpus, 2, 4);
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		put_le(&cpus, cpu, 4);
		put_le(&cpus, at[cpu], 8);
		put_le(&cpus, size[cpu], 8);
	}
	put_le(&options, 3, 2);
	put_le(&options, cpus.n, 4);
	put(&options, cpus.b, cpus.n);
	put_le(&options, 0, 2);
	put_le(&options, 8, 4);
	put_le(&options, 0, 8);
	for (unsigned i = 0; i < 8; i++)
		f.b[options_at + i] = (unsigned char)(f.n >> (8 * i));
	put_le(&f, 0, 8);
	put_le(&f, options.n, 8);
	put(&f, options.b, options.n);
	free(formats.b);
	free(options.b);
	free(cpus.b);
	return f;
}

static struct bytes version6(void)
{
	struct bytes f = { NULL, 0 };
	uint64_t table;

	put_start(&f, "6");
	put_text(&f, "header_page");
	put_le(&f, 3, 8);
	put(&f, "abc", 3);
	put_text(&f, "header_event");
	put_le(&f, 0, 8);
	put_le(&f, 1, 4); /* one of ftrace's own events */
	put_le(&f, 2, 8);
	put(&f, "xy", 2);
	put_formats(&f);
	put_le(&f, 0, 4);
	put_le(&f, 0, 4);
	put_le(&f, 0, 8);
	put_le(&f, 2, 4);
	put(&f, "options  \0", 10);
	put_le(&f, 4, 2);
	put_le(&f, 5, 4);
	put(&f, "mono\n", 5);
	put_le(&f, 0, 2);
	put(&f, "flyrecord\0", 10);
	table = f.n;
	put_le(&f, 0, 32);
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		struct bytes entry = { NULL, 0 };
		uint64_t at = f.n;

		put_cpu(&f, cpu);
		put_le(&entry, at, 8);
		put_le(&entry, f.n - at, 8);
		memcpy(f.b + table + (uint64_t)16 * cpu, entry.b, 16);
		free(entry.b);
	}
	return f;
}

static bool import(const struct bytes *f, bool skip_bad)
{
	struct import_options o = import_defaults;
	const char *in;

	o.access = ACCESS_NONE;
	o.skip_bad = skip_bad;
	scratch_store("in.dat", f->b, f->n);
	in = scratch_file("in.dat");
	return import_files(&in, 1, &o, scratch_file("out"), NULL, &scratch_err);
}

START_TEST(both_versions_are_read)
{
	struct bytes f[2] = { version6(), version7() };

	for (unsigned i = 0; i < 2; i++) {
		char *dump;

		ck_assert_msg(import(&f[i], false), "version %u: %s", 6 + i, scratch_err.text);
		dump = scratch_dump("out");
		ck_assert_str_eq(dump,
			"0.000000000000 device dev=0 name=unknown\n"
			"0.000000000000 device dev=1 name=0000:03:00.0\n"
			"0.000000000000 map dev=1 cpu=0 handle=0 dir=from len=1522 "
			"pa=0x10a3f2040\n"
			"0.000001000000 map dev=0 cpu=1 handle=1 dir=bidirectional len=4096 "
			"pa=0x10a3f2000\n");
		free(dump);
		free(f[i].b);
	}
}
END_TEST

/* Events may be missing at the end without a trace of it; everything else must show. */
START_TEST(a_file_cut_anywhere_is_refused)
{
	struct bytes f[2] = { version6(), version7() };

	for (unsigned i = 0; i < 2; i++) {
		size_t n = f[i].n;

		for (f[i].n = 10; f[i].n < n; f[i].n += f[i].n < 1000 ? 1 : 97)
			ck_assert_msg(!import(&f[i], true), "version %u cut to %zu of %zu bytes",
				6 + i, f[i].n, n);
		free(f[i].b);
	}
}
END_TEST

START_TEST(a_changed_byte_does_no_harm)
{
	struct bytes f[2] = { version6(), version7() };

	for (unsigned i = 0; i < 2; i++) {
		for (size_t at = 0; at < f[i].n; at += at < 1500 ? 1 : 61) {
			f[i].b[at] ^= (unsigned char)(1 << (at % 8));
			if (import(&f[i], at & 1))
				free(scratch_dump("out"));
			else
				ck_assert(scratch_err.text[0] != '\0');
			f[i].b[at] ^= (unsigned char)(1 << (at % 8));
		}
		free(f[i].b);
	}
}
END_TEST

START_TEST(a_big_endian_file_is_refused_with_a_way_out)
{
	struct bytes f = version7();

	f.b[12] = 1;
	ck_assert(!import(&f, false));
	ck_assert_ptr_nonnull(strstr(scratch_err.text, "little-endian"));
	ck_assert_ptr_nonnull(strstr(scratch_err.hint, "trace-cmd report"));
	free(f.b);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("tracecmd");

	tcase_add_checked_fixture(t, scratch_open, scratch_close);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, both_versions_are_read);
	tcase_add_test(t, a_file_cut_anywhere_is_refused);
	tcase_add_test(t, a_changed_byte_does_no_harm);
	tcase_add_test(t, a_big_endian_file_is_refused_with_a_way_out);
	return unit_run("trace_tracecmd", t);
}
