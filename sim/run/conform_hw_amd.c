/*
 * What AMD cases are held to beside the results of DMA: the events that a step appends to the log, the
 * status register, the command buffer's head. Where the recording departs from the specification (AMD
 * IOMMU Specification, 48882) in these, the model is held to the specification:
 *   illegal_command   2.5.7: the buffer stops at the command; the recording goes on
 *   devtab_event      2.4.2: invalidating a device table entry does not read it; the recording reports
 *                     an illegal one at once
 *   overflow_stop     2.5.2: after an overflow nothing is logged until the log was disabled and enabled
 *   status_without_interrupt  3.4.14: EventLogInt and EventOverflow do not depend on EventIntEn
 */
#include <inttypes.h>

#include "base/bits.h"
#include "run/hw_check.h"

enum {
	EVENT_BASE = 0x10,
	CONTROL = 0x18,
	COM_HEAD = 0x2000,
	COM_BASE = 0x8,
	EVENT_HEAD = 0x2010,
	EVENT_TAIL = 0x2018,
	STATUS = 0x2020,
};
#define EVENT_INT_EN   BIT64(3)
#define CMD_BUF_EN     BIT64(12)
#define EVENT_OVERFLOW BIT64(0)
#define EVENT_LOG_INT  BIT64(1)
#define EVENT_LOG_RUN  BIT64(3)
#define CMD_BUF_RUN    BIT64(4)
#define ENTRY          16u
#define CODE(lo)       ((lo) >> 60)

enum { ILLEGAL_DTE = 1, IO_PAGE_FAULT = 2, ILLEGAL_COMMAND = 5, INVALID_REQUEST = 8 };

struct amd_state {
	uint64_t tail; /* of the event log, after the last step */
	bool logged; /* some event has been */
	bool stopped; /* by an overflow */
};

static uint64_t reg(struct hw_case *c, uint32_t offset)
{
	return hw_rig_mmio_read(&c->rig, offset, 8);
}

static uint64_t ring_bytes(uint64_t base)
{
	return ENTRY * BIT64(base >> 56 & 15);
}

static void begin(struct hw_check *t, struct hw_case *c, void *state)
{
	struct amd_state *s = state;

	(void)t;
	s->tail = reg(c, EVENT_TAIL);
}

/* ---- events ---- */

/* An event of the refused request x, at the log's last entry. */
static void check_event(struct hw_check *t, struct hw_case *c, const json_t *step,
	const struct xlate *x, uint64_t at)
{
	uint64_t lo = hw_rig_mem_read(&c->rig, at), hi = hw_rig_mem_read(&c->rig, at + 8);
	bool has_iova =
		CODE(lo) == ILLEGAL_DTE || CODE(lo) == IO_PAGE_FAULT || CODE(lo) == INVALID_REQUEST;
	char got[96];

	if (CODE(lo) == x->fault_code && (lo & 0xffff) == x->rid.bdf &&
		(!has_iova || hi == x->iova.a))
		return;
	snprintf(got, sizeof(got), "event 0x%016" PRIx64 " 0x%016" PRIx64, lo, hi);
	hw_differs(t, c, step, "event", got);
}

/* How many events the recording says the step logged; a second one for the same request ("pt_hw_2ev")
 * does not count. */
static size_t recorded_events(const json_t *exp)
{
	size_t n = json_array_size(json_object_get(exp, "ev"));

	return json_object_get(exp, "code") && n > 1 ? 1 : n;
}

static void check_events(struct hw_check *t, struct hw_case *c, struct amd_state *s,
	const json_t *step, const struct xlate *x)
{
	const json_t *exp = json_object_get(step, "exp");
	uint64_t base = reg(c, EVENT_BASE), size = ring_bytes(base), tail = reg(c, EVENT_TAIL);
	uint64_t n = (tail - s->tail) / ENTRY % (size / ENTRY);
	bool full = (s->tail + ENTRY) % size == reg(c, EVENT_HEAD);
	bool refused = x && !x->ok;
	bool expected = refused && !s->stopped && !full;
	char got[64];

	if (n != expected) {
		snprintf(got, sizeof(got), "%" PRIu64 " events logged, not %d", n, expected);
		hw_differs(t, c, step, "event log", got);
	} else if (expected) {
		check_event(t, c, step, x, (base & GENMASK64(51, 12)) + s->tail);
	}
	if (x && !t->branched && !json_object_get(exp, "dev") && recorded_events(exp) != n) {
		if (s->stopped)
			hw_departs(t, "overflow_stop");
		else
			hw_differs(t, c, step, "number of events", "");
	}
	if (!x && recorded_events(exp) && !s->stopped) {
		hw_departs(t, "devtab_event");
		t->branched = true;
	}
	s->logged |= n > 0;
	s->stopped |= refused && full;
	s->tail = tail;
}

