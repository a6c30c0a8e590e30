#include "conf/conf_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "conf/conf_suggest.h"
#include "conf/units.h"

/* ---- words and lists ---- */

void conf_words(const struct conf_field *f, struct conf_words *w)
{
	char *save = NULL;

	BUG_ON(strlen(f->unit) >= sizeof(w->text));
	strcpy(w->text, f->unit);
	w->n = 0;
	for (char *s = strtok_r(w->text, "|", &save); s; s = strtok_r(NULL, "|", &save)) {
		BUG_ON(w->n == CONF_WORDS_MAX);
		w->word[w->n++] = s;
	}
}

/* End of the element at s: a comma outside brackets, or the end. NULL: brackets do not match. */
static char *element_end(char *s)
{
	int depth = 0;

	for (; *s && (*s != ',' || depth > 0); s++) {
		depth += (*s == '[') - (*s == ']');
		if (depth < 0)
			return NULL;
	}
	return depth == 0 ? s : NULL;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (*s == ' ')
		s++;
	while (end > s && end[-1] == ' ')
		end--;
	*end = '\0';
	return s;
}

char **conf_split_list(const char *text, size_t *n)
{
	size_t len = strlen(text), room = 2;
	char **list, *s, *end;

	for (const char *c = text; *c; c++)
		room += *c == ',';
	list = xcalloc(1, room * sizeof(*list) + len + 1);
	s = trim(strcpy((char *)(list + room), text));
	*n = 0;
	len = strlen(s);
	if (len >= 2 && s[0] == '[' && s[len - 1] == ']') {
		s[len - 1] = '\0';
		s = trim(s + 1);
	}
	for (bool more = *s != '\0'; more; s = end + 1) {
		end = element_end(s);
		if (!end) {
			free(list);
			return NULL;
		}
		more = *end == ',';
		*end = '\0';
		list[(*n)++] = trim(s);
	}
	return list;
}

/* ---- reading ---- */

static bool parse_bool(const char *text, bool *out, struct err *err)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	*out = strcmp(text, yes[0]) == 0;
	if (*out || strcmp(text, no[0]) == 0)
		return true;
	err_set(err, "'%.40s' is neither true nor false", text);
	if (conf_nearest(text, yes, ARRAY_SIZE(yes)))
		err_hint(err, "did you mean 'true'?");
	else if (conf_nearest(text, no, ARRAY_SIZE(no)))
		err_hint(err, "did you mean 'false'?");
	return false;
}

static bool parse_f64(const char *text, double *out, struct err *err)
{
	char *end;

	errno = 0;
	*out = strtod(text, &end);
	if (end == text || *end || strpbrk(text, "xXnN") || isspace((unsigned char)*text))
		return err_set(
			err, "'%.40s' is not a number, as in '%s'", text, units_example(CONF_f64));
	if (!isfinite(*out))
		return err_set(err, "'%.40s' is too large", text);
	return true;
}

static bool parse_choice(
	const struct conf_field *f, const char *text, uint32_t *out, struct err *err)
{
	struct conf_words w;
	const char *near;
	char list[160];

	conf_words(f, &w);
	for (*out = 0; *out < w.n; ++*out)
		if (strcmp(w.word[*out], text) == 0)
			return true;
	err_set(err, "'%.40s' is not one of %s", text,
		conf_join(w.word, w.n, " and ", list, sizeof(list)));
	near = conf_nearest(text, w.word, w.n);
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	return false;
}

/* What a range is about: lists hold their elements to it. */
static bool in_range(const struct conf_field *f, uint64_t v)
{
	enum conf_type type = f->type == CONF_u32list ? CONF_u32 : f->type;
	uint64_t bound;

	if (f->min) {
		BUG_ON(!units_parse(type, f->min, &bound, NULL));
		if (v < bound)
			return false;
	}
	if (f->max) {
		BUG_ON(!units_parse(type, f->max, &bound, NULL));
		if (v > bound)
			return false;
	}
	return true;
}

static bool in_range_f64(const struct conf_field *f, double v)
{
	double bound;

	if (f->min && (!parse_f64(f->min, &bound, NULL) || v < bound))
		return false;
	return !f->max || (parse_f64(f->max, &bound, NULL) && v <= bound);
}

char *conf_range_text(const struct conf_field *f, char *buf, size_t size)
{
	struct conf_words w;

	buf[0] = '\0';
	if (f->type == CONF_choice) {
		conf_words(f, &w);
		conf_join(w.word, w.n, ", ", buf, size);
	} else if (f->min && f->max) {
		snprintf(buf, size, "%s to %s", f->min, f->max);
	} else if (f->min) {
		snprintf(buf, size, "at least %s", f->min);
	} else if (f->max) {
		snprintf(buf, size, "at most %s", f->max);
	}
	return buf;
}

