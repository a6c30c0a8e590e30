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
#include "run/hw_check.h"

#define SHOWN     20u
#define PAGE_MASK (PAGE_SIZE - 1)

static const char *const ops[HW_OPS] = { "dma", "mem", "inv", "clr", "mmio", "qi", "cmd" };

const struct hw_vendor *const hw_vendors[HW_VENDORS] = { &hw_vendor_vtd, &hw_vendor_amd };

const struct hw_vendor *hw_vendor_find(const char *name)
{
	for (size_t i = 0; name && i < HW_VENDORS; i++)
		if (strcmp(hw_vendors[i]->name, name) == 0)
			return hw_vendors[i];
	return NULL;
}

void hw_differs(struct hw_check *t, struct hw_case *c, const json_t *step, const char *what,
	const char *got)
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

void hw_departs(struct hw_check *t, const char *name)
{
	unsigned i = 0;

	while (i < t->nnames && strcmp(t->by_name[i].name, name) != 0)
		i++;
	if (i == HW_DEVIATE)
		return; /* more names than there are; the total counts them */
	if (i == t->nnames)
		snprintf(t->by_name[t->nnames++].name, sizeof(t->by_name[i].name), "%s", name);
	t->by_name[i].n++;
}

/* ---- DMA ---- */

static bool is_result(const struct hw_case *c, const json_t *r, const struct xlate *x)
{
	bool ok = hw_number(json_object_get(r, "ok"));
	const json_t *pa = json_object_get(r, "pa"), *fr = json_object_get(r, c->vendor->fault_key);
	const json_t *ps = json_object_get(r, "ps");

	if (ok != x->ok)
		return false;
	if (ok)
		return hw_number(pa) == x->pa.a &&
		       (!ps || hw_number(ps) == (uint64_t)1 << x->page_lg2);
	return !fr || hw_number(fr) == x->fault_code;
}

static bool is_among(const struct hw_case *c, const json_t *list, const struct xlate *x)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (is_result(c, json_array_get(list, i), x))
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

static void note_departures(struct hw_check *t, const json_t *whole)
{
	const json_t *names = json_object_get(whole, "dev");

	for (size_t i = 0; i < json_array_size(names); i++)
		hw_departs(t, json_string_value(json_array_get(names, i)));
}

static unsigned vendor_number(const struct hw_case *c)
{
	unsigned v = 0;

	while (hw_vendors[v] != c->vendor)
		v++;
	return v;
}

static void count_result(struct hw_check *t, const struct hw_case *c, const struct xlate *x)
{
	unsigned v = vendor_number(c);

	t->by_vendor[v].ok += x->ok;
	if (!x->ok && x->fault_code < HW_CODES)
		t->by_vendor[v].fault[x->fault_code]++;
}

/* Hold one request's result against what is expected; tells whether it is the recorded one. */
static void judge(struct hw_check *t, struct hw_case *c, const json_t *step, const json_t *expected,
	const json_t *whole, const struct xlate *x)
{
	const json_t *spec = json_object_get(whole, "spec"), *alt = json_object_get(whole, "alt");
	char got[128];

	count_result(t, c, x);
	if (spec && is_among(c, spec, x)) {
		t->departures++;
		t->branched = true;
		note_departures(t, whole);
	} else if (!spec && is_result(c, expected, x)) {
		t->exact++;
	} else if (!spec && is_among(c, alt, x)) {
		t->allowed++;
		t->branched = true;
	} else {
		show_result(x, got, sizeof(got));
		hw_differs(t, c, step, "result", got);
	}
}

void hw_check_register(struct hw_check *t, struct hw_case *c, const json_t *step,
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
	hw_differs(t, c, step, "status", got);
}

static void dma(struct hw_check *t, struct hw_case *c, const json_t *step, struct xlate *x)
{
	const json_t *exp = json_object_get(step, "exp"), *segments = json_object_get(exp, "seg");
	uint64_t at = hw_number(json_object_get(step, "iova"));
	uint64_t left = hw_number(json_object_get(step, "len"));

	for (size_t i = 0; left > 0; i++) {
		uint64_t room = PAGE_SIZE - (at & PAGE_MASK), len = left < room ? left : room;
		const json_t *segment = segments ? json_array_get(segments, i) : exp;

		if (!segment)
			break; /* the recording stops a request at its first refused page */
		*x = (struct xlate){ .rid = { (uint16_t)hw_number(json_object_get(step, "sid")) },
			.write = hw_number(json_object_get(step, "wr")),
			.len = (uint32_t)len,
			.iova = { at } };
		hw_rig_dma(&c->rig, x);
		judge(t, c, step, segment, segment, x);
		at += len;
		left -= len;
	}
}

/* ---- other steps: memory, registers, and what is read afterwards ---- */

