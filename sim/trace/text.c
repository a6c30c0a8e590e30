#include "trace/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FROM "# from "
#define SEED "# seed "

/* ---- out ---- */

void text_put_head(FILE *out, const struct trace_info *info)
{
	fprintf(out, "%s\n" SEED "%" PRIu64 "\n", TEXT_FIRST_LINE, info->seed);
	if (info->provenance[0])
		fprintf(out, FROM "%s\n", info->provenance);
}

static void put_flags(FILE *out, unsigned flags)
{
	if (flags & TRACE_COHERENT)
		fputs(" coherent", out);
	if (flags & TRACE_FOR_DEVICE)
		fputs(" for-device", out);
	if (flags & TRACE_SYNTHETIC)
		fputs(" synthetic", out);
}

static void put_access(FILE *out, const struct trace_record *r)
{
	fprintf(out, " handle=%" PRIu32, r->handle);
	if (r->type == TRACE_DMA)
		fputs(r->flags & TRACE_WRITE ? " write" : " read", out);
	else
		fprintf(out, " cpu=%u", r->cpu);
	fprintf(out, " offset=%" PRIu64 " len=%" PRIu32, r->value, r->len);
}

void text_put(FILE *out, const struct trace_record *r)
{
	char name[TRACE_NAME_BYTES + 1];

	fprintf(out, "%" PRIu64 ".%012" PRIu64 " %s dev=%u", r->time / SEC, r->time % SEC,
		trace_type_name(r->type), r->device);
	switch (r->type) {
	case TRACE_DEVICE:
		trace_device_name(r, name);
		fprintf(out, " name=%s", name);
		break;
	case TRACE_MAP:
		fprintf(out, " cpu=%u handle=%" PRIu32 " dir=%s len=%" PRIu32 " pa=0x%" PRIx64,
			r->cpu, r->handle, trace_dir_name(r->flags & TRACE_DIR), r->len, r->value);
		if (r->rest)
			fprintf(out, " rest=%u", r->rest);
		break;
	case TRACE_SEGMENT:
		fprintf(out, " handle=%" PRIu32 " len=%" PRIu32 " pa=0x%" PRIx64 " rest=%u",
			r->handle, r->len, r->value, r->rest);
		break;
	case TRACE_UNMAP:
		fprintf(out, " cpu=%u handle=%" PRIu32, r->cpu, r->handle);
		break;
	default:
		put_access(out, r);
	}
	put_flags(out, r->flags);
	fputc('\n', out);
}

/* ---- in ---- */

bool text_get_head(const char *line, struct trace_info *info)
{
	if (strncmp(line, SEED, strlen(SEED)) == 0)
		info->seed = strtoull(line + strlen(SEED), NULL, 10);
	else if (strncmp(line, FROM, strlen(FROM)) == 0)
		snprintf(info->provenance, sizeof(info->provenance), "%s", line + strlen(FROM));
	else
		return strcmp(line, TEXT_FIRST_LINE) == 0;
	return true;
}

struct words {
	const char *line, *at;
	struct src_pos pos;
	struct err *err;
};

static bool refuse(struct words *w, const char *at, const char *what)
{
	w->pos.column = (unsigned)(at - w->line) + 1;
	return err_at(w->err, w->pos, NULL, "%s", what);
}

/* The next word; NULL at the end of the line. */
static const char *next_word(struct words *w, size_t *n)
{
	const char *word = w->at + strspn(w->at, " \t");

	*n = strcspn(word, " \t");
	w->at = word + *n;
	return *n ? word : NULL;
}

static bool word_is(const char *word, size_t n, const char *what)
{
	return strlen(what) == n && memcmp(word, what, n) == 0;
}

static bool get_time(struct words *w, sim_time *t)
{
	size_t n, digits;
	const char *word = next_word(w, &n);
	char *end;

	if (!word || *word < '0' || *word > '9')
		return refuse(w, word ? word : w->at, "expected a time in seconds");
	*t = strtoull(word, &end, 10);
	if (*t > TRACE_TIME_MAX / SEC)
		return refuse(w, word, "is too late a time");
	*t *= SEC;
	if (*end == '.') {
		digits = strspn(++end, "0123456789");
		if (digits == 0 || digits > 12)
			return refuse(w, end, "expected 1 to 12 decimals");
		for (sim_time unit = SEC / 10; digits--; unit /= 10)
			*t += (sim_time)(*end++ - '0') * unit;
	}
	return end == word + n || refuse(w, end, "expected a blank after the time");
}

