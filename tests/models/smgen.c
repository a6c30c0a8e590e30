#include "tests/models/smgen.h"

#include <string.h>

const uint16_t sm_device[SM_DEVICES] = { 0x0018, 0x00c1, 0x0100 };
const uint32_t sm_pasid[SM_PASIDS] = { 0, 1, 65, 300 };

#define NOWHERE (UINT64_C(13) << 30) /* no memory there */

bool sm_chance(struct smgen *g, unsigned percent)
{
	return rng_below(&g->rng, 100) < percent;
}

static uint64_t pasid_at(const struct smgen *g, unsigned d, uint32_t pasid)
{
	return g->pasid_tables[d][pasid >> 6] + 64 * (uint64_t)(pasid & 63);
}

static struct sm_space *space_of(struct smgen *g, unsigned d, unsigned p)
{
	return &g->space[(d + p) % SM_SPACES]; /* a domain and a PASID: one entry only */
}

static uint64_t either(struct smgen *g, unsigned percent, uint64_t bit)
{
	return sm_chance(g, percent) ? bit : 0;
}

static uint64_t stray_bit(struct smgen *g, unsigned low)
{
	return sm_chance(g, 50) ? BIT64(rng_below(&g->rng, low))
				: BIT64(40 + rng_below(&g->rng, 24));
}

/* ---- entries ---- */

static unsigned random_type(struct smgen *g)
{
	static const unsigned usual[SM_MODES] = { 1, 1, 2, 3 };

	if (sm_chance(g, 4))
		return 4;
	if (sm_chance(g, 3))
		return (unsigned)rng_below(&g->rng, 8);
	return g->mode == SM_NESTED && sm_chance(g, 20) ? 2 : usual[g->mode];
}

static void random_pasid_entry(struct smgen *g, unsigned d, unsigned p)
{
	const struct sm_space *s = space_of(g, d, p);
	uint64_t at = pasid_at(g, d, sm_pasid[p]), e[8] = { 0 };
	unsigned type = random_type(g), aw = s->ss.n ? s->ss.levels - 2 : 2;

	if ((type == 1 || type == 3) && !s->fs.n)
		type = 2;
	if ((type == 2 || type == 3) && !s->ss.n)
		type = 1;
	e[0] = either(g, 97, 1) | either(g, 10, 2) | (uint64_t)type << 6;
	e[0] |= (uint64_t)(sm_chance(g, 2) ? 4 + rng_below(&g->rng, 4) : aw) << 2;
	if (s->ss.n) /* the same for all that share the domain */
		e[0] |= (s->nowhere ? NOWHERE : s->ss.t[0].host) | (s->ss_ad ? BIT64(9) : 0);
	e[1] = s->did;
	e[2] = either(g, 80, 1) | either(g, 80, 2) | either(g, 50, 0x10) | either(g, 50, 0x40) |
	       either(g, 20, 0x80) | (s->nxe ? 0x20 : 0);
	if (s->fs.n)
		e[2] |= s->fs.t[0].guest | (s->fs.levels == 5 ? 4 : 0);
	if (sm_chance(g, 2))
		e[0] |= BIT64(10 + rng_below(&g->rng, 2));
	if (sm_chance(g, 3))
		e[3 + rng_below(&g->rng, 5)] = BIT64(rng_below(&g->rng, 64));
	if (sm_chance(g, 2))
		e[sm_chance(g, 50) ? 0 : 2] |= BIT64(40 + rng_below(&g->rng, 24));
	if (sm_chance(g, 2))
		e[2] = (e[2] & 0xfff) | NOWHERE;
	for (unsigned i = 0; i < 8; i++)
		hand_put(&g->h, at + 8 * i, e[i]);
}

static void random_directory_entry(struct smgen *g, unsigned d, unsigned i)
{
	uint64_t e = g->pasid_tables[d][i] | either(g, 97, 1) | either(g, 4, 2);

	if (sm_chance(g, 3))
		e |= sm_chance(g, 50) ? BIT64(2 + rng_below(&g->rng, 10))
				      : BIT64(40 + rng_below(&g->rng, 24));
	if (sm_chance(g, 3))
		e = (e & 0xfff) | NOWHERE;
	hand_put(&g->h, g->directory[d] + 8 * i, e);
}

