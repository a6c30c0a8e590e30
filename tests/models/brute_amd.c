#include "tests/models/brute_amd.h"

#include "hw/mem.h"

#define ADDRESS UINT64_C(0x000ffffffffff000)

static struct brute_amd refuse(unsigned code)
{
	return (struct brute_amd){ .code = code };
}

static bool get(struct ahand *h, uint64_t at, uint64_t *v)
{
	if (!mem_exists(h->rig.machine.mem, (hpa_t){ at }, 8))
		return false;
	*v = ahand_get(h, at);
	return true;
}

/* 2.2.3. rights: bit 0 read, bit 1 write; in: of the device, out: of everything. */
static struct brute_amd host(
	struct ahand *h, uint64_t table, unsigned mode, uint64_t address, unsigned *rights)
{
	unsigned level = mode, next, lg2;
	uint64_t e = 0;

	if (12 + 9 * mode < 64 && address >> (12 + 9 * mode))
		return refuse(2);
	for (;;) {
		unsigned shift = 12 + 9 * (level - 1);

		if (!get(h, table + 8 * (address >> shift & 0x1ff), &e))
			return refuse(4);
		if (!(e & 1) || (e >> 52 & 0x7f))
			return refuse(2);
		*rights &= (unsigned)(e >> 61 & 3);
		next = e >> 9 & 7;
		if (next == 0 || next == 7)
			break;
		if (next >= level)
			return refuse(2);
		for (unsigned bit = 12 + 9 * next; bit < shift; bit++)
			if (address >> bit & 1)
				return refuse(2);
		table = e & ADDRESS;
		level = next;
	}
	lg2 = 12 + 9 * (level - 1);
	if (next == 7)
		for (lg2 = 13; e >> (lg2 - 1) & 1; lg2++)
			;
	if (level == 6 || (lg2 - 12) / 9 != level - 1)
		return refuse(2);
	return (struct brute_amd){ .pa = (e & ADDRESS) >> lg2 << lg2 |
					 (address & (((uint64_t)1 << lg2) - 1)),
		.lg2 = lg2 };
}

struct guest {
	uint64_t e[3];
	unsigned mode;
};

static struct brute_amd to_host(
	struct ahand *h, const struct guest *g, uint64_t gpa, unsigned *rights)
{
	*rights = 3;
	if (g->mode == 0)
		return (struct brute_amd){ .pa = gpa, .lg2 = 12 };
	return host(h, g->e[0] & ADDRESS, g->mode, gpa, rights);
}

/* A table address of the guest; accessed bits are written there. */
static bool table_at(
	struct ahand *h, const struct guest *g, uint64_t gpa, uint64_t *table, struct brute_amd *r)
{
	unsigned rights;

	*r = to_host(h, g, gpa, &rights);
	*table = r->pa;
	if (!r->code && rights != 3)
		*r = refuse(2);
	return !r->code;
}

/* 2.2.6 */
static struct brute_amd guest(struct ahand *h, const struct guest *g, unsigned pasid,
	uint64_t address, bool write, unsigned device)
{
	unsigned glx = g->e[0] >> 56 & 3, levels = (g->e[2] >> 54 & 3) ? 5 : 4, rights, level, lg2;
	uint64_t table =
		(g->e[0] >> 58 & 7) << 12 | (g->e[1] >> 16 & 0xffff) << 15 | (g->e[1] >> 43) << 31;
	uint64_t e = 0, sign = address >> (11 + 9 * levels);
	bool w = true, user = true;
	struct brute_amd r;

	if (sign != 0 && sign != ((uint64_t)1 << (53 - 9 * levels)) - 1)
		return refuse(2);
	if (pasid >> (9 * (glx + 1)))
		return refuse(2);
	for (int i = (int)glx; i >= 0; i--) {
		if (!get(h, table + 8 * (pasid >> (9 * i) & 0x1ff), &e))
			return refuse(4);
		if (!(e & 1))
			return refuse(2);
		table = e & ADDRESS;
	}
	for (level = levels;; level--) {
		bool leaf;

		if (!table_at(h, g, table, &table, &r))
			return r;
		lg2 = 12 + 9 * (level - 1);
		if (!get(h, table + 8 * (address >> lg2 & 0x1ff), &e))
			return refuse(4);
		leaf = level == 1 || (e >> 7 & 1);
		if (!(e & 1) || (level > 3 && (e >> 7 & 1)))
			return refuse(2);
		if (leaf && level > 1 && (e & ((((uint64_t)1 << lg2) - 1) & ~UINT64_C(0x1fff))))
			return refuse(2);
		w = w && (e >> 1 & 1);
		user = user && (e >> 2 & 1);
		table = e & ADDRESS;
		if (leaf)
			break;
	}
	e = (table >> lg2 << lg2) | (address & (((uint64_t)1 << lg2) - 1));
	r = to_host(h, g, e, &rights);
	if (r.code)
		return r;
	if (!user || !(rights & device & (write ? 2 : 1)) || (write && !w))
		return refuse(2);
	if (g->mode == 0 || r.lg2 > lg2)
		r.lg2 = lg2;
	return r;
}

struct brute_amd brute_amd_walk(
	struct ahand *h, uint16_t bdf, int pasid, uint64_t address, bool write)
{
	uint64_t dte = h->device_table + 32 * (uint64_t)bdf;
	struct guest g = { { ahand_get(h, dte), ahand_get(h, dte + 8), ahand_get(h, dte + 16) },
		0 };
	unsigned rights = (unsigned)(g.e[0] >> 61 & 3), glx = g.e[0] >> 56 & 3;
	bool gv = g.e[0] >> 55 & 1;
	struct brute_amd r;

	g.mode = g.e[0] >> 9 & 7;
	if (!(g.e[0] & 1))
		return (struct brute_amd){ .pa = address, .lg2 = 12 };
	if ((g.e[0] & UINT64_C(0x800000000000007c)) || (g.e[2] >> 52 & 3))
		return refuse(1);
	if ((g.e[0] & 2) && (g.mode == 7 || (gv && (glx == 3 || (g.e[2] >> 54 & 3) > 1))))
		return refuse(1);
	if (!(g.e[0] & 2) || (pasid >= 0 && !gv))
		return refuse(2);
	if (pasid >= 0)
		return guest(h, &g, (unsigned)pasid, address, write, rights);
	r = (struct brute_amd){ .pa = address, .lg2 = 12 };
	if (g.mode)
		r = host(h, g.e[0] & ADDRESS, g.mode, address, &rights);
	return r.code || (rights & (write ? 2 : 1)) ? r : refuse(2);
}
