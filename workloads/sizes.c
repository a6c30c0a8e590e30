#include "workloads/sizes.h"

#include "base/bug.h"

#define FIXED_CONF(F) F(u32, size, "1514", "14", "65535", "bytes", "Length of every frame.")

CONF_DECLARE(sizes_fixed_conf, FIXED_CONF);

#define CONF_STRUCT_ struct sizes_fixed_conf
static const struct conf_field fixed_fields[] = { FIXED_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table fixed_table =
	CONF_TABLE("fixed", sizes_fixed_conf, fixed_fields, NULL);

#define LIST_CONF(F)                                                                               \
	F(u32list, sizes, "[66, 1514]", "14", "65535", "bytes", "Lengths of frames.")              \
	F(u32list, weights, "[1, 1]", "0", "1000000", "",                                          \
		"How often each length comes, relative to the others; as many as sizes.")

CONF_DECLARE(sizes_list_conf, LIST_CONF);

static uint64_t sum(const struct conf_list *l)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < l->n; i++)
		total += l->v[i];
	return total;
}

static bool list_validate(const void *conf, struct conf_check *chk)
{
	const struct sizes_list_conf *c = conf;

	if (c->sizes.n == 0)
		return conf_refuse(chk, "sizes", "must name at least one length");
	if (c->weights.n != c->sizes.n)
		return conf_refuse(
			chk, "weights", "has %u entries for %u sizes", c->weights.n, c->sizes.n);
	if (sum(&c->weights) == 0)
		return conf_refuse(chk, "weights", "must not all be 0");
	return true;
}

#define CONF_STRUCT_ struct sizes_list_conf
static const struct conf_field list_fields[] = { LIST_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table list_table =
	CONF_TABLE("list", sizes_list_conf, list_fields, list_validate);

enum { FIXED, IMIX, LIST, CAPTURE };

const struct conf_variant sizes_variants[SIZES_VARIANTS] = {
	[FIXED] = { "fixed", "Every frame of one length", "", &fixed_table },
	[IMIX] = { "imix", "Frames of 64, 594 and 1518 bytes, 7:4:1", "Simple IMIX", NULL },
	[LIST] = { "list", "Lengths and their weights", "", &list_table },
	[CAPTURE] = { "capture", "Lengths of the capture (with arrivals: pcap)", "", NULL },
};

static void add(struct sizes *s, uint32_t size, uint32_t weight)
{
	s->size[s->n] = size;
	s->upto[s->n] = weight + (s->n ? s->upto[s->n - 1] : 0);
	s->n++;
}

void sizes_init(
	struct sizes *s, const struct conf_variant *variant, const void *conf, uint64_t seed)
{
	const struct sizes_list_conf *list = conf;

	BUG_ON(variant < sizes_variants || variant >= sizes_variants + SIZES_VARIANTS);
	*s = (struct sizes){ .n = 0 };
	rng_init(&s->rng, seed, "workload.sizes");
	switch (variant - sizes_variants) {
	case FIXED:
		add(s, ((const struct sizes_fixed_conf *)conf)->size, 1);
		break;
	case IMIX:
		add(s, 64, 7);
		add(s, 594, 4);
		add(s, 1518, 1);
		break;
	case LIST:
		for (uint32_t i = 0; i < list->sizes.n; i++)
			add(s, list->sizes.v[i], list->weights.v[i]);
		break;
	case CAPTURE:
		break;
	}
}

uint32_t sizes_next(struct sizes *s)
{
	uint64_t draw;
	uint32_t i = 0;

	if (s->n == 1)
		return s->size[0];
	BUG_ON(s->n == 0);
	draw = rng_below(&s->rng, s->upto[s->n - 1]);
	while (draw >= s->upto[i])
		i++;
	return s->size[i];
}

double sizes_mean(const struct sizes *s, enum frame_counts counts)
{
	uint64_t before = 0;
	double total = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		total += (double)frame_counted(s->size[i], counts) * (double)(s->upto[i] - before);
		before = s->upto[i];
	}
	return s->n ? total / (double)before : 0.0;
}
