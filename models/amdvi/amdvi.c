#include "models/amdvi/amdvi.h"

#define CONF_STRUCT_ struct amdvi_conf
static const struct conf_field fields[] = { AMDVI_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct amdvi_conf *c = conf;
	unsigned levels = 4 + (unsigned)FIELD_GET(EFR_HATS, c->efr);

	if (!tagcache_shape_ok(c->ptc_entries, c->ptc_ways))
		return conf_refuse(chk, "ptc_entries",
			"must be ptc_ways times a power of two (%u ways)", c->ptc_ways);
	if (levels > AMDVI_MAX_LEVELS)
		return conf_refuse(chk, "efr", "HATS (bits 11:10) must not be 3");
	if (c->start_levels > levels)
		return conf_refuse(chk, "start_levels",
			"the unit has tables of %u levels (HATS, bits 11:10 of efr)", levels);
	if (c->iova_bits > amdvi_level_lg2(levels) + AMDVI_LEVEL_BITS)
		return conf_refuse(chk, "iova_bits",
			"tables of %u levels (HATS, bits 11:10 of efr) have %u bits", levels,
			amdvi_level_lg2(levels) + AMDVI_LEVEL_BITS);
	return true;
}

static const struct conf_table conf_table = CONF_TABLE("amdvi", amdvi_conf, fields, validate);

