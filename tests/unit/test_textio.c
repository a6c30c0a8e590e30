/*
 * textio: does a reader get the same bytes whether the file is plain, compressed, a pipe or one of
 * several frames; and does a broken file end in a sentence rather than in silence?
 */
#include "base/textio.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "unit.h"

static char file_name[] = "/tmp/iommusim-textio-XXXXXX";

static void setup(void)
{
	int fd;

	strcpy(strrchr(file_name, '-'), "-XXXXXX");
	fd = mkstemp(file_name);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(file_name);
}

static void store(const void *bytes, size_t n, const char *mode)
{
	FILE *f = fopen(file_name, mode);

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static size_t compress_into(char **out, const void *bytes, size_t n)
{
	size_t room = ZSTD_compressBound(n);

	*out = xcalloc(1, room);
	room = ZSTD_compress(*out, room, bytes, n, 3);
	ck_assert(!ZSTD_isError(room));
	return room;
}

static void store_zstd(const void *bytes, size_t n, const char *mode)
{
	char *packed;
	size_t len = compress_into(&packed, bytes, n);

	store(packed, len, mode);
	free(packed);
}

static struct text_in *must_open(void)
{
	struct err err;
	struct text_in *in = text_open(file_name, &err);

	ck_assert_msg(in != NULL, "%s", err.text);
	return in;
}

static void expect_lines(const char *const *lines)
{
	struct text_in *in = must_open();
	char *line;

	for (unsigned i = 0; lines[i]; i++) {
		line = text_line(in);
		ck_assert_ptr_nonnull(line);
		ck_assert_str_eq(line, lines[i]);
		ck_assert_uint_eq(text_pos(in, 3).line, i + 1);
		ck_assert_uint_eq(text_pos(in, 3).column, 3);
	}
	ck_assert_ptr_null(text_line(in));
	ck_assert(!text_failed(in, NULL));
	text_close(in);
}

START_TEST(lines_come_without_their_ends_and_a_last_line_needs_none)
{
	const char text[] = "one\n\ntwo\r\nlast";

	store(text, strlen(text), "wb");
	expect_lines((const char *const[]){ "one", "", "two", "last", NULL });
	store_zstd(text, strlen(text), "wb");
	expect_lines((const char *const[]){ "one", "", "two", "last", NULL });
}
END_TEST

START_TEST(an_empty_file_has_no_lines)
{
	store("", 0, "wb");
	expect_lines((const char *const[]){ NULL });
	store_zstd("", 0, "wb");
	expect_lines((const char *const[]){ NULL });
}
END_TEST

START_TEST(a_file_shorter_than_the_magic_is_text)
{
	store("x\n", 2, "wb");
	expect_lines((const char *const[]){ "x", NULL });
}
END_TEST

START_TEST(frames_one_after_the_other_are_one_text)
{
	store_zstd("a\nb", 3, "wb");
	store_zstd("c\nd\n", 4, "ab");
	expect_lines((const char *const[]){ "a", "bc", "d", NULL });
}
END_TEST

/* Random bytes (incompressible) and runs (very compressible) cross every block border there is. */
static char *big_text(size_t n)
{
	char *text = xcalloc(1, n);
	struct rng r;

	rng_init(&r, 7, "test.textio");
	for (size_t i = 0; i < n; i++)
		text[i] = (i >> 19) % 2 ? 'r' : (char)(' ' + (char)rng_below(&r, 90));
	for (size_t i = 0; i < n; i += 1 + (size_t)rng_below(&r, 200000))
		text[i] = '\n';
	return text;
}

static void expect_bytes(const char *text, size_t n)
{
	struct text_in *in = must_open();
	char *got = xcalloc(1, n + 1);
	char *line;
	size_t at = 0, len;

	ck_assert_uint_eq(text_read(in, got, n + 1), n);
	ck_assert_int_eq(memcmp(got, text, n), 0);
	text_close(in);
	in = must_open();
	while ((line = text_line(in)) != NULL) {
		len = strlen(line);
		ck_assert_int_eq(memcmp(line, text + at, len), 0);
		at += len + 1;
	}
	ck_assert(!text_failed(in, NULL));
	ck_assert(at == n || at == n + 1);
	text_close(in);
	free(got);
}

START_TEST(big_files_are_the_same_plain_and_compressed)
{
	size_t n = ((size_t)3 << 20) + 17;
	char *text = big_text(n);

	store(text, n, "wb");
	expect_bytes(text, n);
	store_zstd(text, n, "wb");
	expect_bytes(text, n);
	/* Output that is a whole number of blocks: the frame ends exactly with the buffer. */
	store_zstd(text, (size_t)1 << 18, "wb");
	expect_bytes(text, (size_t)1 << 18);
	free(text);
}
END_TEST

START_TEST(a_library_reads_the_bytes_through_a_file)
{
	char text[] = "twelve bytes";
	char got[32] = "";
	struct text_in *in;
	FILE *f;

	store_zstd(text, strlen(text), "wb");
	in = must_open();
	f = text_stdio(in);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(got, 1, sizeof(got), f), strlen(text));
	ck_assert_str_eq(got, text);
	ck_assert(feof(f) && !ferror(f));
	fclose(f);
	text_close(in);
}
END_TEST

