/*
 * amdhand - an AMD IOMMU whose tables, command buffer and registers the test writes itself, by numbers from
 * the specification (48882, sections 2.2 to 2.5, 3.4): the driver half has no part in it.
 */
#ifndef TESTS_MODELS_AMDHAND_H
#define TESTS_MODELS_AMDHAND_H
#include "base/bits.h"
#include "tests/models/rig.h"

enum {
	AREG_DEVICE_TABLE = 0x0,
	AREG_COMMANDS = 0x8,
	AREG_EVENTS = 0x10,
	AREG_CONTROL = 0x18,
	AREG_EXCL_BASE = 0x20,
	AREG_EXCL_LIMIT = 0x28,
	AREG_COMMAND_HEAD = 0x2000,
	AREG_COMMAND_TAIL = 0x2008,
	AREG_EVENT_HEAD = 0x2010,
	AREG_EVENT_TAIL = 0x2018,
	AREG_STATUS = 0x2020,
};
/* PPR, NX, guest translation, invalidate all, counters, 6 host levels, 5 guest levels, GCR3 of 3 levels,
 * 20 bits of PASID, prefetch. */
#define AHAND_EFR (UINT64_C(0x9a5b) | UINT64_C(19) << 32)

#define A_PR          BIT64(0)
#define A_IR          BIT64(61)
#define A_IW          BIT64(62)
#define A_RW          (A_IR | A_IW)
#define A_NEXT(level) ((uint64_t)(level) << 9)

struct ahand {
	struct rig rig;
	uint64_t next; /* page not yet in use */
	uint64_t device_table, commands, events;
	uint64_t tail;
};

/* Change rig_set() keys in between; ahand_on() enables translation, commands and the event log. */
void ahand_init(struct ahand *h);
void ahand_start(struct ahand *h);
void ahand_on(struct ahand *h);
void ahand_stop(struct ahand *h);
uint64_t ahand_read(struct ahand *h, uint32_t offset);
void ahand_write(struct ahand *h, uint32_t offset, uint64_t value);
uint64_t ahand_page(struct ahand *h); /* a zeroed page */
uint64_t ahand_get(struct ahand *h, uint64_t at);
void ahand_put(struct ahand *h, uint64_t at, uint64_t value);
void ahand_dte(struct ahand *h, uint16_t bdf, uint64_t e0, uint64_t e1, uint64_t e2);
/* Put a command into the buffer, ring and wait until the unit is idle. */
void ahand_submit(struct ahand *h, uint64_t lo, uint64_t hi);
void ahand_forget_device(struct ahand *h, uint16_t bdf);
void ahand_forget_domain(struct ahand *h, uint16_t domain);
struct xlate ahand_dma(struct ahand *h, uint16_t bdf, uint64_t iova, bool write);
/* The number of events in the log so far, and the n-th. */
unsigned ahand_events(struct ahand *h);
uint64_t ahand_event(struct ahand *h, unsigned n, unsigned word);

#endif
