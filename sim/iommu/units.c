#include "iommu/units.h"

#include <stdlib.h>

#include "base/alloc.h"

#define CONF_STRUCT_ struct units_conf
static const struct conf_field fields[] = { UNITS_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct units_conf *c = conf;

	if (c->scopes.n == 0 || c->scopes.n > UNITS_MAX)
		return conf_refuse(chk, "scopes", "must have 1 to %u numbers", UNITS_MAX);
	if (c->scopes.v[0] != 0)
		return conf_refuse(chk, "scopes",
			"must begin with 0: the devices of buses 0 to %u would be in no unit's scope",
			c->scopes.v[0] - 1);
	for (uint32_t i = 1; i < c->scopes.n; i++)
		if (c->scopes.v[i] <= c->scopes.v[i - 1])
			return conf_refuse(chk, "scopes", "must ascend (%u after %u)",
				c->scopes.v[i], c->scopes.v[i - 1]);
	return true;
}

const struct conf_table units_conf_table = CONF_TABLE("iommu", units_conf, fields, validate);

bool iommu_units_init(struct iommu_units *u, const struct iommu_model_ops *ops, const void *conf,
	const struct units_conf *scopes, const struct units_env *env, struct err *err)
{
	*u = (struct iommu_units){ .ops = ops };
	for (uint32_t i = 0; i < scopes->scopes.n; i++) {
		u->first_bus[i] = (uint8_t)scopes->scopes.v[i];
		u->state[i] = xcalloc(1, ops->state_size);
		u->n++;
		if (!ops->init(u->state[i], conf,
			    &(struct iommu_env){ .machine = env->machine,
				    .windows = env->windows,
				    .scope = metric_scope_child(env->root, "iommu%u", i),
				    .index = i,
				    .fault_log = env->fault_log },
			    err))
			return false;
	}
	return true;
}

void iommu_units_fini(struct iommu_units *u)
{
	for (unsigned i = 0; i < u->n; i++) {
		u->ops->fini(u->state[i]);
		free(u->state[i]);
	}
}

void iommu_units_start(const struct iommu_units *u, struct proc *p)
{
	for (unsigned i = 0; i < u->n; i++)
		u->ops->drv_start(u->state[i], p);
}

void iommu_units_stop(const struct iommu_units *u, struct proc *p)
{
	for (unsigned i = 0; i < u->n; i++)
		u->ops->drv_stop(u->state[i], p);
}

bool iommu_units_idle(const struct iommu_units *u)
{
	for (unsigned i = 0; i < u->n; i++)
		if (!u->ops->hw_idle(u->state[i]))
			return false;
	return true;
}

unsigned iommu_unit_of(const struct iommu_units *u, rid_t rid)
{
	unsigned i = u->n - 1;

	while (i > 0 && rid.bdf >> 8 < u->first_bus[i])
		i--;
	return i;
}
