#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "trace/tracecmd_priv.h"

enum option { OPTION_BUFFER = 3, OPTION_FORMATS = 18 };
#define FLAG_COMPRESSED 1u
#define SECTION_HEAD    16u /* id, flags, name, size */
#define OPTION_HEAD     6u /* id, size */
#define CHAIN_MAX       64u /* option sections that point to the next */

static const char magic[10] = "\x17\x08\x44tracing";

bool tracecmd_recognise(const void *start, size_t n)
{
	return n >= sizeof(magic) && memcmp(start, magic, sizeof(magic)) == 0;
}

bool tracecmd_fail(struct tracecmd *t, uint64_t at, const char *what)
{
	t->failed = true;
	return err_at(&t->err, (struct src_pos){ .file = t->file }, NULL, "at byte %" PRIu64 ": %s",
		at, what);
}

uint64_t tracecmd_le(const unsigned char *bytes, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | bytes[n];
	return v;
}

bool tracecmd_read(struct tracecmd *t, uint64_t at, void *to, size_t n)
{
	if (at > t->size || n > t->size - at)
		return tracecmd_fail(t, at, "the file is cut short");
	if (fseeko(t->spill, (off_t)at, SEEK_SET) != 0 || fread(to, 1, n, t->spill) != n)
		return tracecmd_fail(t, at, "cannot be read");
	return true;
}

bool tracecmd_get(struct tracecmd *t, uint64_t *at, unsigned bytes, uint64_t *v)
{
	unsigned char b[8];

	if (!tracecmd_read(t, *at, b, bytes))
		return false;
	*v = tracecmd_le(b, bytes);
	*at += bytes;
	return true;
}

bool tracecmd_text(struct tracecmd *t, uint64_t *at, char *buf, size_t size)
{
	size_t n = 0;
	char c;

	do {
		if (!tracecmd_read(t, (*at)++, &c, 1))
			return false;
		if (n + 1 < size)
			buf[n++] = c;
	} while (c);
	buf[size - 1] = '\0';
	return true;
}

/* ---- compressed data ---- */

/* One chunk, "zbytes bytes data", decompressed; *to is grown. */
static bool unpack(struct tracecmd *t, uint64_t *at, unsigned char **to, uint64_t most, uint64_t *n)
{
	uint64_t zn, from = *at;
	unsigned char *packed;
	const char *why = "";
	bool ok;

	if (!tracecmd_get(t, at, 4, &zn) || !tracecmd_get(t, at, 4, n))
		return false;
	if (zn > t->size || *n > most)
		return tracecmd_fail(t, from, "a chunk of an impossible size");
	packed = xcalloc(1, zn + 1);
	*to = xrealloc(*to, *n + 1, 1);
	ok = tracecmd_read(t, *at, packed, zn) &&
	     (zunpack_frame(t->zunpack, packed, zn, *to, *n, &why) ||
		     tracecmd_fail(t, from, "a damaged chunk"));
	free(packed);
	*at += zn;
	return ok;
}

/* ---- version 7: sections that options point to ---- */

static bool read_formats(struct tracecmd *t, uint64_t at)
{
	uint64_t id, flags, name, size, n, body;
	unsigned char *bytes = NULL;
	bool ok;

	if (!tracecmd_get(t, &at, 2, &id) || !tracecmd_get(t, &at, 2, &flags) ||
		!tracecmd_get(t, &at, 4, &name) || !tracecmd_get(t, &at, 8, &size))
		return false;
	body = at;
	if (flags & FLAG_COMPRESSED) {
		ok = unpack(t, &at, &bytes, TRACECMD_SECTION_MAX, &n);
	} else {
		n = size;
		ok = n <= TRACECMD_SECTION_MAX ||
		     tracecmd_fail(t, at, "formats of impossible size");
		bytes = ok ? xcalloc(1, n + 1) : NULL;
		ok = ok && tracecmd_read(t, at, bytes, n);
	}
	ok = ok && tracecmd_formats(t, body, bytes, n);
	free(bytes);
	return ok;
}

