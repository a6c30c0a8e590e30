#include "trace/ranges.h"

static struct range *of(struct rb_node *n)
{
	return rb_entry(n, struct range, node);
}

static bool before(uint16_t device, uint64_t start, const struct range *r)
{
	return device < r->device || (device == r->device && start < r->start);
}

void ranges_add(struct ranges *s, struct range *r)
{
	struct rb_node **link = &s->root.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = before(r->device, r->start, of(parent)) ? &parent->left : &parent->right;
	}
	rb_insert(&s->root, &r->node, parent, link);
	s->n++;
}

void ranges_remove(struct ranges *s, struct range *r)
{
	rb_erase(&s->root, &r->node);
	s->n--;
}

struct range *ranges_overlap(const struct ranges *s, uint16_t device, uint64_t start, uint64_t end)
{
	struct rb_node *n = s->root.node;
	struct range *found = NULL;

	while (n) {
		struct range *r = of(n);

		if (r->device == device && r->end > start) {
			if (r->start < end)
				found = r;
			n = n->left;
		} else {
			n = r->device > device ? n->left : n->right;
		}
	}
	return found;
}

struct range *ranges_find(const struct ranges *s, uint16_t device, uint64_t at)
{
	return at == UINT64_MAX ? NULL : ranges_overlap(s, device, at, at + 1);
}
