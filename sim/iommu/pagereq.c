#include "iommu/pagereq.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "hw/pcie.h"

struct message {
	struct list link;
	struct page_request r;
};

static void pagereq_main(struct proc *p, void *arg)
{
	struct pagereqs *q = arg;

	for (;;) {
		struct list *n = list_pop_front(&q->arrived);
		struct message *m;

		q->busy = n != NULL;
		if (!n) {
			proc_wait(p, &q->idle);
			continue;
		}
		m = list_entry(n, struct message, link);
		q->serve(q->model, p, &m->r);
		free(m);
	}
}

void pagereqs_init(struct pagereqs *q, struct machine *m, pagereq_serve_fn *serve, void *model)
{
	*q = (struct pagereqs){ .machine = m, .serve = serve, .model = model };
	list_init(&q->arrived);
	waitq_init(&q->idle);
	proc_spawn(m->engine, "page requests", pagereq_main, q, NULL);
}

void pagereqs_fini(struct pagereqs *q)
{
	struct list *n;

	while ((n = list_pop_front(&q->arrived)) != NULL)
		free(list_entry(n, struct message, link));
}

void pagereqs_add(struct pagereqs *q, const struct page_request *r)
{
	struct message *m = xcalloc(1, sizeof(*m));

	m->r = *r;
	list_init(&m->link);
	list_push_back(&q->arrived, &m->link);
	waitq_wake_one(&q->idle, engine_now(q->machine->engine));
}

void pagereqs_respond(struct pagereqs *q, rid_t rid, uint16_t group, enum page_response code)
{
	struct pcie_port *port = pcie_find(q->machine, rid);

	if (port)
		pcie_page_response(port, group, code);
}