static void random_context(struct smgen *g, unsigned d)
{
	uint64_t e[4] = { g->directory[d], 0, 0, 0 };

	e[0] |= either(g, 97, 1) | either(g, 4, 2) | either(g, 70, 4) | either(g, 92, 8);
	e[1] = sm_pasid[rng_below(&g->rng, SM_PASIDS)] | either(g, 50, BIT64(20));
	if (sm_chance(g, 3))
		e[1] |= 0xf0000; /* larger than the directory */
	if (sm_chance(g, 3))
		e[0] |= stray_bit(g, 12);
	if (sm_chance(g, 2))
		e[1 + rng_below(&g->rng, 3)] |= BIT64(21 + rng_below(&g->rng, 43));
	if (sm_chance(g, 2))
		e[0] = (e[0] & 0xfff) | NOWHERE;
	for (unsigned i = 0; i < 4; i++)
		hand_put(&g->h, g->context[d] + 8 * i, e[i]);
}

static void random_root(struct smgen *g, unsigned d)
{
	uint64_t at = g->h.root + 16 * (sm_device[d] >> 8) + 8 * (sm_device[d] >> 7 & 1);
	uint64_t e = (g->context[d] & ~UINT64_C(0xfff)) | either(g, 95, 1);

	if (sm_chance(g, 4))
		e |= stray_bit(g, 12);
	if (sm_chance(g, 4))
		e = (e & 0xfff) | NOWHERE;
	hand_put(&g->h, at, e);
}

/* ---- all of it ---- */

static void flush_everything(struct smgen *g)
{
	hand_submit(&g->h, INV_CONTEXT_GLOBAL, 0);
	hand_submit(&g->h, INV_PCACHE_GLOBAL, 0);
	hand_submit(&g->h, INV_IOTLB_GLOBAL, 0);
}

void sm_rebuild(struct smgen *g)
{
	g->h.next = g->first_table;
	sm_build_spaces(g);
	for (unsigned d = 0; d < SM_DEVICES; d++) {
		g->context[d] = hand_page(&g->h) + 32 * (uint64_t)(sm_device[d] & 0x7f);
		g->directory[d] = hand_page(&g->h);
		for (unsigned i = 0; i < ARRAY_SIZE(g->pasid_tables[d]); i++)
			g->pasid_tables[d][i] = hand_page(&g->h);
		for (unsigned p = 0; p < SM_PASIDS; p++) {
			random_directory_entry(g, d, sm_pasid[p] >> 6);
			random_pasid_entry(g, d, p);
		}
		random_context(g, d);
		random_root(g, d);
	}
	flush_everything(g);
}

/* ---- changes ---- */

static void change_context(struct smgen *g, unsigned d)
{
	if (sm_chance(g, 30))
		random_root(g, d);
	random_context(g, d);
	if (sm_chance(g, 50))
		hand_submit(&g->h, INV_CONTEXT_GLOBAL, 0);
	else
		hand_submit(&g->h, INV_CONTEXT_DEVICE(0, sm_device[d], rng_below(&g->rng, 4)), 0);
	if (sm_chance(g, 50))
		hand_submit(&g->h, INV_PCACHE_GLOBAL, 0);
	else
		for (unsigned i = 0; i < SM_SPACES; i++)
			hand_submit(&g->h, INV_PCACHE_DOMAIN(g->space[i].did), 0);
	if (sm_chance(g, 50))
		hand_submit(&g->h, INV_IOTLB_GLOBAL, 0);
	else
		for (unsigned i = 0; i < SM_SPACES; i++)
			hand_submit(&g->h, INV_IOTLB_DOMAIN(g->space[i].did), 0);
}

