/*
 * pagereq - page requests of devices (PCI Express PRI) that have arrived at a unit: taken up one after
 * another, in the unit's own time. What the unit makes of one is the model's.
 */
#ifndef SIM_IOMMU_PAGEREQ_H
#define SIM_IOMMU_PAGEREQ_H
#include "engine/proc.h"
#include "hw/machine.h"
#include "hw/xlate.h"

/* May wait. */
typedef void pagereq_serve_fn(void *model, struct proc *p, const struct page_request *r);

struct pagereqs {
	struct machine *machine;
	pagereq_serve_fn *serve;
	void *model;
	struct list arrived;
	struct waitq idle;
	bool busy;
};

void pagereqs_init(struct pagereqs *q, struct machine *m, pagereq_serve_fn *serve, void *model);
void pagereqs_fini(struct pagereqs *q);
void pagereqs_add(struct pagereqs *q, const struct page_request *r);
/* A PRG Response, if the device exists. */
void pagereqs_respond(struct pagereqs *q, rid_t rid, uint16_t group, enum page_response code);

#endif