bool tracecmd_add_cpu(struct tracecmd *t, uint64_t number_of, uint64_t at, uint64_t size)
{
	struct tracecmd_cpu *c;

	if (number_of >= TRACECMD_CPUS_MAX || t->ncpus == TRACECMD_CPUS_MAX)
		return tracecmd_fail(t, at, "a CPU above 1023");
	if (size > t->size || at > t->size - size)
		return tracecmd_fail(t, at, "the file is cut short: data of a CPU are missing");
	t->cpu = xrealloc(t->cpu, t->ncpus + 1, sizeof(*t->cpu));
	c = &t->cpu[t->ncpus++];
	*c = (struct tracecmd_cpu){ .number = (unsigned)number_of, .at = at, .end = at + size };
	return true;
}

/* Of the top instance; of other buffers only the first (main) one is read. */
static bool read_buffer(struct tracecmd *t, uint64_t at)
{
	uint64_t section, flags_at, flags, page, cpus, cpu, from, size, chunks = 0;
	char name[64], clock[64];

	if (!tracecmd_get(t, &at, 8, &section) || !tracecmd_text(t, &at, name, sizeof(name)) ||
		!tracecmd_text(t, &at, clock, sizeof(clock)) || !tracecmd_get(t, &at, 4, &page) ||
		!tracecmd_get(t, &at, 4, &cpus))
		return false;
	if (t->ncpus > 0)
		return true;
	flags_at = section + 2;
	if (!tracecmd_get(t, &flags_at, 2, &flags))
		return false;
	if (page < 512 || page > TRACECMD_CHUNK_MAX || cpus > TRACECMD_CPUS_MAX)
		return tracecmd_fail(t, at, "a buffer of impossible size");
	t->page_bytes = (uint32_t)page;
	t->compressed = flags & FLAG_COMPRESSED;
	for (uint64_t i = 0; i < cpus; i++) {
		if (!tracecmd_get(t, &at, 4, &cpu) || !tracecmd_get(t, &at, 8, &from) ||
			!tracecmd_get(t, &at, 8, &size) || !tracecmd_add_cpu(t, cpu, from, size))
			return false;
		if (size > 0 && t->compressed &&
			!tracecmd_get(t, &t->cpu[t->ncpus - 1].at, 4, &chunks))
			return false;
		t->cpu[t->ncpus - 1].chunks = size > 0 ? (uint32_t)chunks : 0;
	}
	return true;
}

/* A section of options; *next is where the next one is, 0: there is none. */
static bool read_options(struct tracecmd *t, uint64_t at, uint64_t *next)
{
	uint64_t id = 0, flags, name, size, end, value, formats;

	if (!tracecmd_get(t, &at, 2, &id) || !tracecmd_get(t, &at, 2, &flags) ||
		!tracecmd_get(t, &at, 4, &name) || !tracecmd_get(t, &at, 8, &size))
		return false;
	end = at + size;
	while (at < end) {
		if (!tracecmd_get(t, &at, 2, &id) || !tracecmd_get(t, &at, 4, &size))
			return false;
		value = at;
		if (id == TRACECMD_OPTION_DONE)
			return tracecmd_get(t, &value, 8, next);
		if (id == OPTION_BUFFER && !read_buffer(t, at))
			return false;
		if (id == OPTION_FORMATS &&
			(!tracecmd_get(t, &value, 8, &formats) || !read_formats(t, formats)))
			return false;
		at += size;
	}
	*next = 0;
	return true;
}

static bool read_v7(struct tracecmd *t, uint64_t at)
{
	char compression[32], version[32];
	uint64_t options;

	if (!tracecmd_text(t, &at, compression, sizeof(compression)) ||
		!tracecmd_text(t, &at, version, sizeof(version)) ||
		!tracecmd_get(t, &at, 8, &options))
		return false;
	if (strcmp(compression, "zstd") != 0 && strcmp(compression, "none") != 0) {
		tracecmd_fail(t, at, "is compressed in a way that is not read");
		return err_hint(&t->err, "`trace-cmd report FILE > TEXT' makes text of it");
	}
	for (unsigned i = 0; options && i < CHAIN_MAX; i++)
		if (!read_options(t, options, &options))
			return false;
	return true;
}

