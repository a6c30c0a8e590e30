#include "base/textio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/alloc.h"

#define BLOCK ((size_t)1 << 17)

struct text_in {
	const char *file;
	int fd;
	ZSTD_DStream *zstd; /* NULL: plain */
	bool frame_open; /* zstd: inside a frame, so the end of the file comes too early */
	bool pending; /* zstd: the last block was full, more may come without new input */
	bool eof, failed;
	struct err err;

	/* Bytes as stored in the file; `out` is the same buffer when the file is plain. */
	char *in;
	size_t in_pos, in_len;
	char *out;
	size_t out_pos, out_len;

	char *line; /* a line that crosses blocks */
	size_t line_len, line_room;
	unsigned lineno;
};

static bool fail(struct text_in *in, const char *what, const char *why)
{
	struct src_pos pos = { .file = in->file };

	in->failed = true;
	return err_at(&in->err, pos, NULL, "%s%s%s", what, why ? ": " : "", why ? why : "");
}

/* Next block of stored bytes; in_len 0 at the end of the file. */
static bool read_block(struct text_in *in)
{
	ssize_t n;

	do
		n = read(in->fd, in->in, BLOCK);
	while (n < 0 && errno == EINTR);
	in->in_pos = 0;
	in->in_len = n > 0 ? (size_t)n : 0;
	if (n < 0)
		return fail(in, "cannot be read", strerror(errno));
	return true;
}

static bool decompress(struct text_in *in)
{
	ZSTD_outBuffer out = { .dst = in->out, .size = BLOCK };
	ZSTD_inBuffer from;
	size_t more;

	while (out.pos == 0) {
		if (in->in_pos == in->in_len && !in->pending) {
			if (!read_block(in))
				return false;
			if (in->in_len == 0) {
				in->eof = true;
				if (in->frame_open)
					return fail(in, "ends in the middle of its compressed data",
						"the file is cut short");
				break;
			}
		}
		from = (ZSTD_inBuffer){ .src = in->in, .size = in->in_len, .pos = in->in_pos };
		more = ZSTD_decompressStream(in->zstd, &out, &from);
		if (ZSTD_isError(more))
			return fail(in, "broken zstd data", ZSTD_getErrorName(more));
		in->in_pos = from.pos;
		in->frame_open = more != 0;
		in->pending = in->frame_open && out.pos == out.size;
	}
	in->out_len = out.pos;
	return true;
}

/* Make out[out_pos, out_len) not empty; false at the end and on failure. */
static bool refill(struct text_in *in)
{
	if (in->out_pos < in->out_len)
		return true;
	if (in->eof || in->failed)
		return false;
	in->out_pos = in->out_len = 0;
	if (in->zstd)
		return decompress(in) && in->out_len > 0;
	if (!read_block(in))
		return false;
	in->out_len = in->in_len;
	in->eof = in->in_len == 0;
	return !in->eof;
}

