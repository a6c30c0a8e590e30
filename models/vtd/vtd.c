#include "models/vtd/vtd.h"

#include "base/bug.h"

#define CONF_STRUCT_ struct vtd_conf
static const struct conf_field fields[] = { VTD_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct vtd_conf *c = conf;

	if (!tagcache_shape_ok(c->iotlb_entries, c->iotlb_ways))
		return conf_refuse(chk, "iotlb_entries",
			"must be iotlb_ways times a power of two (%u ways)", c->iotlb_ways);
	if (!(c->ecap & ECAP_QI))
		return conf_refuse(chk, "ecap",
			"bit 1 (QI) must be set: the driver half uses "
			"queued invalidation");
	if (!(FIELD_GET(CAP_SAGAW, c->cap) & (BIT64(1) | BIT64(2))))
		return conf_refuse(
			chk, "cap", "SAGAW (bits 12:8) must offer 39 or 48 bits (bit 9 or 10)");
	if (FIELD_GET(CAP_MAMV, c->cap) > 51)
		return conf_refuse(chk, "cap", "MAMV (bits 53:48) is larger than any address");
	if (FIELD_GET(CAP_FRO, c->cap) * 16 + 16 * (FIELD_GET(CAP_NFR, c->cap) + 1) > VTD_REGS_SIZE)
		return conf_refuse(chk, "cap",
			"fault recording registers (FRO, NFR) lie outside the "
			"4 KiB register page");
	if (FIELD_GET(ECAP_IRO, c->ecap) * 16 + 16 > VTD_REGS_SIZE)
		return conf_refuse(
			chk, "ecap", "IOTLB registers (IRO) lie outside the 4 KiB register page");
	return true;
}

static const struct conf_table conf_table = CONF_TABLE("vtd", vtd_conf, fields, validate);

