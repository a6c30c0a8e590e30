#include "iommu/iommu.h"

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
