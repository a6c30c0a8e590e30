/*
 * Arrival processes that need no file: constant, Poisson, on-off. Times are exact: what does not
 * divide into picoseconds is carried over, so a rate holds to the last bit however long the run.
 */
#include "workloads/arrivals_priv.h"

#define CONSTANT_CONF(F)                                                                           \
	ARRIVALS_RATE_CONF(F, "10Gbps", "Bits per second; frames follow back to back.")
#define POISSON_CONF(F) ARRIVALS_RATE_CONF(F, "10Gbps", "Bits per second in the mean.")
#define ONOFF_CONF(F)                                                                              \
	ARRIVALS_RATE_CONF(F, "40Gbps", "Bits per second within a burst.")                         \
	F(time, on, "100us", "1ns", "100s", "", "Mean length of a burst.")                         \
	F(time, off, "300us", "0", "100s", "", "Mean length of the pause after it.")

CONF_DECLARE(constant_conf, CONSTANT_CONF);
CONF_DECLARE(poisson_conf, POISSON_CONF);
CONF_DECLARE(onoff_conf, ONOFF_CONF);

#define CONF_STRUCT_ struct constant_conf
static const struct conf_field constant_fields[] = { CONSTANT_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
const struct conf_table arrivals_constant_table =
	CONF_TABLE("constant", constant_conf, constant_fields, NULL);

#define CONF_STRUCT_ struct poisson_conf
static const struct conf_field poisson_fields[] = { POISSON_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
const struct conf_table arrivals_poisson_table =
	CONF_TABLE("poisson", poisson_conf, poisson_fields, NULL);

#define CONF_STRUCT_ struct onoff_conf
static const struct conf_field onoff_fields[] = { ONOFF_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
const struct conf_table arrivals_onoff_table = CONF_TABLE("onoff", onoff_conf, onoff_fields, NULL);

/* Bits at a rate: the time they take, with the remainder carried to the next. */
struct pace {
	uint64_t bps, rest;
};

static sim_time pace_take(struct pace *pace, uint64_t bits)
{
	uint64_t n = bits * SEC + pace->rest; /* 2^19 bits x 10^12 fit */

	pace->rest = n % pace->bps;
	return n / pace->bps;
}

struct synthetic {
	sim_time at;
	enum frame_counts counts;
	struct pace pace;
	double gap; /* poisson: mean, in ps */
	double on, off; /* onoff: means, in ps */
	sim_time on_left; /* onoff: of this burst */
};

static void start(struct arrivals *a, uint64_t rate, uint32_t counts)
{
	struct synthetic *s = a->state;
	double counted;

	s->counts = (enum frame_counts)counts;
	s->pace.bps = rate;
	counted = sizes_mean(&a->sizes, s->counts);
	s->gap = counted * 8.0 * (double)SEC / (double)rate;
	a->mean_bytes = sizes_mean(&a->sizes, FRAME_COUNTS_FRAME);
	a->offered_bps = (double)rate * a->mean_bytes / counted;
}

static void frame(struct arrivals *a, struct arrival *out)
{
	out->bytes = sizes_next(&a->sizes);
	out->flow = (uint32_t)rng_below(&a->flow_rng, a->flows);
}

static sim_time time_of(struct synthetic *s, const struct arrival *out)
{
	return pace_take(&s->pace, 8 * (uint64_t)frame_counted(out->bytes, s->counts));
}

static bool constant_init(struct arrivals *a, const struct arrivals_setup *setup, struct err *err)
{
	const struct constant_conf *conf = setup->process_conf;

	(void)err;
	start(a, conf->rate, conf->counts);
	return true;
}

static bool constant_next(struct arrivals *a, struct arrival *out)
{
	struct synthetic *s = a->state;

	frame(a, out);
	s->at += time_of(s, out);
	out->at = s->at;
	return true;
}

static bool poisson_init(struct arrivals *a, const struct arrivals_setup *setup, struct err *err)
{
	const struct poisson_conf *conf = setup->process_conf;

	(void)err;
	start(a, conf->rate, conf->counts);
	return true;
}

static sim_time draw(struct arrivals *a, double mean)
{
	return (sim_time)(rng_exp(&a->rng, mean) + 0.5);
}

/* Arrivals do not know of the lengths: frames may come closer than a link could carry them. */
static bool poisson_next(struct arrivals *a, struct arrival *out)
{
	struct synthetic *s = a->state;

	frame(a, out);
	s->at += draw(a, s->gap);
	out->at = s->at;
	return true;
}

static bool onoff_init(struct arrivals *a, const struct arrivals_setup *setup, struct err *err)
{
	const struct onoff_conf *conf = setup->process_conf;
	struct synthetic *s = a->state;

	(void)err;
	start(a, conf->rate, conf->counts);
	s->on = (double)conf->on;
	s->off = (double)conf->off;
	a->offered_bps *= s->on / (s->on + s->off);
	s->on_left = draw(a, s->on);
	return true;
}

/* A frame that a burst has no time left for goes on after the pause. */
static bool onoff_next(struct arrivals *a, struct arrival *out)
{
	struct synthetic *s = a->state;
	sim_time need;

	frame(a, out);
	for (need = time_of(s, out); need > s->on_left; s->on_left = draw(a, s->on)) {
		need -= s->on_left;
		s->at += s->on_left + draw(a, s->off);
	}
	s->on_left -= need;
	s->at += need;
	out->at = s->at;
	return true;
}

const struct arrivals_process arrivals_constant = {
	.state_size = sizeof(struct synthetic),
	.init = constant_init,
	.next = constant_next,
};

const struct arrivals_process arrivals_poisson = {
	.state_size = sizeof(struct synthetic),
	.init = poisson_init,
	.next = poisson_next,
};

const struct arrivals_process arrivals_onoff = {
	.state_size = sizeof(struct synthetic),
	.init = onoff_init,
	.next = onoff_next,
};