/* The first block tells plain text from zstd; a pipe may give it in pieces. */
static bool detect(struct text_in *in)
{
	static const unsigned char zstd_magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const unsigned char gzip_magic[2] = { 0x1f, 0x8b };
	ssize_t n;

	while (in->in_len < sizeof(zstd_magic)) {
		n = read(in->fd, in->in + in->in_len, BLOCK - in->in_len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(in, "cannot be read", strerror(errno));
		if (n == 0)
			break;
		in->in_len += (size_t)n;
	}
	if (in->in_len >= 2 && memcmp(in->in, gzip_magic, 2) == 0) {
		fail(in, "is compressed by gzip, which is not read", NULL);
		return err_hint(&in->err, "plain and zstd-compressed files are");
	}
	if (in->in_len < 4 || memcmp(in->in, zstd_magic, 4) != 0) {
		in->out = in->in;
		in->out_len = in->in_len;
		return true;
	}
	in->zstd = ZSTD_createDStream();
	in->out = xcalloc(1, BLOCK);
	return in->zstd != NULL || fail(in, "no memory to decompress it", NULL);
}

static bool open_file(struct text_in *in)
{
	struct stat st;

	in->fd = strcmp(in->file, "-") == 0 ? dup(STDIN_FILENO)
					    : open(in->file, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0)
		return fail(in, "cannot be opened", strerror(errno));
	if (fstat(in->fd, &st) == 0 && S_ISDIR(st.st_mode))
		return fail(in, "is a folder, not a file", NULL);
	in->in = xcalloc(1, BLOCK);
	return detect(in);
}

struct text_in *text_open(const char *file, struct err *err)
{
	struct text_in *in = xcalloc(1, sizeof(*in));

	in->file = file;
	if (open_file(in))
		return in;
	if (err)
		*err = in->err;
	text_close(in);
	return NULL;
}

void text_close(struct text_in *in)
{
	if (!in)
		return;
	if (in->fd >= 0)
		close(in->fd);
	if (in->out != in->in)
		free(in->out);
	ZSTD_freeDStream(in->zstd);
	free(in->in);
	free(in->line);
	free(in);
}

static bool line_append(struct text_in *in, const char *bytes, size_t n)
{
	if (in->line_len + n > TEXT_LINE_MAX)
		return fail(in, "has a line of more than 1 MiB: not a text file", NULL);
	if (in->line_len + n + 1 > in->line_room) {
		in->line_room = 2 * (in->line_len + n + 1);
		in->line = xrealloc(in->line, in->line_room, 1);
	}
	memcpy(in->line + in->line_len, bytes, n);
	in->line_len += n;
	return true;
}

/* A line of n bytes at s, where s[n] may be overwritten. */
static char *finish_line(struct text_in *in, char *s, size_t n)
{
	in->lineno++;
	s[n] = '\0';
	if (memchr(s, '\0', n)) {
		fail(in, "has a NUL byte: not a text file", NULL);
		in->err.pos.line = in->lineno;
		return NULL;
	}
	if (n > 0 && s[n - 1] == '\r')
		s[n - 1] = '\0';
	return s;
}

size_t text_peek(struct text_in *in, const char **bytes)
{
	if (!refill(in))
		return 0;
	*bytes = in->out + in->out_pos;
	return in->out_len - in->out_pos;
}

char *text_line(struct text_in *in)
{
	char *from, *end;
	size_t n;

	in->line_len = 0;
	while (refill(in)) {
		from = in->out + in->out_pos;
		n = in->out_len - in->out_pos;
		end = memchr(from, '\n', n);
		if (end)
			n = (size_t)(end - from);
		in->out_pos += n + (end != NULL);
		if (end && in->line_len == 0)
			return finish_line(in, from, n);
		if (!line_append(in, from, n))
			return NULL;
		if (end)
			return finish_line(in, in->line, in->line_len);
	}
	if (in->failed || in->line_len == 0)
		return NULL;
	return finish_line(in, in->line, in->line_len);
}

bool text_failed(const struct text_in *in, struct err *err)
{
	if (in->failed && err)
		*err = in->err;
	return in->failed;
}

struct src_pos text_pos(const struct text_in *in, unsigned column)
{
	return (struct src_pos){ .file = in->file, .line = in->lineno, .column = column };
}

size_t text_read(struct text_in *in, void *buf, size_t size)
{
	size_t done = 0, n;

	while (done < size && refill(in)) {
		n = in->out_len - in->out_pos;
		if (n > size - done)
			n = size - done;
		memcpy((char *)buf + done, in->out + in->out_pos, n);
		in->out_pos += n;
		done += n;
	}
	return done;
}

static ssize_t stdio_read(void *cookie, char *buf, size_t size)
{
	struct text_in *in = cookie;
	size_t n = text_read(in, buf, size);

	if (n == 0 && in->failed) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)n;
}

FILE *text_stdio(struct text_in *in)
{
	return fopencookie(in, "rb", (cookie_io_functions_t){ .read = stdio_read });
}