static bool refuse_range(const struct conf_field *f, const char *text, struct err *err)
{
	char range[128];

	return err_set(err, "%.40s is out of range: %s%s%s", text,
		conf_range_text(f, range, sizeof(range)), *f->unit ? " " : "", f->unit);
}

static bool parse_list(
	const struct conf_field *f, const char *text, struct conf_list *out, struct err *err)
{
	size_t n;
	char **items = conf_split_list(text, &n);
	uint64_t v;
	bool ok = true;

	if (!items)
		return err_set(err, "'%.40s' is not a list, as in '%s'", text,
			units_example(CONF_u32list));
	*out = (struct conf_list){ 0 };
	if (n == 0)
		ok = err_set(err, "is empty: needs at least one value, as in '%s'",
			units_example(CONF_u32list));
	else if (n > CONF_LIST_MAX)
		ok = err_set(err, "has %zu values: at most %d", n, CONF_LIST_MAX);
	for (size_t i = 0; i < n && ok; i++) {
		ok = units_parse(CONF_u32, items[i], &v, err) &&
		     (in_range(f, v) || refuse_range(f, items[i], err));
		out->v[out->n++] = (uint32_t)v;
	}
	free(items);
	return ok;
}

static bool store_number(const struct conf_field *f, const char *text, void *dst, struct err *err)
{
	uint64_t v;

	if (!units_parse(f->type, text, &v, err))
		return false;
	if (!in_range(f, v))
		return refuse_range(f, text, err);
	if (f->type == CONF_u32)
		*(uint32_t *)dst = (uint32_t)v;
	else
		*(uint64_t *)dst = v;
	return true;
}

bool conf_value_store(const struct conf_field *f, const char *text, void *conf, struct err *err)
{
	void *dst = (char *)conf + f->off;

	switch (f->type) {
	case CONF_bool:
		return parse_bool(text, dst, err);
	case CONF_u32:
	case CONF_u64:
	case CONF_time:
	case CONF_size:
	case CONF_rate:
	case CONF_freq:
		return store_number(f, text, dst, err);
	case CONF_f64:
		return parse_f64(text, dst, err) &&
		       (in_range_f64(f, *(double *)dst) || refuse_range(f, text, err));
	case CONF_str:
	case CONF_path:
		*(const char **)dst = text;
		return true;
	case CONF_choice:
		return parse_choice(f, text, dst, err);
	case CONF_u32list:
		return parse_list(f, text, dst, err);
	}
	BUG("field '%s' has no type", f->name);
}

/* ---- writing ---- */

/* Plain style is safe for what looks like a word or a number and nothing else. */
static bool needs_quotes(const char *s)
{
	static const char *const words[] = { "null", "Null", "NULL", "~" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	if (*s == '\0' || (!isalnum((unsigned char)*s) && !strchr("_./", *s)))
		return true;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_./+-", *s))
			return true;
	return false;
}

void conf_print_scalar(const char *text, FILE *out)
{
	if (!needs_quotes(text)) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\x%02x", (unsigned)*text);
		else
			putc(*text, out);
	}
	putc('"', out);
}

/* Shortest decimal text that reads back to the same double. */
static void print_f64(double v, FILE *out)
{
	char buf[40];

	for (int digits = 1; digits <= 17; digits++) {
		snprintf(buf, sizeof(buf), "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	fputs(buf, out);
}

static void print_list(const struct conf_list *l, FILE *out)
{
	putc('[', out);
	for (uint32_t i = 0; i < l->n; i++)
		fprintf(out, "%s%" PRIu32, i ? ", " : "", l->v[i]);
	putc(']', out);
}

void conf_value_print(const struct conf_field *f, const void *conf, FILE *out)
{
	const void *src = (const char *)conf + f->off;
	struct conf_words w;
	char buf[40];

	switch (f->type) {
	case CONF_bool:
		fputs(*(const bool *)src ? "true" : "false", out);
		break;
	case CONF_u32:
		fprintf(out, "%" PRIu32, *(const uint32_t *)src);
		break;
	case CONF_u64:
	case CONF_time:
	case CONF_size:
	case CONF_rate:
	case CONF_freq:
		fputs(units_format(f->type, *(const uint64_t *)src, buf, sizeof(buf)), out);
		break;
	case CONF_f64:
		print_f64(*(const double *)src, out);
		break;
	case CONF_str:
	case CONF_path:
		conf_print_scalar(*(const char *const *)src, out);
		break;
	case CONF_choice:
		conf_words(f, &w);
		fputs(w.word[*(const uint32_t *)src], out);
		break;
	case CONF_u32list:
		print_list(src, out);
		break;
	}
}
