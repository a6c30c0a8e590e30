/*
 * conform hw: cases of memory image, registers, DMA and invalidations with the results of an
 * independent implementation (QEMU), one JSON object a line. A result must be the recorded one, or
 * one that the specification also allows there ("alt": something may or may not have been cached), or,
 * where the recording departs from the specification, what the specification says ("spec").
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/textio.h"
#include "run/conform_priv.h"
#include "run/hw_case.h"

#define SHOWN     20u
#define NCODES    256u
#define PAGE_MASK (PAGE_SIZE - 1)

/* Offsets that the vectors' "fsts" and "frcd" stand for. */
#define VTD_FSTS_OFFSET 0x34u
#define VTD_FRCD_OFFSET 0x220u

static const char *const ops[] = { "dma", "mem", "inv", "clr", "mmio", "qi", "cmd" };

struct tally {
	FILE *out;
	struct src_pos pos;
	uint64_t cases, skipped, steps[ARRAY_SIZE(ops)];
	uint64_t exact, allowed, departures; /* DMA results */
	uint64_t ok, fault[NCODES];
	uint64_t mismatches;
	/* of the case */
	bool branched; /* an earlier step took another allowed result: status may differ from here */
	size_t step;
};

static void differs(
	struct tally *t, struct hw_case *c, const json_t *step, const char *what, const char *got)
{
	char *text;

	if (++t->mismatches > SHOWN)
		return;
	text = json_dumps(step, JSON_COMPACT | JSON_ENCODE_ANY);
	fprintf(t->out, "%s:%u: case %s (%s), step %zu: %s differs\n  step: %s\n  got:  %s\n",
		t->pos.file, t->pos.line, c->id, c->note, t->step, what, text, got);
	c->rig.model->obs_print_walk(c->rig.state, t->out);
	free(text);
}

/* ---- DMA ---- */

static bool is_result(const json_t *r, const struct xlate *x)
{
	bool ok = hw_number(json_object_get(r, "ok"));
	const json_t *pa = json_object_get(r, "pa"), *fr = json_object_get(r, "fr");
	const json_t *ps = json_object_get(r, "ps");

	if (ok != x->ok)
		return false;
	if (ok)
		return hw_number(pa) == x->pa.a &&
		       (!ps || hw_number(ps) == (uint64_t)1 << x->page_lg2);
	return !fr || hw_number(fr) == x->fault_code;
}

static bool is_among(const json_t *list, const struct xlate *x)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (is_result(json_array_get(list, i), x))
			return true;
	return false;
}

static void show_result(const struct xlate *x, char *buf, size_t size)
{
	if (x->ok)
		snprintf(buf, size, "ok, pa 0x%" PRIx64 ", page of 2^%u, %u memory reads%s",
			x->pa.a, x->page_lg2, x->mem_reads, x->hit ? ", from the IOTLB" : "");
	else
		snprintf(buf, size, "fault 0x%x after %u memory reads%s", x->fault_code,
			x->mem_reads, x->hit ? ", from the IOTLB" : "");
}

/* Hold one request's result against what is expected; tells whether it is the recorded one. */
static void judge(struct tally *t, struct hw_case *c, const json_t *step, const json_t *expected,
	const json_t *whole, const struct xlate *x)
{
	const json_t *spec = json_object_get(whole, "spec"), *alt = json_object_get(whole, "alt");
	char got[128];

	t->ok += x->ok;
	if (!x->ok && x->fault_code < NCODES)
		t->fault[x->fault_code]++;
	if (spec && is_among(spec, x)) {
		t->departures++;
		t->branched = true;
	} else if (!spec && is_result(expected, x)) {
		t->exact++;
	} else if (!spec && is_among(alt, x)) {
		t->allowed++;
		t->branched = true;
	} else {
		show_result(x, got, sizeof(got));
		differs(t, c, step, "result", got);
	}
}

