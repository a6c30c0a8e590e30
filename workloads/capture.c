#include "workloads/capture.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/textio.h"
#include "trace/packets.h"

static bool refuse(struct err *err, const char *file, const char *why)
{
	return err_at(err, (struct src_pos){ .file = file }, NULL, "%s", why);
}

static bool read_packets(struct capture *c, struct packets *p, const char *file, struct err *err)
{
	struct packet packet;
	size_t room = 0;

	while (packets_next(p, &packet)) {
		if (c->n == CAPTURE_PACKETS_MAX)
			return refuse(
				err, file, "has more packets than a capture may have (64 Mi)");
		if (c->n == room) {
			room = room ? 2 * room : 4096;
			c->packet = xrealloc(c->packet, room, sizeof(*c->packet));
		}
		c->packet[c->n++] = (struct capture_packet){ packet.at, packet.bytes, packet.flow };
		c->bytes += packet.bytes;
		c->disordered += packet.disordered;
	}
	if (packets_failed(p, err))
		return false;
	return c->n > 0 || refuse(err, file, "holds no packet");
}

bool capture_load(struct capture *c, const char *file, struct err *err)
{
	struct text_in *in = text_open(file, err);
	struct packets *p;
	bool ok = false;

	*c = (struct capture){ .n = 0 };
	if (!in)
		return false;
	p = packets_open(in, file, err);
	if (p) {
		ok = read_packets(c, p, file, err);
		packets_close(p);
	}
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
