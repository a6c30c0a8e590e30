#include "iommu/iommu.h"

#include <string.h>

#define MODEL(id) extern const struct iommu_model_ops id##_model_ops;
#include "iommu/models.def"
#undef MODEL

static const struct iommu_model_ops *const models[] = {
#define MODEL(id) &id##_model_ops,
#include "iommu/models.def"
#undef MODEL
};

const struct iommu_model_ops *const *iommu_models(size_t *n)
{
	*n = ARRAY_SIZE(models);
	return models;
}

const struct iommu_model_ops *iommu_model_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(models); i++)
		if (strcmp(models[i]->name, name) == 0)
			return models[i];
	return NULL;
}