static bool get_type(struct words *w, struct trace_record *r)
{
	size_t n;
	const char *word = next_word(w, &n);

	for (unsigned type = TRACE_DEVICE; word && type < TRACE_TYPES; type++) {
		if (word_is(word, n, trace_type_name(type))) {
			r->type = (uint8_t)type;
			return true;
		}
	}
	return refuse(w, word ? word : w->at, "expected device, map, segment, dma, unmap or sync");
}

static bool get_dir(struct words *w, const char *value, size_t n, struct trace_record *r)
{
	for (unsigned dir = 0; trace_dir_name(dir); dir++) {
		if (word_is(value, n, trace_dir_name(dir))) {
			r->flags |= (uint8_t)dir;
			return true;
		}
	}
	return refuse(w, value, "expected to, from or bidirectional");
}

static bool get_name(struct words *w, const char *value, size_t n, struct trace_record *r)
{
	char name[TRACE_NAME_BYTES + 1] = "";

	if (n > TRACE_NAME_BYTES)
		return refuse(w, value, "a device's name has at most 16 characters");
	memcpy(name, value, n);
	*r = trace_device_record(r->device, r->time, name);
	return true;
}

static bool get_flag(const char *word, size_t n, struct trace_record *r)
{
	static const struct {
		const char *word;
		uint8_t flag;
	} flags[] = {
		{ "read", 0 },
		{ "write", TRACE_WRITE },
		{ "coherent", TRACE_COHERENT },
		{ "synthetic", TRACE_SYNTHETIC },
		{ "for-device", TRACE_FOR_DEVICE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (word_is(word, n, flags[i].word)) {
			r->flags |= flags[i].flag;
			return true;
		}
	}
	return false;
}

static bool get_number(struct words *w, const char *key, size_t nkey, const char *value, size_t n,
	struct trace_record *r)
{
	static const struct {
		const char *key;
		uint64_t max;
	} numbers[] = { { "dev", UINT16_MAX }, { "cpu", UINT16_MAX }, { "rest", UINT16_MAX },
		{ "handle", UINT32_MAX }, { "len", UINT32_MAX }, { "pa", UINT64_MAX },
		{ "offset", UINT64_MAX } };
	bool hex = n > 2 && value[0] == '0' && value[1] == 'x';
	size_t k = 0;
	char *end;
	uint64_t v;

	while (k < ARRAY_SIZE(numbers) && !word_is(key, nkey, numbers[k].key))
		k++;
	if (k == ARRAY_SIZE(numbers))
		return refuse(w, key, "is no field of a record");
	v = strtoull(value, &end, hex ? 16 : 10);
	if (*value < '0' || *value > '9' || end != value + n)
		return refuse(w, value, "expected a number");
	if (v > numbers[k].max || n > 20)
		return refuse(w, value, "is too large");
	switch (k) {
	case 0:
		r->device = (uint16_t)v;
		break;
	case 1:
		r->cpu = (uint16_t)v;
		break;
	case 2:
		r->rest = (uint16_t)v;
		break;
	case 3:
		r->handle = (uint32_t)v;
		break;
	case 4:
		r->len = (uint32_t)v;
		break;
	default:
		r->value = v;
	}
	return true;
}

static bool get_field(struct words *w, const char *word, size_t n, struct trace_record *r)
{
	const char *equals = memchr(word, '=', n), *value;
	size_t nkey, nvalue;

	if (!equals)
		return get_flag(word, n, r) || refuse(w, word, "is no field of a record");
	value = equals + 1;
	nkey = (size_t)(equals - word);
	nvalue = n - nkey - 1;
	if (word_is(word, nkey, "dir"))
		return get_dir(w, value, nvalue, r);
	if (word_is(word, nkey, "name"))
		return get_name(w, value, nvalue, r);
	return get_number(w, word, nkey, value, nvalue, r);
}

bool text_get(const char *line, struct src_pos pos, struct trace_record *r, struct err *err)
{
	struct words w = { .line = line, .at = line, .pos = pos, .err = err };
	const char *word;
	size_t n;

	*r = (struct trace_record){ .type = 0 };
	if (!get_time(&w, &r->time) || !get_type(&w, r))
		return false;
	while ((word = next_word(&w, &n)) != NULL)
		if (!get_field(&w, word, n, r))
			return false;
	return true;
}