static void change_pasid(struct smgen *g, unsigned d, unsigned p)
{
	const struct sm_space *s = space_of(g, d, p);

	random_pasid_entry(g, d, p);
	if (sm_chance(g, 50))
		hand_submit(&g->h, INV_PCACHE_PASID(s->did, sm_pasid[p]), 0);
	else
		hand_submit(&g->h, INV_PCACHE_DOMAIN(s->did), 0);
	hand_submit(&g->h, INV_PASID_ALL(s->did, sm_pasid[p]), 0);
	if (s->ss.n)
		sm_forget_second(g, s);
}

static void change_directory(struct smgen *g, unsigned d)
{
	random_directory_entry(g, d, sm_pasid[rng_below(&g->rng, SM_PASIDS)] >> 6);
	hand_submit(&g->h, INV_PCACHE_GLOBAL, 0);
	hand_submit(&g->h, INV_IOTLB_GLOBAL, 0);
}

static void needless_invalidation(struct smgen *g)
{
	const struct sm_space *s = &g->space[rng_below(&g->rng, SM_SPACES)];
	uint64_t page = sm_address(g, s->fs.n ? &s->fs : &s->ss) & ~UINT64_C(0xfff);
	uint64_t block = page | rng_below(&g->rng, 19);
	uint32_t pasid = sm_pasid[rng_below(&g->rng, SM_PASIDS)];

	switch (rng_below(&g->rng, 7)) {
	case 0:
		hand_submit(&g->h, UINT64_C(4), 0); /* interrupt entries */
		break;
	case 1:
		hand_submit(&g->h, UINT64_C(3) | (uint64_t)sm_device[0] << 32,
			page | rng_below(&g->rng, 2));
		break;
	case 2:
		hand_submit(&g->h, UINT64_C(8) | (uint64_t)sm_device[0] << 16, page);
		break;
	case 3:
		hand_submit(&g->h, INV_IOTLB_PAGE(s->did), block);
		break;
	case 4:
		hand_submit(&g->h, INV_PASID_PAGE(s->did, pasid), block);
		break;
	case 5:
		hand_submit(&g->h, INV_PCACHE_PASID(s->did, pasid), 0);
		break;
	default:
		hand_submit(&g->h, UINT64_C(5) | BIT64(6), 0); /* a fence */
		break;
	}
}

void sm_change(struct smgen *g)
{
	unsigned what = (unsigned)rng_below(&g->rng, 20);
	unsigned d = (unsigned)rng_below(&g->rng, SM_DEVICES);

	if (what < 14)
		sm_change_paging_entry(g, &g->space[rng_below(&g->rng, SM_SPACES)]);
	else if (what == 14)
		change_context(g, d);
	else if (what < 18)
		change_pasid(g, d, (unsigned)rng_below(&g->rng, SM_PASIDS));
	else if (what == 18)
		change_directory(g, d);
	else
		needless_invalidation(g);
}

struct xlate sm_request(struct smgen *g)
{
	unsigned d = (unsigned)rng_below(&g->rng, SM_DEVICES);
	unsigned p = (unsigned)rng_below(&g->rng, SM_PASIDS);
	const struct sm_space *s = space_of(g, d, p);
	struct xlate x = { .rid = { sm_device[d] }, .len = 4, .write = sm_chance(g, 50) };

	x.iova = (iova_t){ sm_address(g, s->fs.n ? &s->fs : &s->ss) };
	if (sm_chance(g, 1))
		x.rid.bdf = (uint16_t)rng_below(&g->rng, 0x10000);
	if (sm_chance(g, 10))
		x.at = XLATE_TRANSLATION_REQUEST;
	else if (sm_chance(g, 3))
		x.at = XLATE_TRANSLATED;
	if (sm_chance(g, 30))
		return x;
	x.has_pasid = true;
	x.pasid = sm_pasid[p];
	x.priv = sm_chance(g, 40);
	x.exec = !x.write && sm_chance(g, 20);
	if (sm_chance(g, 1))
		x.pasid = (uint32_t)rng_below(&g->rng, BIT64(20));
	return x;
}