static void expect_failure(const char *sentence)
{
	struct text_in *in = must_open();
	struct err err = { 0 };
	char buf[512], want[512];

	while (text_line(in))
		;
	ck_assert(text_failed(in, &err));
	snprintf(want, sizeof(want), "%s%s", file_name, sentence);
	ck_assert_str_eq(err_format(&err, buf, sizeof(buf)), want);
	ck_assert_ptr_null(text_line(in));
	text_close(in);
}

START_TEST(a_cut_compressed_file_is_a_failure_at_every_length)
{
	char *packed;
	size_t n = compress_into(&packed, "some text that is compressed\n", 29);

	for (size_t cut = 4; cut < n; cut++) {
		store(packed, cut, "wb");
		expect_failure(
			": ends in the middle of its compressed data: the file is cut short");
	}
	free(packed);
}
END_TEST

START_TEST(a_cut_file_is_a_read_error_for_a_library)
{
	char *packed;
	char got[64];
	size_t n = compress_into(&packed, "some text that is compressed\n", 29);
	struct text_in *in;
	FILE *f;

	store(packed, n - 1, "wb");
	in = must_open();
	f = text_stdio(in);
	while (fread(got, 1, sizeof(got), f) > 0)
		;
	ck_assert(ferror(f));
	ck_assert(text_failed(in, NULL));
	fclose(f);
	text_close(in);
	free(packed);
}
END_TEST

START_TEST(broken_compressed_data_is_a_failure)
{
	unsigned char junk[32] = { 0x28, 0xb5, 0x2f, 0xfd };

	memset(junk + 4, 0xff, sizeof(junk) - 4);
	store(junk, sizeof(junk), "wb");
	expect_failure(": broken zstd data: Unsupported frame parameter");
}
END_TEST

START_TEST(a_nul_byte_is_not_text)
{
	store("ok\nb\0d\n", 7, "wb");
	expect_failure(":2: has a NUL byte: not a text file");
}
END_TEST

START_TEST(an_endless_line_is_not_text)
{
	char *line = xcalloc(1, TEXT_LINE_MAX + 1);

	memset(line, 'x', TEXT_LINE_MAX + 1);
	store(line, TEXT_LINE_MAX + 1, "wb");
	expect_failure(": has a line of more than 1 MiB: not a text file");
	free(line);
}
END_TEST

static void expect_refused(const char *file, const char *want)
{
	struct err err = { 0 };
	char buf[512];

	ck_assert_ptr_null(text_open(file, &err));
	ck_assert_str_eq(err_format(&err, buf, sizeof(buf)), want);
}

START_TEST(what_cannot_be_opened_is_refused_by_name)
{
	char want[512];

	expect_refused("/tmp", "/tmp: is a folder, not a file");
	expect_refused(
		"/nowhere/x.csv", "/nowhere/x.csv: cannot be opened: No such file or directory");
	store("\x1f\x8b\x08\x00", 4, "wb");
	snprintf(want, sizeof(want),
		"%s: is compressed by gzip, which is not read (plain and zstd-compressed files are)",
		file_name);
	expect_refused(file_name, want);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("textio");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_come_without_their_ends_and_a_last_line_needs_none);
	tcase_add_test(tc, an_empty_file_has_no_lines);
	tcase_add_test(tc, a_file_shorter_than_the_magic_is_text);
	tcase_add_test(tc, frames_one_after_the_other_are_one_text);
	tcase_add_test(tc, big_files_are_the_same_plain_and_compressed);
	tcase_add_test(tc, a_library_reads_the_bytes_through_a_file);
	tcase_add_test(tc, a_cut_compressed_file_is_a_failure_at_every_length);
	tcase_add_test(tc, a_cut_file_is_a_read_error_for_a_library);
	tcase_add_test(tc, broken_compressed_data_is_a_failure);
	tcase_add_test(tc, a_nul_byte_is_not_text);
	tcase_add_test(tc, an_endless_line_is_not_text);
	tcase_add_test(tc, what_cannot_be_opened_is_refused_by_name);
	return unit_run("textio", tc);
}