static void check_register(struct tally *t, struct hw_case *c, const json_t *step,
	const json_t *expected, uint32_t offset, unsigned bytes)
{
	uint64_t value;
	char got[96];

	if (!expected || t->branched)
		return;
	value = hw_rig_mmio_read(&c->rig, offset, bytes);
	if (value == hw_number(expected))
		return;
	snprintf(got, sizeof(got), "register 0x%x is 0x%" PRIx64, offset, value);
	differs(t, c, step, "status", got);
}

static void check_status(struct tally *t, struct hw_case *c, const json_t *step, const json_t *exp)
{
	const json_t *frcd = json_object_get(exp, "frcd");

	check_register(t, c, step, json_object_get(exp, "fsts"), VTD_FSTS_OFFSET, 4);
	check_register(t, c, step, json_array_get(frcd, 0), VTD_FRCD_OFFSET, 8);
	check_register(t, c, step, json_array_get(frcd, 1), VTD_FRCD_OFFSET + 8, 8);
}

/* Accessed and dirty bits that the step set. "fs_dirty_on_hit" is a departure in just these. */
static void check_entries(struct tally *t, struct hw_case *c, const json_t *step, const json_t *exp)
{
	const json_t *list = json_object_get(exp, "memx");
	char got[96];

	if (json_object_get(exp, "dev") || t->branched)
		return;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);
		uint64_t at = hw_number(json_array_get(e, 0)), value = hw_rig_mem_read(&c->rig, at);

		if (value == hw_number(json_array_get(e, 1)))
			continue;
		snprintf(got, sizeof(got), "memory 0x%" PRIx64 " is 0x%" PRIx64, at, value);
		differs(t, c, step, "entry", got);
	}
}

static void dma(struct tally *t, struct hw_case *c, const json_t *step)
{
	const json_t *exp = json_object_get(step, "exp"), *segments = json_object_get(exp, "seg");
	uint64_t at = hw_number(json_object_get(step, "iova"));
	uint64_t left = hw_number(json_object_get(step, "len"));

	for (size_t i = 0; left > 0; i++) {
		uint64_t room = PAGE_SIZE - (at & PAGE_MASK), len = left < room ? left : room;
		struct xlate x = { .rid = { (uint16_t)hw_number(json_object_get(step, "sid")) },
			.write = hw_number(json_object_get(step, "wr")),
			.len = (uint32_t)len,
			.iova = { at } };
		const json_t *segment = segments ? json_array_get(segments, i) : exp;

		if (!segment)
			break; /* the recording stops a request at its first refused page */
		hw_rig_dma(&c->rig, &x);
		judge(t, c, step, segment, segment, &x);
		at += len;
		left -= len;
	}
	check_status(t, c, step, exp);
	check_entries(t, c, step, exp);
}

/* ---- other steps: memory, registers, and what is read afterwards ---- */

static void check_reads(struct tally *t, struct hw_case *c, const json_t *step)
{
	const json_t *exp = json_object_get(step, "exp");
	const json_t *rd = json_object_get(step, "rd"), *rdm = json_object_get(step, "rdm");
	char got[96];

	for (size_t i = 0; i < json_array_size(rd); i++) {
		const json_t *r = json_array_get(rd, i);

		check_register(t, c, step, json_array_get(json_object_get(exp, "rd"), i),
			(uint32_t)hw_number(json_array_get(r, 1)),
			(unsigned)hw_number(json_array_get(r, 0)));
	}
	for (size_t i = 0; i < json_array_size(rdm); i++) {
		uint64_t at = hw_number(json_array_get(rdm, i)),
			 value = hw_rig_mem_read(&c->rig, at);

		if (value == hw_number(json_array_get(json_object_get(exp, "rdm"), i)))
			continue;
		snprintf(got, sizeof(got), "memory 0x%" PRIx64 " is 0x%" PRIx64, at, value);
		differs(t, c, step, "memory", got);
	}
}