/* ---- the file ---- */

/* Sections are pointed to from the end: what comes as a stream, compressed or not, is kept first. */
static bool spill(struct tracecmd *t, struct text_in *in, const char *beside)
{
	char *name = xasprintf("%s.XXXXXX", beside), *buf;
	int fd = mkstemp(name);
	size_t n;

	t->spill = fd >= 0 ? fdopen(fd, "w+b") : NULL;
	if (fd >= 0)
		unlink(name);
	free(name);
	if (!t->spill)
		return err_at(&t->err, (struct src_pos){ .file = beside }, NULL,
			"cannot be written: %s", strerror(errno));
	buf = xcalloc(1, 1 << 16);
	while ((n = text_read(in, buf, 1 << 16)) > 0) {
		if (fwrite(buf, 1, n, t->spill) != n) {
			free(buf);
			return err_at(&t->err, (struct src_pos){ .file = beside }, NULL,
				"temporary file beside it: %s", strerror(errno));
		}
		t->size += n;
	}
	free(buf);
	return !text_failed(in, &t->err);
}

static bool read_head(struct tracecmd *t)
{
	unsigned char start[sizeof(magic)], kind[2];
	uint64_t at = sizeof(magic), page;
	char version[8];

	if (!tracecmd_read(t, 0, start, sizeof(start)) ||
		!tracecmd_text(t, &at, version, sizeof(version)) || !tracecmd_read(t, at, kind, 2))
		return false;
	at += 2;
	if (!tracecmd_get(t, &at, 4, &page))
		return false;
	if (kind[0] != 0 || (kind[1] != 4 && kind[1] != 8)) {
		tracecmd_fail(t, at, "was not recorded on a little-endian machine");
		return err_hint(&t->err, "`trace-cmd report FILE > TEXT' makes text of it");
	}
	if (page < 512 || page > TRACECMD_CHUNK_MAX)
		return tracecmd_fail(t, at, "has pages of impossible size");
	t->long_bytes = kind[1];
	t->page_bytes = (uint32_t)page;
	if (strcmp(version, "7") == 0)
		return read_v7(t, at);
	if (strcmp(version, "6") == 0)
		return tracecmd_read_v6(t, at);
	tracecmd_fail(t, sizeof(magic), "has a version that is not read (6 and 7 are)");
	return err_hint(&t->err, "`trace-cmd report FILE > TEXT' makes text of it");
}

bool tracecmd_more(struct tracecmd *t, struct tracecmd_cpu *c)
{
	uint64_t n = 0;

	c->page = c->pos = c->commit = c->len = 0;
	if (c->at >= c->end || (t->compressed && c->chunks == 0))
		return false;
	if (t->compressed) {
		c->chunks--;
		if (!unpack(t, &c->at, &c->data, TRACECMD_CHUNK_MAX, &n))
			return false;
	} else {
		n = c->end - c->at < t->page_bytes ? c->end - c->at : t->page_bytes;
		c->data = xrealloc(c->data, n, 1);
		if (!tracecmd_read(t, c->at, c->data, n))
			return false;
		c->at += n;
	}
	c->len = (uint32_t)n;
	return true;
}

struct tracecmd *tracecmd_open(
	struct text_in *in, const char *file, const char *beside, struct err *err)
{
	struct tracecmd *t = xcalloc(1, sizeof(*t));

	t->file = file;
	t->current = -1;
	t->zunpack = zunpack_create();
	if (spill(t, in, beside) && read_head(t))
		return t;
	*err = t->err;
	tracecmd_close(t);
	return NULL;
}

void tracecmd_close(struct tracecmd *t)
{
	for (unsigned i = 0; i < t->ncpus; i++)
		free(t->cpu[i].data);
	if (t->spill)
		fclose(t->spill);
	zunpack_destroy(t->zunpack);
	free(t->cpu);
	free(t->format);
	free(t);
}

bool tracecmd_failed(const struct tracecmd *t, struct err *err)
{
	if (t->failed && err)
		*err = t->err;
	return t->failed;
}
