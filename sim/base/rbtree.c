#include "base/rbtree.h"

#include "base/bug.h"

/* Half of the pointer and colour logic is the mirror image of the other half: sides are a number. */
enum side { LEFT, RIGHT };

static struct rb_node **child_link(struct rb_node *n, enum side s)
{
	return s == LEFT ? &n->left : &n->right;
}

static struct rb_node *child(const struct rb_node *n, enum side s)
{
	return s == LEFT ? n->left : n->right;
}

static enum side other(enum side s)
{
	return s == LEFT ? RIGHT : LEFT;
}

static enum side side_of(const struct rb_node *n)
{
	return n == n->parent->left ? LEFT : RIGHT;
}

static bool is_red(const struct rb_node *n)
{
	return n && n->red;
}

static void wrote(struct rb_written *w, struct rb_node *n)
{
	for (unsigned i = w->n; i-- > 0;)
		if (w->node[i] == n)
			return;
	BUG_ON(w->n == RB_WRITTEN_MAX);
	w->node[w->n++] = n;
}

static void set_red(struct rb_written *w, struct rb_node *n, bool red)
{
	if (n->red == red)
		return;
	n->red = red;
	wrote(w, n);
}

/* Put `with` (may be NULL) where n hangs below its parent. */
static void replace(
	struct rb_root *root, struct rb_written *w, struct rb_node *n, struct rb_node *with)
{
	if (!n->parent) {
		root->node = with;
	} else {
		*child_link(n->parent, side_of(n)) = with;
		wrote(w, n->parent);
	}
	if (with) {
		with->parent = n->parent;
		wrote(w, with);
	}
}

/* n goes down to side s, its child of the other side takes its place. */
static void rotate(struct rb_root *root, struct rb_written *w, struct rb_node *n, enum side s)
{
	struct rb_node *up = child(n, other(s));
	struct rb_node *inner = child(up, s);

	replace(root, w, n, up);
	*child_link(n, other(s)) = inner;
	if (inner) {
		inner->parent = n;
		wrote(w, inner);
	}
	*child_link(up, s) = n;
	n->parent = up;
	wrote(w, n);
}

static void insert_fix(struct rb_root *root, struct rb_written *w, struct rb_node *n)
{
	struct rb_node *parent, *grand, *uncle;
	enum side s;

	while (is_red(parent = n->parent)) {
		grand = parent->parent;
		s = side_of(parent);
		uncle = child(grand, other(s));
		if (is_red(uncle)) {
			set_red(w, parent, false);
			set_red(w, uncle, false);
			set_red(w, grand, true);
			n = grand;
			continue;
		}
		if (side_of(n) != s) {
			rotate(root, w, parent, s);
			parent = n;
		}
		set_red(w, parent, false);
		set_red(w, grand, true);
		rotate(root, w, grand, other(s));
		break;
	}
	set_red(w, root->node, false);
}

void rb_insert_report(struct rb_root *root, struct rb_node *n, struct rb_node *parent,
	struct rb_node **link, struct rb_written *w)
{
	*n = (struct rb_node){ .parent = parent, .red = true };
	*link = n;
	w->n = 0;
	if (parent)
		wrote(w, parent);
	insert_fix(root, w, n);
	for (unsigned i = 0; i < w->n; i++) {
		if (w->node[i] == n) {
			w->node[i] = w->node[--w->n];
			break;
		}
	}
}

/* The subtree at n (NULL: empty) below parent is one black node short. */
static void erase_fix(
	struct rb_root *root, struct rb_written *w, struct rb_node *n, struct rb_node *parent)
{
	while (n != root->node && !is_red(n)) {
		enum side s = n == parent->left ? LEFT : RIGHT;
		struct rb_node *sibling = child(parent, other(s));

		if (sibling->red) {
			set_red(w, sibling, false);
			set_red(w, parent, true);
			rotate(root, w, parent, s);
			sibling = child(parent, other(s));
		}
		if (!is_red(sibling->left) && !is_red(sibling->right)) {
			set_red(w, sibling, true);
			n = parent;
			parent = n->parent;
			continue;
		}
		if (!is_red(child(sibling, other(s)))) {
			set_red(w, child(sibling, s), false);
			set_red(w, sibling, true);
			rotate(root, w, sibling, other(s));
			sibling = child(parent, other(s));
		}
		set_red(w, sibling, parent->red);
		set_red(w, parent, false);
		set_red(w, child(sibling, other(s)), false);
		rotate(root, w, parent, s);
		return;
	}
	if (n)
		set_red(w, n, false);
}

/* Give `node`'s subtree on side s to `to`. */
static void adopt(struct rb_written *w, struct rb_node *to, struct rb_node *node, enum side s)
{
	*child_link(to, s) = child(node, s);
	child(node, s)->parent = to;
	wrote(w, child(node, s));
	wrote(w, to);
}

void rb_erase_report(struct rb_root *root, struct rb_node *n, struct rb_written *w)
{
	struct rb_node *next, *orphan, *parent;
	bool lost_black = !n->red;

	w->n = 0;
	if (!n->left || !n->right) {
		orphan = n->left ? n->left : n->right;
		parent = n->parent;
		replace(root, w, n, orphan);
	} else {
		/* The successor, which has no left child, takes n's place and colour. */
		next = rb_next(n);
		orphan = next->right;
		lost_black = !next->red;
		parent = next;
		if (next->parent != n) {
			parent = next->parent;
			replace(root, w, next, orphan);
			adopt(w, next, n, RIGHT);
		}
		replace(root, w, n, next);
		adopt(w, next, n, LEFT);
		next->red = n->red;
	}
	if (lost_black)
		erase_fix(root, w, orphan, parent);
}

unsigned rb_insert(
	struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	struct rb_written w;

	rb_insert_report(root, n, parent, link, &w);
	return w.n;
}

unsigned rb_erase(struct rb_root *root, struct rb_node *n)
{
	struct rb_written w;

	rb_erase_report(root, n, &w);
	return w.n;
}

static struct rb_node *outermost(struct rb_node *n, enum side s)
{
	while (n && child(n, s))
		n = child(n, s);
	return n;
}

static struct rb_node *neighbour(const struct rb_node *n, enum side s)
{
	if (child(n, s))
		return outermost(child(n, s), other(s));
	while (n->parent && side_of(n) == s)
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->node, LEFT);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->node, RIGHT);
}

struct rb_node *rb_next(const struct rb_node *n)
{
	return neighbour(n, RIGHT);
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	return neighbour(n, LEFT);
}

/* Black nodes on every path below n, or -1 when the subtree is not valid. `depth` ends cycles. */
static int black_height(const struct rb_node *n, const struct rb_node *parent, unsigned depth)
{
	int left, right;

	if (!n)
		return 0;
	if (n->parent != parent || depth > RB_WRITTEN_MAX)
		return -1;
	if (n->red && (is_red(n->left) || is_red(n->right)))
		return -1;
	left = black_height(n->left, n, depth + 1);
	right = black_height(n->right, n, depth + 1);
	if (left < 0 || left != right)
		return -1;
	return left + !n->red;
}

bool rb_check(const struct rb_root *root)
{
	return !is_red(root->node) && black_height(root->node, NULL, 0) >= 0;
}
