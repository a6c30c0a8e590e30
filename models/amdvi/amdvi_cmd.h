/*
 * amdvi_cmd - the command processor at work: hw_cmd.c takes commands from the buffer, hw_invalidate.c
 * carries them out.
 */
#ifndef MODELS_AMDVI_AMDVI_CMD_H
#define MODELS_AMDVI_AMDVI_CMD_H
#include "iommu/linefetch.h"
#include "models/amdvi/amdvi.h"

struct cmdproc {
	struct amdvi *a;
	struct proc *p;
	struct linefetch fetch;
	uint64_t command; /* the address of the one in execution */
};

/* Let t pass for the processor. */
void amdvi_cmd_spend(struct cmdproc *q, sim_time t);
void amdvi_invalidate_devtab(struct cmdproc *q, const struct amdvi_command *c);
void amdvi_invalidate_pages(struct cmdproc *q, const struct amdvi_command *c);
void amdvi_invalidate_all(struct cmdproc *q);
/* `command`: where it stands in memory. */
void amdvi_invalidate_iotlb(struct cmdproc *q, const struct amdvi_command *c, uint64_t command);
void amdvi_complete_ppr(struct cmdproc *q, const struct amdvi_command *c);
void amdvi_prefetch(struct cmdproc *q, const struct amdvi_command *c);

#endif
