/*
 * trace file: does what was written come back, whatever its length, and is a file with a byte changed or
 * missing refused, always, with a place?
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "tests/trace/scratch.h"
#include "tests/unit/unit.h"
#include "trace/copy.h"

#define HANDLES 300u

static const struct trace_info info = { .seed = 7, .provenance = "a test" };

/* A random stream by the rules. */
struct stream {
	struct rng rng;
	struct copy_slots slots;
	uint32_t len[HANDLES], live[HANDLES], nlive;
	uint16_t rest;
	struct trace_record last;
	uint64_t n;
};

static struct trace_record next(struct stream *s)
{
	struct trace_record r = { .time = s->last.time + rng_below(&s->rng, 3 * US),
		.cpu = (uint16_t)rng_below(&s->rng, 8) };
	uint64_t what = rng_below(&s->rng, 4), i;

	if (s->n++ == 0)
		return trace_device_record(0, 0, "0000:03:00.0");
	if (s->rest) {
		r = (struct trace_record){ .type = TRACE_SEGMENT,
			.rest = --s->rest,
			.time = s->last.time,
			.value = rng_u64(&s->rng) >> 20 << PAGE_LG2,
			.handle = s->last.handle,
			.len = PAGE_SIZE };
		s->len[r.handle] += r.len;
	} else if (s->nlive == 0 || (what == 0 && s->nlive < HANDLES)) {
		r.type = TRACE_MAP;
		r.flags = (uint8_t)rng_below(&s->rng, 3);
		r.value = rng_u64(&s->rng) >> 20;
		r.handle = copy_slot_get(&s->slots);
		r.len = 1 + (uint32_t)rng_below(&s->rng, 9000);
		r.rest = rng_below(&s->rng, 10) ? 0 : 3;
		if (r.rest) {
			r.value &= ~(PAGE_SIZE - 1);
			r.len = 2 * PAGE_SIZE;
		}
		s->rest = r.rest;
		s->len[r.handle] = r.len;
		s->live[s->nlive++] = r.handle;
	} else {
		i = rng_below(&s->rng, s->nlive);
		r.handle = s->live[i];
		r.type = what == 1 ? TRACE_UNMAP : what == 2 ? TRACE_DMA : TRACE_SYNC;
		if (what == 1) {
			s->live[i] = s->live[--s->nlive];
			copy_slot_put(&s->slots, r.handle);
		} else {
			r.value = rng_below(&s->rng, s->len[r.handle]);
			r.len = 1 + (uint32_t)rng_below(&s->rng, s->len[r.handle] - r.value);
			r.flags = what == 2 && (r.len & 1) ? TRACE_WRITE : 0;
		}
	}
	s->last = r;
	return r;
}

static void begin(struct stream *s)
{
	memset(s, 0, sizeof(*s));
	rng_init(&s->rng, 5, "test.trace");
}

static void write_stream(const char *name, uint64_t n)
{
	struct trace_writer *w = trace_create(scratch_file(name), &info, &scratch_err);
	struct stream s;

	ck_assert_ptr_nonnull(w);
	begin(&s);
	while (s.n < n || s.rest) {
		struct trace_record r = next(&s);

		ck_assert_ptr_null(trace_put(w, &r));
	}
	copy_slots_fini(&s.slots);
	ck_assert_msg(trace_commit(w, &scratch_err), "%s", scratch_err.text);
}

/* Every record in order; the number of them. */
static uint64_t read_stream(const char *name)
{
	struct trace_reader *in = trace_open(scratch_file(name), &scratch_err);
	const struct trace_record *r;
	struct stream s;

	ck_assert_msg(in != NULL, "%s", scratch_err.text);
	begin(&s);
	while ((r = trace_next(in)) != NULL) {
		struct trace_record want = next(&s);

		ck_assert_int_eq(memcmp(r, &want, sizeof(want)), 0);
	}
	copy_slots_fini(&s.slots);
	ck_assert_msg(!trace_failed(in, &scratch_err), "%s", scratch_err.text);
	ck_assert_uint_eq(trace_totals_of(in)->records, s.n);
	ck_assert_uint_eq(trace_info_of(in)->seed, 7);
	ck_assert_str_eq(trace_info_of(in)->provenance, "a test");
	trace_close(in);
	return s.n;
}

