/*
 * conform_models - the registered components that a conform_model names. A name that no registry has
 * is a bug of the table.
 */
#ifndef SIM_RUN_CONFORM_MODELS_H
#define SIM_RUN_CONFORM_MODELS_H
#include "dma/flush/flush.h"
#include "dma/iova/iova.h"
#include "run/conform_priv.h"

const struct iova_allocator_ops *conform_allocator(const struct conform_model *m);
const struct flush_policy_ops *conform_policy(const struct conform_model *m);

#endif
