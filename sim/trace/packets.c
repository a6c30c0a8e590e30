#include "trace/packets.h"

#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/rss.h"

#define SPAN_MAX_S 8640000 /* 100 days: times stay far from the end of sim_time */

struct packets {
	struct text_in *in;
	const char *file;
	pcap_t *pcap;
	uint64_t n;
	struct timeval first;
	sim_time last;
	bool failed;
	struct err err;
};

static bool refuse(struct err *err, const char *file, const char *text, const char *why)
{
	return err_at(err, (struct src_pos){ .file = file }, NULL, "%s%s", text, why);
}

static bool fail(struct packets *p, const char *why)
{
	p->failed = true;
	/* A broken compressed file looks like a short capture to libpcap: its own story is truer. */
	if (!text_failed(p->in, &p->err))
		err_at(&p->err, (struct src_pos){ .file = p->file }, NULL, "packet %" PRIu64 ": %s",
			p->n + 1, why);
	return false;
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

struct packets *packets_open(struct text_in *in, const char *file, struct err *err)
{
	struct packets *p = xcalloc(1, sizeof(*p));
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *f = text_stdio(in);

	p->in = in;
	p->file = file;
	p->pcap = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, why);
	if (p->pcap && check_link(p->pcap, file, err))
		return p;
	if (p->pcap) {
		pcap_close(p->pcap); /* closes f too */
	} else {
		fclose(f);
		refuse(err, file, "is no packet capture: ", why);
		text_failed(in, err);
	}
	free(p);
	return NULL;
}

void packets_close(struct packets *p)
{
	pcap_close(p->pcap);
	free(p);
}

/* Since the first packet, in ps; the capture was opened for nanoseconds, which pcap puts in tv_usec. */
static int64_t since_first(const struct packets *p, const struct timeval *tv)
{
	return ((int64_t)tv->tv_sec - p->first.tv_sec) * (int64_t)SEC +
	       ((int64_t)tv->tv_usec - p->first.tv_usec) * (int64_t)NS;
}

static bool take(
	struct packets *p, const struct pcap_pkthdr *h, const uint8_t *frame, struct packet *out)
{
	int64_t at;

	if (p->n == 0)
		p->first = h->ts;
	if (h->len < PACKET_MIN || h->len > PACKET_MAX)
		return fail(p, "is not as long as an Ethernet frame can be");
	if (h->ts.tv_sec - p->first.tv_sec > SPAN_MAX_S)
		return fail(p, "comes more than 100 days after the first");
	at = h->ts.tv_sec - p->first.tv_sec < -SPAN_MAX_S ? -1 : since_first(p, &h->ts);
	out->disordered = at < 0 || (sim_time)at < p->last;
	if (!out->disordered)
		p->last = (sim_time)at;
	out->at = p->last;
	out->bytes = h->len;
	out->flow = rss_frame(frame, h->caplen);
	p->n++;
	return true;
}

bool packets_next(struct packets *p, struct packet *out)
{
	struct pcap_pkthdr *h;
	const uint8_t *frame;
	int got;

	if (p->failed)
		return false;
	got = pcap_next_ex(p->pcap, &h, &frame);
	if (got == 1)
		return take(p, h, frame, out);
	if (got != PCAP_ERROR_BREAK || text_failed(p->in, NULL))
		fail(p, pcap_geterr(p->pcap));
	return false;
}

bool packets_failed(const struct packets *p, struct err *err)
{
	if (p->failed && err)
		*err = p->err;
	return p->failed;
}

uint64_t packets_read(const struct packets *p)
{
	return p->n;
}

bool packets_recognise(const void *start, size_t n)
{
	static const unsigned char magic[][4] = {
		{ 0xa1, 0xb2, 0xc3, 0xd4 }, { 0xd4, 0xc3, 0xb2, 0xa1 }, /* microseconds */
		{ 0xa1, 0xb2, 0x3c, 0x4d }, { 0x4d, 0x3c, 0xb2, 0xa1 }, /* nanoseconds */
		{ 0x0a, 0x0d, 0x0d, 0x0a }, /* pcapng */
	};

	for (size_t i = 0; n >= 4 && i < ARRAY_SIZE(magic); i++)
		if (memcmp(start, magic[i], 4) == 0)
			return true;
	return false;
}
