#include "tests/models/amdhand.h"

#include "hw/mem.h"

#define FIRST_PAGE   UINT64_C(0x2000000)
#define DEVICE_TABLE UINT64_C(0x1000000)
#define BUFFER_BYTES 8192u

void ahand_init(struct ahand *h)
{
	*h = (struct ahand){ .next = FIRST_PAGE, .device_table = DEVICE_TABLE };
	rig_init(&h->rig, rig_model("amdvi"), 1);
	rig_set(&h->rig, "efr", AHAND_EFR);
}

void ahand_start(struct ahand *h)
{
	/* The rig's own conf pointers moved with it if the caller copied the struct. */
	h->rig.machine_conf =
		(struct machine_conf){ &h->rig.cpu, &h->rig.cost, &h->rig.lock, &h->rig.mem };
	rig_start(&h->rig);
	h->commands = ahand_page(h);
	ahand_page(h);
	h->events = ahand_page(h);
	ahand_page(h);
}

void ahand_on(struct ahand *h)
{
	ahand_write(h, AREG_DEVICE_TABLE, h->device_table | 0x1ff);
	ahand_write(h, AREG_COMMANDS, h->commands | UINT64_C(9) << 56);
	ahand_write(h, AREG_EVENTS, h->events | UINT64_C(9) << 56);
	ahand_write(h, AREG_CONTROL, 0x11005); /* unit, event log, command buffer, guest tables */
}

void ahand_stop(struct ahand *h)
{
	rig_settle(&h->rig);
	rig_stop(&h->rig);
}

uint64_t ahand_read(struct ahand *h, uint32_t offset)
{
	return h->rig.ops->hw_mmio_read(h->rig.state, offset, 8);
}

void ahand_write(struct ahand *h, uint32_t offset, uint64_t value)
{
	h->rig.ops->hw_mmio_write(h->rig.state, offset, 8, value);
}

uint64_t ahand_page(struct ahand *h)
{
	static const uint8_t zeros[PAGE_SIZE];
	uint64_t at = h->next;

	h->next += PAGE_SIZE;
	mem_write(h->rig.machine.mem, (hpa_t){ at }, zeros, sizeof(zeros));
	return at;
}

uint64_t ahand_get(struct ahand *h, uint64_t at)
{
	return mem_read64(h->rig.machine.mem, (hpa_t){ at });
}

void ahand_put(struct ahand *h, uint64_t at, uint64_t value)
{
	mem_write64(h->rig.machine.mem, (hpa_t){ at }, value);
}

void ahand_dte(struct ahand *h, uint16_t bdf, uint64_t e0, uint64_t e1, uint64_t e2)
{
	uint64_t at = h->device_table + bdf * UINT64_C(32);

	ahand_put(h, at, e0);
	ahand_put(h, at + 8, e1);
	ahand_put(h, at + 16, e2);
}

void ahand_submit(struct ahand *h, uint64_t lo, uint64_t hi)
{
	ahand_put(h, h->commands + h->tail, lo);
	ahand_put(h, h->commands + h->tail + 8, hi);
	h->tail = (h->tail + 16) % BUFFER_BYTES;
	ahand_write(h, AREG_COMMAND_TAIL, h->tail);
	rig_settle(&h->rig);
}

void ahand_forget_device(struct ahand *h, uint16_t bdf)
{
	ahand_submit(h, UINT64_C(2) << 60 | bdf, 0);
}

void ahand_forget_domain(struct ahand *h, uint16_t domain)
{
	ahand_submit(h, UINT64_C(3) << 60 | (uint64_t)domain << 32, UINT64_C(0x7ffffffffffff003));
}

struct xlate ahand_dma(struct ahand *h, uint16_t bdf, uint64_t iova, bool write)
{
	return rig_access(&h->rig, bdf, iova, write);
}

unsigned ahand_events(struct ahand *h)
{
	return (unsigned)(ahand_read(h, AREG_EVENT_TAIL) / 16);
}

uint64_t ahand_event(struct ahand *h, unsigned n, unsigned word)
{
	return ahand_get(h, h->events + 16 * n + 8 * word);
}
