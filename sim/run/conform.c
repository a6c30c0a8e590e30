#include "run/conform.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/textio.h"
#include "base/types.h"
#include "conf/conf_suggest.h"
#include "run/conform_priv.h"

#define SHOWN_PER_RUN 10u

static const struct conform_kind *const kinds[] = { &conform_iova, &conform_history, &conform_lazy,
	&conform_hw, &conform_accesses };

const struct conform_kind *const *conform_kinds(size_t *n)
{
	*n = ARRAY_SIZE(kinds);
	return kinds;
}

const char *conform_kind_name(const struct conform_kind *k)
{
	return k->name;
}

const char *conform_kind_summary(const struct conform_kind *k)
{
	return k->summary;
}

void conform_differs(struct conform *c, const char *fmt, ...)
{
	va_list ap;

	if (++c->mismatches > SHOWN_PER_RUN)
		return;
	fprintf(c->out, "%s:%u: ", c->row.pos.file, c->row.pos.line);
	va_start(ap, fmt);
	vfprintf(c->out, fmt, ap);
	va_end(ap);
	fputc('\n', c->out);
}

static void print_run(const struct conform *c, const char *outcome)
{
	fprintf(c->out, "run %-4s %-16s %-40s %s\n", c->id, c->label, c->name, outcome);
}

static void end_run(struct conform *c)
{
	char outcome[96];

	if (!c->run)
		return;
	c->kind->end(c->run, c);
	c->run = NULL;
	if (c->mismatches > SHOWN_PER_RUN)
		fprintf(c->out, "... and %" PRIu64 " more in this run\n",
			c->mismatches - SHOWN_PER_RUN);
	snprintf(outcome, sizeof(outcome), "%6" PRIu64 " operations, %" PRIu64 " mismatches",
		c->operations, c->mismatches);
	print_run(c, outcome);
	c->runs++;
	c->all_operations += c->operations;
	c->all_mismatches += c->mismatches;
}

static const struct conform_model *find_model(
	const struct conform_kind *k, const char *kernel, const char *code)
{
	for (size_t i = 0; i < k->nmodels; i++)
		if (strcmp(k->models[i].kernel, kernel) == 0 &&
			strcmp(k->models[i].code, code) == 0)
			return &k->models[i];
	return NULL;
}

/* #run,<id>,<kernel>,<code>,...,<name> */
static bool begin_run(struct conform *c, struct err *err)
{
	const struct conform_row *row = &c->row;
	uint64_t id;

	if (row->n < 5)
		return conform_row_refuse(
			row, 0, err, "a run begins with '#run,id,kernel,code,...,name'");
	if (!conform_row_dec(row, 1, "the run's id", 0, UINT32_MAX, &id, err))
		return false;
	snprintf(c->id, sizeof(c->id), "%s", row->field[1]);
	snprintf(c->label, sizeof(c->label), "%s %s", row->field[2], row->field[3]);
	snprintf(c->name, sizeof(c->name), "%s", row->field[row->n - 1]);
	c->operations = c->mismatches = 0;
	c->model = find_model(c->kind, row->field[2], row->field[3]);
	if (c->model) {
		c->run = c->kind->begin(c, err);
		return c->run != NULL;
	}
	c->skipped++;
	print_run(c, "skipped: no component models this code");
	return true;
}

static bool replay_line(struct conform *c, char *line, struct src_pos pos, struct err *err)
{
	if (!conform_row_split(&c->row, line, pos, err))
		return false;
	if (strcmp(c->row.field[0], "#run") == 0) {
		end_run(c);
		return begin_run(c, err);
	}
	if (line[0] == '#')
		return conform_row_refuse(&c->row, 0, err,
			"'%s' is not understood; the only '#' line is '#run,...'", line);
	if (c->runs + c->skipped == 0 && !c->run)
		return conform_row_refuse(
			&c->row, 0, err, "an operation before the first '#run,...' line");
	if (!c->run)
		return true; /* of a skipped run */
	c->operations++;
	return c->kind->row(c->run, c, err);
}

static bool replay_file(struct conform *c, const char *file, struct err *err)
{
	struct text_in *in = text_open(file, err);
	bool ok = in != NULL;
	char *line;

	while (ok && (line = text_line(in)) != NULL)
		ok = replay_line(c, line, text_pos(in, 1), err);
	if (in && ok && text_failed(in, err))
		ok = false;
	if (c->run && !ok) {
		c->kind->end(c->run, c);
		c->run = NULL;
	}
	end_run(c);
	text_close(in);
	return ok;
}

int conform_replay(const struct conform_kind *k, const char *file, FILE *out, struct err *err)
{
	struct conform c = { .kind = k, .out = out };
	struct src_pos pos = { .file = file };

	if (k->replay)
		return k->replay(file, out, err);
	if (!replay_file(&c, file, err))
		return 2;
	if (c.runs == 0) {
		err_at(err, pos, NULL, "no run in it can be replayed as '%s' vectors", k->name);
		return 2;
	}
	fprintf(out, "total: %" PRIu64 " runs, %" PRIu64 " operations, %" PRIu64 " mismatches",
		c.runs, c.all_operations, c.all_mismatches);
	if (c.skipped)
		fprintf(out, "; %" PRIu64 " runs skipped", c.skipped);
	fputc('\n', out);
	return c.all_mismatches > 0 ? 1 : 0;
}

int conform_replay_by_name(const char *kind, const char *file, FILE *out, struct err *err)
{
	const char *names[ARRAY_SIZE(kinds)], *nearest;
	char all[64];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i]->name, kind) == 0)
			return conform_replay(kinds[i], file, out, err);
		names[i] = kinds[i]->name;
	}
	nearest = conf_nearest(kind, names, ARRAY_SIZE(names));
	err_set(err, "no vectors of a kind '%s' are known", kind);
	if (nearest)
		err_hint(err, "did you mean '%s'?", nearest);
	else
		err_hint(err, "%s", conf_join(names, ARRAY_SIZE(names), " or ", all, sizeof(all)));
	return 2;
}