static void check_reads(struct hw_check *t, struct hw_case *c, const json_t *step)
{
	const json_t *exp = json_object_get(step, "exp");
	const json_t *rd = json_object_get(step, "rd"), *rdm = json_object_get(step, "rdm");
	char got[96];

	for (size_t i = 0; i < json_array_size(rd); i++) {
		const json_t *r = json_array_get(rd, i);

		hw_check_register(t, c, step, json_array_get(json_object_get(exp, "rd"), i),
			(uint32_t)hw_number(json_array_get(r, 1)),
			(unsigned)hw_number(json_array_get(r, 0)));
	}
	for (size_t i = 0; i < json_array_size(rdm); i++) {
		uint64_t at = hw_number(json_array_get(rdm, i)),
			 value = hw_rig_mem_read(&c->rig, at);

		if (value == hw_number(json_array_get(json_object_get(exp, "rdm"), i)))
			continue;
		snprintf(got, sizeof(got), "memory 0x%" PRIx64 " is 0x%" PRIx64, at, value);
		hw_differs(t, c, step, "memory", got);
	}
}

static bool replay_step(
	struct hw_check *t, struct hw_case *c, void *state, const json_t *step, struct err *err)
{
	const char *op = json_string_value(json_object_get(step, "op"));
	struct xlate x;
	size_t kind;

	for (kind = 0; op && kind < ARRAY_SIZE(ops); kind++)
		if (strcmp(ops[kind], op) == 0)
			break;
	if (!op || kind == ARRAY_SIZE(ops))
		return err_at(err, t->pos, NULL, "step %zu has the unknown op '%s'", t->step,
			op ? op : "");
	t->steps[kind]++;
	if (strcmp(op, "dma") == 0) {
		dma(t, c, step, &x);
		c->vendor->after(t, c, state, step, &x);
		return true;
	}
	if (!hw_memory_writes(c, json_object_get(step, "m")) ||
		!hw_register_writes(c, json_object_get(step, "x")))
		return err_at(err, t->pos, NULL, "step %zu is malformed", t->step);
	c->vendor->after(t, c, state, step, NULL);
	check_reads(t, c, step);
	return true;
}

static bool replay_steps(struct hw_check *t, struct hw_case *c, struct err *err)
{
	const json_t *steps = json_object_get(c->json, "steps");
	void *state = xcalloc(1, c->vendor->state_size + 1);
	bool ok = true;

	if (c->vendor->begin)
		c->vendor->begin(t, c, state);
	for (t->step = 0; ok && t->step < json_array_size(steps); t->step++)
		ok = replay_step(t, c, state, json_array_get(steps, t->step), err);
	t->cases += ok;
	t->by_vendor[vendor_number(c)].cases += ok;
	free(state);
	return ok;
}

static bool replay_case(struct hw_check *t, json_t *json, struct err *err)
{
	struct hw_case c;
	bool ok = hw_case_begin(&c, json, err);

	if (!ok && err)
		err->pos = t->pos;
	t->branched = false;
	if (ok && !c.vendor)
		t->skipped++;
	else if (ok)
		ok = replay_steps(t, &c, err);
	hw_case_end(&c);
	return ok;
}

/* ---- the file ---- */

static bool replay_line(struct hw_check *t, const char *line, struct err *err)
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

static void report_vendor(const struct hw_check *t, unsigned v)
{
	if (!t->by_vendor[v].cases)
		return;
	fprintf(t->out, "%s: %" PRIu64 " cases; translated %" PRIu64 "; faults by reason:",
		hw_vendors[v]->name, t->by_vendor[v].cases, t->by_vendor[v].ok);
	for (unsigned i = 0; i < HW_CODES; i++)
		if (t->by_vendor[v].fault[i])
			fprintf(t->out, " 0x%x %" PRIu64, i, t->by_vendor[v].fault[i]);
	fputc('\n', t->out);
}

static void report(const struct hw_check *t)
{
	fputs("steps:", t->out);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (t->steps[i])
			fprintf(t->out, "  %s %" PRIu64, ops[i], t->steps[i]);
	fprintf(t->out,
		"\nDMA results: %" PRIu64 " as recorded, %" PRIu64 " allowed alternatives, %" PRIu64
		" by the specification where the recording departs\n",
		t->exact, t->allowed, t->departures);
	if (t->nnames)
		fputs("departures of the recording:", t->out);
	for (unsigned i = 0; i < t->nnames; i++)
		fprintf(t->out, "%s %s %" PRIu64, i ? "," : "", t->by_name[i].name,
			t->by_name[i].n);
	if (t->nnames)
		fputc('\n', t->out);
	for (unsigned v = 0; v < HW_VENDORS; v++)
		report_vendor(t, v);
	if (t->mismatches > SHOWN)
		fprintf(t->out, "... and %" PRIu64 " more mismatches\n", t->mismatches - SHOWN);
	fprintf(t->out, "total: %" PRIu64 " cases, %" PRIu64 " mismatches", t->cases,
		t->mismatches);
	if (t->skipped)
		fprintf(t->out, "; %" PRIu64 " cases skipped: no model of their vendor",
			t->skipped);
	fputc('\n', t->out);
}

static int replay(const char *file, FILE *out, struct err *err)
{
	struct hw_check t = { .out = out };
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