#define METRIC_STRUCT_ struct amdvi_metrics
static const struct metric_desc hw_desc[] = { AMDVI_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
#define METRIC_STRUCT_ struct amdvi_cmd_metrics
static const struct metric_desc cmd_desc[] = { AMDVI_CMD_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
#define METRIC_STRUCT_ struct amdvi_drv_metrics
static const struct metric_desc drv_desc[] = { AMDVI_DRV_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_

static const struct metric_table tables[] = {
	{ "amdvi", "An AMD IOMMU.", hw_desc, ARRAY_SIZE(hw_desc) },
	{ "amdvi commands", "Its command processor.", cmd_desc, ARRAY_SIZE(cmd_desc) },
	{ "amdvi driver", "The kernel's driver of the unit.", drv_desc, ARRAY_SIZE(drv_desc) },
};

static bool init(void *state, const void *conf, const struct iommu_env *env, struct err *err)
{
	struct amdvi *a = state;
	struct metric_scope *driver;

	(void)err;
	a->env = *env;
	a->conf = conf;
	metric_scope_add(env->scope, &tables[0], &a->hw.m);
	metric_scope_add(metric_scope_child(env->scope, "pmu"), &amdvi_pmu_table, &a->hw.pmu);
	metric_scope_add(metric_scope_child(env->scope, "commands"), &tables[1], &a->hw.q);
	driver = metric_scope_child(env->scope, "driver");
	metric_scope_add(driver, &tables[2], &a->drv.m);
	metric_scope_add(driver, &ptable_metric_table, &a->drv.tables);
	amdvi_hw_init(a);
	amdvi_drv_init(a);
	return true;
}

static void fini(void *state)
{
	struct amdvi *a = state;

	amdvi_drv_fini(a);
	amdvi_hw_fini(a);
}

static bool hw_translate(void *state, struct xlate *x)
{
	return amdvi_translate(state, x);
}

static uint64_t hw_mmio_read(void *state, uint32_t offset, unsigned bytes)
{
	return amdvi_mmio_read(state, offset, bytes);
}

static void hw_mmio_write(void *state, uint32_t offset, unsigned bytes, uint64_t value)
{
	amdvi_mmio_write(state, offset, bytes, value);
}

static bool hw_idle(const void *state)
{
	const struct amdvi *a = state;

	return walkers_idle(a->hw.walkers) && !a->hw.busy && !a->hw.page_requests.busy;
}

static unsigned drv_addr_width(const void *state)
{
	const struct amdvi *a = state;

	return a->conf->iova_bits;
}

static bool drv_has_ats(const void *state)
{
	return ((const struct amdvi *)state)->conf->iotlb_sup;
}

static bool drv_has_pri(const void *state)
{
	return ((const struct amdvi *)state)->conf->efr & EFR_PPR_SUP;
}

static void mark_pages(struct amdvi *a, uint16_t space, uint64_t first, uint64_t end, window_id w)
{
	for (uint64_t sizes = a->hw.sizes_seen; sizes; sizes &= sizes - 1) {
		unsigned lg2 = (unsigned)__builtin_ctzll(sizes);

		for (uint64_t at = round_down_lg2(first, lg2); at < end; at += BIT64(lg2))
			tagcache_mark_matching(
				&a->hw.ptc, amdvi_ptc_key(space, lg2, at), UINT64_MAX, w);
	}
}

/* The page-directory caches are left alone: the tables that they point to stay in the tree. */
static void obs_mark(void *state, uint16_t domain, iova_t iova, uint32_t npages, window_id w)
{
	struct amdvi *a = state;
	uint64_t end = iova.a + ((uint64_t)npages << PAGE_LG2);

	for (uint32_t i = 0; i < a->hw.spaces.n; i++)
		if (a->hw.spaces.list[i].domain == domain)
			mark_pages(a, (uint16_t)i, iova.a, end, w);
	walkers_mark(a->hw.walkers, domain, iova, npages, w);
}

static void print_cache(const char *name, const struct tagcache *c, FILE *out)
{
	fprintf(out, "%-22s %u of %u entries\n", name, c->used, c->nsets * c->nways);
}

static void obs_print(const void *state, FILE *out)
{
	const struct amdvi *a = state;

	amdvi_hw_print_registers(a, out);
	print_cache("device table cache", &a->hw.dtc, out);
	print_cache("page table cache", &a->hw.ptc, out);
	for (unsigned i = 0; i < AMDVI_PDC_LEVELS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "page directory cache %u", i + 2);
		print_cache(name, &a->hw.pdc[i], out);
	}
	fprintf(out, "%-22s %s\n", "commands", a->hw.busy ? "in progress" : "idle");
	fprintf(out, "%-22s %s\n", "walkers", walkers_idle(a->hw.walkers) ? "idle" : "busy");
}

static void obs_trace(void *state, bool on)
{
	struct amdvi *a = state;

	walkers_trace(a->hw.walkers, on);
}

static void obs_print_walk(const void *state, FILE *out)
{
	const struct amdvi *a = state;

	walkers_print_trace(a->hw.walkers, out);
}

const struct iommu_model_ops amdvi_model_ops = {
	.name = "amdvi",
	.summary = "AMD IOMMU: host tables of 1 to 6 levels, guest tables, command buffer and logs",
	.spec = "AMD I/O Virtualization Technology (IOMMU) Specification, 48882",
	.state_size = sizeof(struct amdvi),
	.conf = &conf_table,
	.init = init,
	.fini = fini,
	.hw_translate = hw_translate,
	.hw_mmio_read = hw_mmio_read,
	.hw_mmio_write = hw_mmio_write,
	.hw_idle = hw_idle,
	.hw_invalidated = amdvi_ats_completion,
	.hw_page_request = amdvi_ppr_message,
	.drv_start = amdvi_drv_start,
	.drv_stop = amdvi_drv_stop,
	.drv_domain_add = amdvi_drv_domain_add,
	.drv_domain_del = amdvi_drv_domain_del,
	.drv_attach = amdvi_drv_attach,
	.drv_detach = amdvi_drv_detach,
	.drv_addr_width = drv_addr_width,
	.drv_page_sizes = amdvi_drv_page_sizes,
	.drv_has_ats = drv_has_ats,
	.drv_has_pri = drv_has_pri,
	.drv_map = amdvi_drv_map,
	.drv_unmap = amdvi_drv_unmap,
	.drv_flush = amdvi_drv_flush,
	.drv_faults = amdvi_drv_faults,
	.obs_print = obs_print,
	.obs_trace = obs_trace,
	.obs_print_walk = obs_print_walk,
	.obs_mark = obs_mark,
};
