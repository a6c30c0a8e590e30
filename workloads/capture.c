#include "workloads/capture.h"

#include <pcap/pcap.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/textio.h"
#include "workloads/rss.h"
#include "workloads/sizes.h"

#define SPAN_MAX_S 8640000 /* 100 days: times stay far from the end of sim_time */

struct reader {
	struct capture *c;
	const char *file;
	size_t room;
	struct timeval first;
};

static bool refuse(struct err *err, const char *file, const char *text, const char *why)
{
	struct src_pos pos = { .file = file };

	return err_at(err, pos, NULL, "%s%s", text, why);
}

static bool refuse_packet(const struct reader *r, struct err *err, const char *why)
{
	struct src_pos pos = { .file = r->file };

	return err_at(err, pos, NULL, "packet %zu: %s", r->c->n + 1, why);
}

/* Since the first packet, in ps; the capture was opened for nanoseconds, which pcap puts in tv_usec. */
static int64_t since_first(const struct reader *r, const struct timeval *tv)
{
	return ((int64_t)tv->tv_sec - r->first.tv_sec) * (int64_t)SEC +
	       ((int64_t)tv->tv_usec - r->first.tv_usec) * (int64_t)NS;
}

static bool add(
	struct reader *r, const struct pcap_pkthdr *h, const uint8_t *frame, struct err *err)
{
	struct capture *c = r->c;
	sim_time before = c->n ? c->packet[c->n - 1].at : 0;
	int64_t at;

	if (c->n == 0)
		r->first = h->ts;
	if (h->len < FRAME_MIN || h->len > FRAME_MAX)
		return refuse_packet(r, err, "is not as long as an Ethernet frame can be");
	if (c->n == CAPTURE_PACKETS_MAX)
		return refuse_packet(r, err, "more packets than a capture may have (64 Mi)");
	if (h->ts.tv_sec - r->first.tv_sec > SPAN_MAX_S)
		return refuse_packet(r, err, "comes more than 100 days after the first");
	if (c->n == r->room) {
		r->room = r->room ? 2 * r->room : 4096;
		c->packet = xrealloc(c->packet, r->room, sizeof(*c->packet));
	}
	at = h->ts.tv_sec - r->first.tv_sec < -SPAN_MAX_S ? -1 : since_first(r, &h->ts);
	if (at < 0 || (sim_time)at < before) {
		c->disordered++;
		at = (int64_t)before;
	}
	c->packet[c->n++] = (struct capture_packet){
		.at = (sim_time)at, .bytes = h->len, .flow = rss_frame(frame, h->caplen)
	};
	c->bytes += h->len;
	return true;
}

static bool read_packets(struct reader *r, pcap_t *pcap, struct err *err)
{
	struct pcap_pkthdr *h;
	const uint8_t *frame;
	int got;

	while ((got = pcap_next_ex(pcap, &h, &frame)) == 1)
		if (!add(r, h, frame, err))
			return false;
	if (got != PCAP_ERROR_BREAK)
		return refuse_packet(r, err, pcap_geterr(pcap));
	return r->c->n > 0 || refuse(err, r->file, "holds no packet", "");
}

static bool check_link(pcap_t *pcap, const char *file, struct err *err)
{
	int link = pcap_datalink(pcap);
	const char *name = pcap_datalink_val_to_name(link);

	if (link == DLT_EN10MB)
		return true;
	refuse(err, file, "is no Ethernet capture but of link type ", name ? name : "unknown");
	return err_hint(err, "capture on an Ethernet interface");
}

static bool read_capture(struct reader *r, struct text_in *in, struct err *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *f = text_stdio(in);
	pcap_t *pcap;
	bool ok;

	pcap = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!pcap) {
		fclose(f);
		return refuse(err, r->file, "is no packet capture: ", why);
	}
	ok = check_link(pcap, r->file, err) && read_packets(r, pcap, err);
	pcap_close(pcap); /* closes f too */
	return ok;
}

bool capture_load(struct capture *c, const char *file, struct err *err)
{
	struct reader r = { .c = c, .file = file };
	struct text_in *in;
	bool ok;

	*c = (struct capture){ .n = 0 };
	in = text_open(file, err);
	if (!in)
		return false;
	ok = read_capture(&r, in, err);
	/* A broken compressed file looks like a short capture to libpcap: its own story is truer. */
	if (text_failed(in, err))
		ok = false;
	text_close(in);
	if (!ok)
		capture_fini(c);
	return ok;
}

void capture_fini(struct capture *c)
{
	free(c->packet);
	*c = (struct capture){ .n = 0 };
}