START_TEST(what_was_written_comes_back)
{
	static const uint64_t lengths[] = { 0, 1, 100, 16384, 16385, 60000 };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		write_stream("a", lengths[i]);
		ck_assert_uint_ge(read_stream("a"), lengths[i]);
	}
}
END_TEST

START_TEST(the_same_records_are_the_same_bytes)
{
	size_t na, nb;
	char *a, *b;

	write_stream("a", 20000);
	write_stream("b", 20000);
	a = scratch_load("a", &na);
	b = scratch_load("b", &nb);
	ck_assert_uint_eq(na, nb);
	ck_assert_int_eq(memcmp(a, b, na), 0);
	free(a);
	free(b);
}
END_TEST

/* Reads to the end; true: nothing was found wrong. */
static bool reads(const char *name)
{
	struct trace_reader *in = trace_open(scratch_file(name), &scratch_err);
	bool ok;

	if (!in)
		return false;
	while (trace_next(in))
		;
	ok = !trace_failed(in, &scratch_err);
	trace_close(in);
	return ok;
}

START_TEST(a_file_cut_anywhere_is_refused)
{
	size_t n;
	char *bytes;

	write_stream("a", 40);
	bytes = scratch_load("a", &n);
	for (size_t cut = 0; cut < n; cut++) {
		scratch_store("b", bytes, cut);
		ck_assert_msg(!reads("b"), "cut to %zu of %zu bytes", cut, n);
		ck_assert(scratch_err.pos.file != NULL);
	}
	free(bytes);
}
END_TEST

START_TEST(a_file_with_any_byte_changed_is_refused)
{
	size_t n;
	char *bytes;

	write_stream("a", 40);
	bytes = scratch_load("a", &n);
	for (size_t i = 0; i < n; i++) {
		bytes[i] = (char)(bytes[i] ^ (1 << (i % 8)));
		scratch_store("b", bytes, n);
		ck_assert_msg(!reads("b"), "byte %zu of %zu", i, n);
		bytes[i] = (char)(bytes[i] ^ (1 << (i % 8)));
	}
	free(bytes);
}
END_TEST

START_TEST(something_behind_the_end_is_refused)
{
	size_t n;
	char *bytes;

	write_stream("a", 100);
	bytes = scratch_load("a", &n);
	scratch_store("b", bytes, n + 1); /* and the NUL behind them */
	ck_assert(!reads("b"));
	ck_assert_ptr_nonnull(strstr(scratch_err.text, "follows the end"));
	free(bytes);
}
END_TEST

START_TEST(damage_is_named_by_byte_and_record)
{
	size_t n;
	char *bytes;

	write_stream("a", 40000);
	bytes = scratch_load("a", &n);
	bytes[n / 2] ^= 4;
	scratch_store("b", bytes, n);
	ck_assert(!reads("b"));
	ck_assert_ptr_nonnull(strstr(scratch_err.text, "at byte "));
	ck_assert_ptr_nonnull(strstr(scratch_err.text, "after record 16384"));
	free(bytes);
}
END_TEST

START_TEST(an_abandoned_trace_leaves_nothing)
{
	struct trace_writer *w = trace_create(scratch_file("a"), &info, &scratch_err);

	trace_abandon(w);
	ck_assert_int_ne(access(scratch_file("a"), F_OK), 0);
}
END_TEST

START_TEST(a_device_is_not_replaced_by_a_file)
{
	ck_assert_ptr_null(trace_create("/dev/null", &info, &scratch_err));
	ck_assert_ptr_nonnull(strstr(scratch_err.text, "no regular file"));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("file");

	tcase_add_checked_fixture(t, scratch_open, scratch_close);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, what_was_written_comes_back);
	tcase_add_test(t, the_same_records_are_the_same_bytes);
	tcase_add_test(t, a_file_cut_anywhere_is_refused);
	tcase_add_test(t, a_file_with_any_byte_changed_is_refused);
	tcase_add_test(t, something_behind_the_end_is_refused);
	tcase_add_test(t, damage_is_named_by_byte_and_record);
	tcase_add_test(t, an_abandoned_trace_leaves_nothing);
	tcase_add_test(t, a_device_is_not_replaced_by_a_file);
	return unit_run("trace_file", t);
}