/* ---- status ---- */

static void check_status(
	struct hw_check *t, struct hw_case *c, struct amd_state *s, const json_t *step)
{
	const json_t *exp = json_object_get(step, "exp"), *status = json_object_get(exp, "status");
	uint64_t mine = EVENT_OVERFLOW | EVENT_LOG_INT | (s->stopped ? EVENT_LOG_RUN : 0);
	uint64_t recorded = hw_number(status), value = reg(c, STATUS), want;
	char got[64];

	if (!status)
		return;
	want = (recorded & ~mine) | (s->logged ? EVENT_LOG_INT : 0) |
	       (s->stopped ? value & EVENT_OVERFLOW : 0);
	if (value != want) {
		snprintf(got, sizeof(got), "status is 0x%" PRIx64 ", not 0x%" PRIx64, value, want);
		hw_differs(t, c, step, "status", got);
	}
	if (!(reg(c, CONTROL) & EVENT_INT_EN) &&
		(want ^ recorded) & (EVENT_OVERFLOW | EVENT_LOG_INT))
		hw_departs(t, "status_without_interrupt");
	else if (!t->branched && !s->stopped && want != recorded)
		hw_differs(t, c, step, "status", "differs from the recorded one");
}

/* ---- an illegal command: the model must have stopped there; then the buffer is restarted behind it,
 * as a driver does, and what follows in it is carried out ---- */

static bool has_illegal_command(const json_t *exp)
{
	const json_t *ev = json_object_get(exp, "ev");

	for (size_t i = 0; i < json_array_size(ev); i++)
		if (CODE(hw_number(json_array_get(json_array_get(ev, i), 0))) == ILLEGAL_COMMAND)
			return true;
	return false;
}

static void illegal_command(
	struct hw_check *t, struct hw_case *c, struct amd_state *s, const json_t *step)
{
	uint64_t log = reg(c, EVENT_BASE) & GENMASK64(51, 12), control = reg(c, CONTROL);
	uint64_t buffer = reg(c, COM_BASE), head = reg(c, COM_HEAD), tail = reg(c, EVENT_TAIL);
	uint64_t lo = hw_rig_mem_read(&c->rig, log + s->tail);
	uint64_t at = hw_rig_mem_read(&c->rig, log + s->tail + 8);
	const json_t *first = json_array_get(json_object_get(step, "m"), 0);

	if ((reg(c, STATUS) & CMD_BUF_RUN) || tail != s->tail + ENTRY ||
		CODE(lo) != ILLEGAL_COMMAND || at != (buffer & GENMASK64(51, 12)) + head ||
		at != hw_number(json_array_get(first, 0)))
		hw_differs(t, c, step, "illegal command", "not reported, or the buffer went on");
	hw_departs(t, "illegal_command");
	s->tail = tail;
	s->logged = true;
	hw_rig_mmio_write(&c->rig, CONTROL, 8, control & ~CMD_BUF_EN);
	hw_rig_mmio_write(&c->rig, COM_HEAD, 8, (head + ENTRY) % ring_bytes(buffer));
	hw_rig_mmio_write(&c->rig, CONTROL, 8, control);
	hw_rig_settle(&c->rig);
}

static void after(struct hw_check *t, struct hw_case *c, void *state, const json_t *step,
	const struct xlate *x)
{
	const json_t *exp = json_object_get(step, "exp");
	struct amd_state *s = state;

	if (has_illegal_command(exp))
		illegal_command(t, c, s, step);
	else
		check_events(t, c, s, step, x);
	check_status(t, c, s, step);
	hw_check_register(t, c, step, json_object_get(exp, "cmdhead"), COM_HEAD, 8);
}

const struct hw_vendor hw_vendor_amd = {
	.name = "amd",
	.model = "amdvi",
	.fault_key = "code",
	.keys = { { "efr", "efr" } },
	.state_size = sizeof(struct amd_state),
	.begin = begin,
	.after = after,
};
