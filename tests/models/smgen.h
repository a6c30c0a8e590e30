/*
 * smgen - random scalable-mode tables, right and wrong, that software changes as the specification asks:
 * each change is followed by an invalidation that covers it, sometimes by more than that.
 */
#ifndef TESTS_MODELS_SMGEN_H
#define TESTS_MODELS_SMGEN_H
#include "base/rng.h"
#include "tests/models/brute_sm.h"

#define SM_DEVICES  3u
#define SM_PASIDS   4u
#define SM_SPACES   3u
#define SM_TABLES   64u
#define SM_CHILDREN 3u

enum sm_mode { SM_FIRST_4 = 0, SM_FIRST_5, SM_SECOND, SM_NESTED, SM_MODES };

struct sm_table {
	uint64_t host, guest; /* the same but for a nested first stage */
	uint64_t base; /* first address that it translates */
	unsigned level;
	unsigned child[SM_CHILDREN]; /* places in the tree */
};

/* A tree of tables that never changes its shape; entries come to point to their child or elsewhere. */
struct sm_tree {
	bool first;
	unsigned levels, n;
	unsigned index[6][SM_CHILDREN], width[6]; /* indices in use, by level; how many */
	struct sm_table t[SM_TABLES];
};

struct sm_space {
	uint16_t did;
	bool nxe, ss_ad;
	bool nowhere; /* the second stage's root leads nowhere */
	struct sm_tree fs, ss;
	unsigned nhomes;
	uint64_t home[64]; /* nested: host page of each guest page in use, */
	uint64_t slot[64]; /* and its guest address */
};

struct smgen {
	struct hand h;
	struct rng rng;
	enum sm_mode mode;
	uint64_t first_table;
	uint64_t context[SM_DEVICES], directory[SM_DEVICES]; /* addresses */
	uint64_t pasid_tables[SM_DEVICES][8]; /* by directory index */
	struct sm_space space[SM_SPACES];
};

extern const uint16_t sm_device[SM_DEVICES];
extern const uint32_t sm_pasid[SM_PASIDS];

bool sm_chance(struct smgen *g, unsigned percent);
/* Everything anew, and all caches emptied. */
void sm_rebuild(struct smgen *g);
/* One change with its invalidation; or a needless invalidation. */
void sm_change(struct smgen *g);
struct xlate sm_request(struct smgen *g);

/* ---- between smgen.c (who is translated how) and smtree.c (paging entries) ---- */
void sm_build_spaces(struct smgen *g);
void sm_change_paging_entry(struct smgen *g, struct sm_space *s);
uint64_t sm_address(struct smgen *g, const struct sm_tree *t);
/* All of a PASID of the space, or of its second stage. */
void sm_forget_first(struct smgen *g, const struct sm_space *s);
void sm_forget_second(struct smgen *g, const struct sm_space *s);

#endif