#define METRIC_STRUCT_ struct vtd_metrics
static const struct metric_desc hw_desc[] = { VTD_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
#define METRIC_STRUCT_ struct invq_metrics
static const struct metric_desc invq_desc[] = { INVQ_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
#define METRIC_STRUCT_ struct drv_metrics
static const struct metric_desc drv_desc[] = { DRV_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_

static const struct metric_table tables[] = {
	{ "vtd", "A VT-d remapping unit.", hw_desc, ARRAY_SIZE(hw_desc) },
	{ "invq", "Its invalidation engine.", invq_desc, ARRAY_SIZE(invq_desc) },
	{ "vtd driver", "The kernel's driver of the unit.", drv_desc, ARRAY_SIZE(drv_desc) },
};

static bool init(void *state, const void *conf, const struct iommu_env *env, struct err *err)
{
	struct vtd *v = state;
	struct metric_scope *driver;

	(void)err;
	v->env = *env;
	v->conf = conf;
	metric_scope_add(env->scope, &tables[0], &v->hw.m);
	metric_scope_add(metric_scope_child(env->scope, "invq"), &tables[1], &v->hw.q);
	driver = metric_scope_child(env->scope, "driver");
	metric_scope_add(driver, &tables[2], &v->drv.m);
	metric_scope_add(driver, &ptable_metric_table, &v->drv.tables);
	vtd_hw_init(v);
	vtd_drv_init(v);
	return true;
}

static void fini(void *state)
{
	struct vtd *v = state;

	vtd_drv_fini(v);
	vtd_hw_fini(v);
}

static bool hw_translate(void *state, struct xlate *x)
{
	return vtd_translate(state, x);
}

static uint64_t hw_mmio_read(void *state, uint32_t offset, unsigned bytes)
{
	return vtd_mmio_read(state, offset, bytes);
}

static void hw_mmio_write(void *state, uint32_t offset, unsigned bytes, uint64_t value)
{
	vtd_mmio_write(state, offset, bytes, value);
}

static bool hw_idle(const void *state)
{
	const struct vtd *v = state;

	return walkers_idle(v->hw.walkers) && !v->hw.busy && !v->hw.page_requests.busy;
}

static bool drv_has_ats(const void *state)
{
	return ((const struct vtd *)state)->conf->ecap & ECAP_DT;
}

static unsigned drv_addr_width(const void *state)
{
	const struct vtd *v = state;
	unsigned mgaw = (unsigned)FIELD_GET(CAP_MGAW, v->conf->cap) + 1;

	return vtd_aw_bits(v->drv.aw) < mgaw ? vtd_aw_bits(v->drv.aw) : mgaw;
}

static uint64_t drv_page_sizes(const void *state)
{
	const struct vtd *v = state;
	uint64_t sllps = FIELD_GET(CAP_SLLPS, v->conf->cap);

	return BIT64(12) | (sllps & 1 ? BIT64(21) : 0) | (sllps & 2 ? BIT64(30) : 0);
}

static void mark_leaves(struct vtd *v, uint16_t space, uint64_t first, uint64_t end, window_id w)
{
	for (unsigned c = 0; c < (v->hw.superpages_seen ? 3u : 1u); c++) {
		unsigned lg2 = PAGE_LG2 + VTD_LEVEL_BITS * c;

		for (uint64_t at = round_down_lg2(first, lg2); at < end; at += BIT64(lg2))
			tagcache_mark_matching(&v->hw.iotlb, vtd_key(space, c, at), UINT64_MAX, w);
	}
}

/* An unmap takes out the tables that its range covers completely; a cached entry that points to one
 * of them can still lead a walk there. */
static void mark_tables(struct vtd *v, uint16_t space, uint64_t first, uint64_t end, window_id w)
{
	for (unsigned level = 2; level <= VTD_MAX_LEVELS; level++) {
		unsigned lg2 = vtd_level_lg2(level);

		for (uint64_t at = round_up_lg2(first, lg2); at + BIT64(lg2) <= end;
			at += BIT64(lg2))
			tagcache_mark_matching(&v->hw.pwc[level - 2], vtd_pwc_key(space, level, at),
				UINT64_MAX, w);
	}
}

static void obs_mark(void *state, uint16_t domain, iova_t iova, uint32_t npages, window_id w)
{
	struct vtd *v = state;
	uint64_t end = iova.a + ((uint64_t)npages << PAGE_LG2);

	for (uint32_t i = 0; i < v->hw.spaces.n; i++)
		if (v->hw.spaces.list[i].domain == domain) {
			mark_leaves(v, (uint16_t)i, iova.a, end, w);
			mark_tables(v, (uint16_t)i, iova.a, end, w);
		}
	walkers_mark(v->hw.walkers, domain, iova, npages, w);
}

static void obs_print(const void *state, FILE *out)
{
	const struct vtd *v = state;
	const struct {
		const char *name;
		const struct tagcache *cache;
	} caches[] = {
		{ "context cache", &v->hw.context },
		{ "PASID cache", &v->hw.pasid },
		{ "IOTLB", &v->hw.iotlb },
		{ "PD cache", &v->hw.pwc[0] },
		{ "PDP cache", &v->hw.pwc[1] },
		{ "PML4 cache", &v->hw.pwc[2] },
		{ "PML5 cache", &v->hw.pwc[3] },
	};

	vtd_hw_print_registers(v, out);
	for (size_t i = 0; i < ARRAY_SIZE(caches); i++)
		fprintf(out, "%-14s %u of %u entries\n", caches[i].name, caches[i].cache->used,
			caches[i].cache->nsets * caches[i].cache->nways);
	fprintf(out, "%-14s %s\n", "invalidations", v->hw.busy ? "in progress" : "idle");
	fprintf(out, "%-14s %s\n", "walkers", walkers_idle(v->hw.walkers) ? "idle" : "busy");
}

static void obs_trace(void *state, bool on)
{
	struct vtd *v = state;

	walkers_trace(v->hw.walkers, on);
}

static void obs_print_walk(const void *state, FILE *out)
{
	const struct vtd *v = state;

	walkers_print_trace(v->hw.walkers, out);
}

const struct iommu_model_ops vtd_model_ops = {
	.name = "vtd",
	.summary =
		"Intel VT-d, legacy mode: second-stage tables of 3 and 4 levels, queued invalidation",
	.spec = "Intel VT-d Architecture Specification, rev. 4.1",
	.state_size = sizeof(struct vtd),
	.conf = &conf_table,
	.init = init,
	.fini = fini,
	.hw_translate = hw_translate,
	.hw_mmio_read = hw_mmio_read,
	.hw_mmio_write = hw_mmio_write,
	.hw_idle = hw_idle,
	.hw_invalidated = vtd_ats_completion,
	.hw_page_request = vtd_prq_message,
	.drv_start = vtd_drv_start,
	.drv_stop = vtd_drv_stop,
	.drv_domain_add = vtd_drv_domain_add,
	.drv_domain_share = vtd_drv_domain_share,
	.drv_domain_del = vtd_drv_domain_del,
	.drv_attach = vtd_drv_attach,
	.drv_detach = vtd_drv_detach,
	.drv_addr_width = drv_addr_width,
	.drv_page_sizes = drv_page_sizes,
	.drv_has_ats = drv_has_ats,
	.drv_map = vtd_drv_map,
	.drv_sync_map = vtd_drv_sync_map,
	.drv_unmap = vtd_drv_unmap,
	.drv_flush = vtd_drv_flush,
	.drv_faults = vtd_drv_faults,
	.obs_print = obs_print,
	.obs_trace = obs_trace,
	.obs_print_walk = obs_print_walk,
	.obs_mark = obs_mark,
};