static bool replay_step(struct tally *t, struct hw_case *c, const json_t *step, struct err *err)
{
	const char *op = json_string_value(json_object_get(step, "op"));
	size_t kind;

	for (kind = 0; op && kind < ARRAY_SIZE(ops); kind++)
		if (strcmp(ops[kind], op) == 0)
			break;
	if (!op || kind == ARRAY_SIZE(ops))
		return err_at(err, t->pos, NULL, "step %zu has the unknown op '%s'", t->step,
			op ? op : "");
	t->steps[kind]++;
	if (strcmp(op, "dma") == 0) {
		dma(t, c, step);
		return true;
	}
	if (!hw_memory_writes(c, json_object_get(step, "m")) ||
		!hw_register_writes(c, json_object_get(step, "x")))
		return err_at(err, t->pos, NULL, "step %zu is malformed", t->step);
	check_reads(t, c, step);
	return true;
}

static bool replay_case(struct tally *t, json_t *json, struct err *err)
{
	const json_t *steps = json_object_get(json, "steps");
	struct hw_case c;
	bool known, ok = hw_case_begin(&c, json, &known, err);

	if (!ok && err)
		err->pos = t->pos;
	t->branched = false;
	if (ok && !known)
		t->skipped++;
	for (t->step = 0; ok && known && t->step < json_array_size(steps); t->step++)
		ok = replay_step(t, &c, json_array_get(steps, t->step), err);
	t->cases += ok && known;
	hw_case_end(&c);
	return ok;
}

/* ---- the file ---- */

static bool replay_line(struct tally *t, const char *line, struct err *err)
{
	json_error_t why;
	json_t *json = json_loads(line, 0, &why);
	bool ok;

	if (!json) {
		t->pos.column = why.column > 0 ? (unsigned)why.column : 1;
		return err_at(err, t->pos, NULL, "not a JSON object: %s", why.text);
	}
	ok = replay_case(t, json, err);
	json_decref(json);
	return ok;
}

static void report(const struct tally *t)
{
	fputs("steps:", t->out);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (t->steps[i])
			fprintf(t->out, "  %s %" PRIu64, ops[i], t->steps[i]);
	fprintf(t->out,
		"\nDMA results: %" PRIu64 " as recorded, %" PRIu64 " allowed alternatives, %" PRIu64
		" by the specification where the recording departs\n",
		t->exact, t->allowed, t->departures);
	fprintf(t->out, "translated %" PRIu64 "; faults by reason:", t->ok);
	for (unsigned i = 0; i < NCODES; i++)
		if (t->fault[i])
			fprintf(t->out, " 0x%x %" PRIu64, i, t->fault[i]);
	if (t->mismatches > SHOWN)
		fprintf(t->out, "\n... and %" PRIu64 " more mismatches", t->mismatches - SHOWN);
	fprintf(t->out, "\ntotal: %" PRIu64 " cases, %" PRIu64 " mismatches", t->cases,
		t->mismatches);
	if (t->skipped)
		fprintf(t->out, "; %" PRIu64 " cases skipped: no model of their vendor",
			t->skipped);
	fputc('\n', t->out);
}

static int replay(const char *file, FILE *out, struct err *err)
{
	struct tally t = { .out = out };
	struct text_in *in = text_open(file, err);
	bool ok = in != NULL;
	char *line;

	while (ok && (line = text_line(in)) != NULL) {
		t.pos = text_pos(in, 1);
		ok = replay_line(&t, line, err);
	}
	if (in && ok && text_failed(in, err))
		ok = false;
	text_close(in);
	if (ok && t.cases == 0)
		ok = err_at(err, (struct src_pos){ .file = file }, NULL,
			"no case in it can be replayed");
	if (!ok)
		return 2;
	report(&t);
	return t.mismatches > 0;
}

const struct conform_kind conform_hw = {
	.name = "hw",
	.summary = "Registers, memory, DMA and invalidations of IOMMU hardware (JSON lines)",
	.replay = replay,
};
