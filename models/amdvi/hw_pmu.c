#include "models/amdvi/amdvi_pmu.h"

#define AMDVI_PMU_DESC_(name, source, help)                                                        \
	{ #name, METRIC_COUNTER, offsetof(struct amdvi_pmu, name), "events", NULL, help },
static const struct metric_desc desc[] = { AMDVI_PMU(AMDVI_PMU_DESC_) };
const struct metric_table amdvi_pmu_table = { "amdvi pmu",
	"What a unit's performance counters count, by the names of Linux's PMU.", desc,
	ARRAY_SIZE(desc) };

/* Which register stands at an offset; false: none. */
static bool locate(uint32_t offset, unsigned *bank, unsigned *n, unsigned *reg)
{
	*bank = (offset - AMDVI_COUNTERS) >> 12;
	*n = offset >> 8 & 15;
	*reg = (offset & 0xff) / 8;
	return offset >= AMDVI_COUNTERS && *bank < AMDVI_BANKS && *n < AMDVI_COUNTERS_PER_BANK &&
	       *reg < COUNTER_REGS;
}

/* The bytes of an access within its 64-bit register; an access across two reads and writes the first. */
static uint64_t bytes_of(uint32_t offset, unsigned bytes)
{
	unsigned first = offset & 7, n = bytes < 8 - first ? bytes : 8 - first;

	return GENMASK64(8 * (first + n) - 1, 8 * first);
}

uint64_t amdvi_counter_read(const struct amdvi_counters *c, uint32_t offset, unsigned bytes)
{
	unsigned bank, n, reg;
	uint64_t value = 0;

	if (locate(offset, &bank, &n, &reg))
		value = c->of[bank][n].reg[reg];
	else if ((offset & ~7u) == AMDVI_COUNTER_CONFIG)
		value = FIELD_PREP(COUNTER_NUMBER, AMDVI_COUNTERS_PER_BANK) |
			FIELD_PREP(COUNTER_BANKS, AMDVI_BANKS);
	return (value & bytes_of(offset, bytes)) >> 8 * (offset & 7);
}

static void find_wanted(struct amdvi_counters *c)
{
	c->wanted = 0;
	for (unsigned b = 0; b < AMDVI_BANKS; b++)
		for (unsigned n = 0; n < AMDVI_COUNTERS_PER_BANK; n++)
			if (c->of[b][n].reg[COUNTER_SOURCE] < 64)
				c->wanted |= BIT64(c->of[b][n].reg[COUNTER_SOURCE]);
}

void amdvi_counter_write(struct amdvi_counters *c, uint32_t offset, unsigned bytes, uint64_t value)
{
	static const uint64_t writable[COUNTER_REGS] = {
		[COUNTER_VALUE] = COUNTER_BITS,
		[COUNTER_SOURCE] = COUNTER_CSOURCE,
		[COUNTER_PASID_MATCH] = COUNTER_FILTER,
		[COUNTER_DOMAIN_MATCH] = COUNTER_FILTER,
		[COUNTER_DEVICE_MATCH] = COUNTER_FILTER,
	};
	unsigned bank, n, reg;
	uint64_t bits, *at;

	if (!locate(offset, &bank, &n, &reg))
		return;
	at = &c->of[bank][n].reg[reg];
	bits = writable[reg] & bytes_of(offset, bytes);
	*at = (*at & ~bits) | (value << 8 * (offset & 7) & bits);
	find_wanted(c);
}

/* A filter that is off lets everything through; a mask bit of 1 compares. */
static bool passes(uint64_t filter, uint64_t id)
{
	uint64_t mask = FIELD_GET(COUNTER_MASK, filter);

	return !(filter & COUNTER_MATCH_EN) ||
	       ((id ^ FIELD_GET(COUNTER_MATCH, filter)) & mask) == 0;
}

void amdvi_counters_add(struct amdvi_counters *c, enum amdvi_pmu_source source,
	const struct amdvi_origin *from, uint64_t n)
{
	for (unsigned b = 0; b < AMDVI_BANKS; b++)
		for (unsigned i = 0; i < AMDVI_COUNTERS_PER_BANK; i++) {
			uint64_t *reg = c->of[b][i].reg;

			if (reg[COUNTER_SOURCE] == source &&
				passes(reg[COUNTER_DEVICE_MATCH], from->device) &&
				passes(reg[COUNTER_DOMAIN_MATCH], from->domain) &&
				passes(reg[COUNTER_PASID_MATCH], from->pasid))
				reg[COUNTER_VALUE] = (reg[COUNTER_VALUE] + n) & COUNTER_BITS;
		}
}
