/*
 * Arrivals as they were captured: at the capture's own pace, or with all its gaps scaled by one
 * factor, so that its bursts keep their shape and its mean rate becomes the one asked for.
 *
 * One round through the capture lasts from the first packet to the last plus one mean gap, which is
 * what a loop leaves between the last packet and the first of the next round.
 */
#include "workloads/arrivals_priv.h"
#include "workloads/capture.h"

enum { PACE_TIMESTAMPS, PACE_RATE };

#define PCAP_CONF(F)                                                                               \
	F(path, file, "", NULL, NULL, "",                                                          \
		"Ethernet capture, pcap or pcapng, plain or compressed by zstd.")                  \
	F(choice, pace, "timestamps", NULL, NULL, "timestamps|rate",                               \
		"Keep the capture's times, or scale all gaps to the rate.")                        \
	ARRIVALS_RATE_CONF(F, "10Gbps", "Bits per second in the mean, where pace is rate.")        \
	F(bool, loop, "true", NULL, NULL, "",                                                      \
		"Begin again after the last packet; otherwise the traffic ends there.")

CONF_DECLARE(pcap_conf, PCAP_CONF);

static bool replay_validate(const void *conf, struct conf_check *chk)
{
	const struct pcap_conf *c = conf;

	if (!c->file || c->file[0] == '\0')
		return conf_refuse(chk, "file", "must name a packet capture");
	return true;
}

#define CONF_STRUCT_ struct pcap_conf
static const struct conf_field fields[] = { PCAP_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
const struct conf_table arrivals_pcap_table =
	CONF_TABLE("pcap", pcap_conf, fields, replay_validate);

__extension__ typedef unsigned __int128 u128;

struct replay {
	struct capture capture;
	bool loop;
	size_t i;
	uint64_t round;
	sim_time span; /* of one round, by the timestamps; 0: they are all the same */
	/* A round lasts round_bits at bps: exact over any number of rounds. bps 0: it lasts `span`. */
	uint64_t round_bits, bps;
	sim_time base, length; /* of this round; length is that of the first, a remainder apart */
};

/* Begin of round n. */
static sim_time round_start(const struct replay *s, uint64_t n)
{
	if (s->bps == 0)
		return n * s->span;
	return (sim_time)((u128)n * s->round_bits * SEC / s->bps);
}

/* Of packet i within a round. Without different timestamps, packets are spread evenly. */
static sim_time offset(const struct replay *s, size_t i)
{
	sim_time at = s->capture.packet[i].at;

	if (s->bps == 0)
		return at;
	if (s->span == 0)
		return (sim_time)((u128)s->length * i / s->capture.n);
	return (sim_time)((u128)s->length * at / s->span);
}

static uint64_t bits_of_round(
	const struct arrivals *a, const struct capture *c, enum frame_counts counts)
{
	uint64_t bytes = 0;

	if (!sizes_from_capture(&a->sizes))
		return (uint64_t)(8.0 * (double)c->n * sizes_mean(&a->sizes, counts) + 0.5);
	for (size_t i = 0; i < c->n; i++)
		bytes += frame_counted(c->packet[i].bytes, counts);
	return 8 * bytes;
}

static void offered(struct arrivals *a)
{
	const struct replay *s = a->state;
	const struct capture *c = &s->capture;

	a->mean_bytes = sizes_from_capture(&a->sizes) ? (double)c->bytes / (double)c->n
						      : sizes_mean(&a->sizes, FRAME_COUNTS_FRAME);
	if (s->length > 0)
		a->offered_bps =
			8.0 * a->mean_bytes * (double)c->n * (double)SEC / (double)s->length;
}

static bool replay_init(struct arrivals *a, const struct arrivals_setup *setup, struct err *err)
{
	const struct pcap_conf *conf = setup->process_conf;
	struct replay *s = a->state;
	struct capture *c = &s->capture;
	struct err inner = { .text = "" };
	sim_time last;

	if (!capture_load(c, conf->file, &inner)) {
		err_at(err, setup->file_pos, "workload.arrivals.file", "%s: %s", conf->file,
			inner.text);
		return inner.hint[0] ? err_hint(err, "%s", inner.hint) : false;
	}
	last = c->packet[c->n - 1].at;
	s->span = last ? last + last / (c->n - 1) : 0;
	s->loop = conf->loop;
	s->round_bits = bits_of_round(a, c, (enum frame_counts)conf->counts);
	s->bps = conf->pace == PACE_RATE ? conf->rate : 0;
	s->length = round_start(s, 1);
	a->disordered = c->disordered;
	if (s->loop && s->bps == 0 && s->span == 0) {
		err_at(err, setup->file_pos, "workload.arrivals.file",
			"%s: all timestamps are the same, so its pace cannot be kept in a loop",
			conf->file);
		return err_hint(err, "set pace: rate, or loop: false");
	}
	offered(a);
	return true;
}

static void replay_fini(struct arrivals *a)
{
	struct replay *s = a->state;

	capture_fini(&s->capture);
}

static bool replay_next(struct arrivals *a, struct arrival *out)
{
	struct replay *s = a->state;
	const struct capture_packet *packet;

	if (s->i == s->capture.n) {
		if (!s->loop)
			return false;
		s->i = 0;
		s->base = round_start(s, ++s->round);
	}
	packet = &s->capture.packet[s->i];
	out->at = s->base + offset(s, s->i++);
	out->bytes = sizes_from_capture(&a->sizes) ? packet->bytes : sizes_next(&a->sizes);
	out->flow = packet->flow;
	return true;
}

const struct arrivals_process arrivals_pcap = {
	.state_size = sizeof(struct replay),
	.init = replay_init,
	.fini = replay_fini,
	.next = replay_next,
};
