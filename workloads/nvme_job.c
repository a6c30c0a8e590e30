/*
 * fio job files: "[section]" and "key=value" lines. Of [global] and the first job the keys that mean
 * something here are taken; the others say how fio does its work (ioengine, filename, runtime, ...) and
 * are passed over. A second job is refused: it would be another load on the same disk.
 */
#include <string.h>

#include "base/textio.h"
#include "conf/units.h"
#include "workloads/nvme.h"

struct job_file {
	struct nvme_load *load;
	struct text_in *in;
	struct err *err;
	unsigned jobs;
};

static bool refuse(struct job_file *f, const char *key, const char *what)
{
	return err_at(f->err, text_pos(f->in, 1), key, "%s", what);
}

/* fio's sizes: "4k", "1g", and per cent of nothing that is known here. */
static bool parse_size(const char *text, uint64_t *v)
{
	static const char units[] = "kmgt";
	char with_unit[40];
	const char *u;
	size_t n = strlen(text);

	if (n == 0 || n > 20)
		return false;
	u = strchr(units, text[n - 1] | 0x20);
	if (u && text[n - 1] > '9')
		snprintf(with_unit, sizeof(with_unit), "%.*s%ciB", (int)n - 1, text,
			*u == 'k' ? 'K' : *u - 0x20);
	else
		snprintf(with_unit, sizeof(with_unit), "%sB", text);
	return units_parse(CONF_size, with_unit, v, NULL);
}

static bool get_number(const char *text, uint64_t min, uint64_t max, uint64_t *v)
{
	return units_parse(CONF_u64, text, v, NULL) && *v >= min && *v <= max;
}

static bool take(struct job_file *f, const char *key, const char *value)
{
	struct nvme_load *l = f->load;
	const char *wrong;
	uint64_t v;

	if (strcmp(key, "bs") == 0 || strcmp(key, "blocksize") == 0 || strcmp(key, "bssplit") == 0)
		return nvme_parse_split(l, value, &wrong) || refuse(f, key, wrong);
	if (strcmp(key, "rw") == 0 || strcmp(key, "readwrite") == 0)
		return nvme_parse_rw(value, &l->rw) || refuse(f, key, "is no direction known here");
	if (strcmp(key, "random_distribution") == 0)
		return nvme_parse_distribution(l, value) ||
		       refuse(f, key, "must be random or zipf:THETA");
	if (strcmp(key, "rwmixread") == 0) {
		if (!get_number(value, 0, 100, &v))
			return refuse(f, key, "must be 0 to 100");
		l->rwmixread = (uint32_t)v;
	} else if (strcmp(key, "iodepth") == 0) {
		if (!get_number(value, 1, 1024, &v))
			return refuse(f, key, "must be 1 to 1024");
		l->iodepth = (uint32_t)v;
	} else if (strcmp(key, "numjobs") == 0) {
		if (!get_number(value, 1, 1024, &v))
			return refuse(f, key, "must be 1 to 1024");
		l->numjobs = (uint32_t)v;
	} else if (strcmp(key, "rate_iops") == 0) {
		if (!get_number(value, 1, 100000000, &v))
			return refuse(f, key, "must be 1 to 100000000");
		l->rate_iops = v;
	} else if (strcmp(key, "size") == 0) {
		if (!parse_size(value, &v))
			return refuse(f, key, "must be a number of bytes, as 1g");
		l->size = v;
	}
	return true;
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		s[--n] = '\0';
	return s;
}

static bool on_line(struct job_file *f, char *line)
{
	char *equals;

	line = trim(line);
	if (line[0] == '\0' || line[0] == ';' || line[0] == '#')
		return true;
	if (line[0] == '[') {
		if (!strchr(line, ']'))
			return refuse(f, NULL, "a section's name without its bracket");
		if (strncmp(line, "[global]", 8) != 0 && ++f->jobs > 1)
			return refuse(f, NULL, "a second job: one is simulated");
		return true;
	}
	equals = strchr(line, '=');
	if (!equals)
		return true; /* a switch: none of them means something here */
	*equals = '\0';
	return take(f, trim(line), trim(equals + 1));
}

bool nvme_job_read(struct nvme_load *l, const char *file, struct err *err)
{
	struct job_file f = { .load = l, .in = text_open(file, err), .err = err };
	char *line;
	bool ok = true;

	if (!f.in)
		return false;
	while (ok && (line = text_line(f.in)) != NULL)
		ok = on_line(&f, line);
	ok = ok && !text_failed(f.in, err);
	if (ok && f.jobs == 0)
		ok = err_at(err, (struct src_pos){ .file = file }, NULL, "names no job");
	text_close(f.in);
	return ok;
}
