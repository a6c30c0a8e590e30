#include "trace/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"

struct spool_piece {
	uint64_t first, piece, pa;
	uint32_t len;
};

struct spool {
	FILE *file;
	const char *beside;
	int error;
	struct copy_slots slots;
	struct {
		char name[TRACE_NAME_BYTES + 1];
		bool used;
	} * device;
	uint16_t ndevices;
	struct spool_mapping *carried;
	uint32_t ncarried, carried_room;
	bool begun;
	sim_time first, last;
	uint64_t maps; /* written, and then read */
	struct spool_piece *piece;
	uint64_t *piece_map; /* ordinals of the maps that are pieces */
	uint32_t npieces, pieces_room, at_piece, at_piece_map;
	uint32_t pending; /* pieces of the last map that are still to be given out */
	struct trace_record joined; /* that map */
};

struct spool *spool_create(const char *beside, struct err *err)
{
	struct spool *s = xcalloc(1, sizeof(*s));
	char *name = xasprintf("%s.XXXXXX", beside);
	int fd = mkstemp(name);

	s->beside = beside;
	s->file = fd >= 0 ? fdopen(fd, "w+b") : NULL;
	if (fd >= 0)
		unlink(name);
	free(name);
	if (s->file)
		return s;
	err_at(err, (struct src_pos){ .file = beside }, NULL, "cannot be written: %s",
		strerror(errno));
	free(s);
	return NULL;
}

void spool_destroy(struct spool *s)
{
	fclose(s->file);
	copy_slots_fini(&s->slots);
	free(s->device);
	free(s->carried);
	free(s->piece);
	free(s->piece_map);
	free(s);
}

uint16_t spool_device(struct spool *s, const char *name)
{
	char cut[TRACE_NAME_BYTES + 1];

	snprintf(cut, sizeof(cut), "%s", name);
	for (uint16_t i = 0; i < s->ndevices; i++)
		if (strcmp(s->device[i].name, cut) == 0)
			return i;
	if (s->ndevices == UINT16_MAX)
		return (uint16_t)(UINT16_MAX - 1); /* the last takes the rest */
	s->device = xrealloc(s->device, s->ndevices + 1u, sizeof(*s->device));
	strcpy(s->device[s->ndevices].name, cut);
	s->device[s->ndevices].used = false;
	return s->ndevices++;
}

const char *spool_device_name(const struct spool *s, uint16_t device)
{
	return s->device[device].name;
}

uint16_t spool_devices(const struct spool *s)
{
	return s->ndevices;
}

bool spool_device_used(const struct spool *s, uint16_t device)
{
	for (uint32_t i = 0; !s->device[device].used && i < s->ncarried; i++)
		s->device[device].used = s->carried[i].device == device;
	return s->device[device].used;
}

static void put(struct spool *s, sim_time at, struct trace_record r)
{
	if (!s->begun)
		s->first = s->last = at;
	s->begun = true;
	if (at > s->last)
		s->last = at;
	r.time = s->last - s->first;
	if (fwrite(&r, sizeof(r), 1, s->file) != 1 && !s->error)
		s->error = errno ? errno : EIO;
}

uint32_t spool_map(struct spool *s, sim_time at, const struct spool_mapping *m, uint16_t rest)
{
	uint32_t slot = copy_slot_get(&s->slots);

	BUG_ON(slot >= SPOOL_CARRIED);
	s->device[m->device].used = true;
	s->maps++;
	put(s, at,
		(struct trace_record){ .type = TRACE_MAP,
			.flags = m->flags,
			.cpu = m->cpu,
			.device = m->device,
			.rest = rest,
			.value = m->pa,
			.handle = slot,
			.len = m->len });
	return slot;
}

uint32_t spool_carried(struct spool *s, const struct spool_mapping *m)
{
	if (s->ncarried == s->carried_room) {
		s->carried_room = s->carried_room ? 2 * s->carried_room : 256;
		s->carried = xrealloc(s->carried, s->carried_room, sizeof(*s->carried));
	}
	s->carried[s->ncarried] = *m;
	return SPOOL_CARRIED | s->ncarried++;
}

struct spool_mapping *spool_carried_at(struct spool *s, uint32_t slot)
{
	BUG_ON(!(slot & SPOOL_CARRIED) || (slot & ~SPOOL_CARRIED) >= s->ncarried);
	return &s->carried[slot & ~SPOOL_CARRIED];
}

void spool_segment(struct spool *s, uint32_t slot, uint64_t pa, uint32_t len, uint16_t rest)
{
	put(s, s->last,
		(struct trace_record){ .type = TRACE_SEGMENT,
			.rest = rest,
			.value = pa,
			.handle = slot,
			.len = len });
}

void spool_dma(
	struct spool *s, sim_time at, uint32_t slot, uint64_t offset, uint32_t len, unsigned flags)
{
	put(s, at,
		(struct trace_record){ .type = TRACE_DMA,
			.flags = (uint8_t)flags,
			.value = offset,
			.handle = slot,
			.len = len });
}

void spool_sync(struct spool *s, sim_time at, uint16_t cpu, uint32_t slot, uint64_t offset,
	uint32_t len, unsigned flags)
{
	put(s, at,
		(struct trace_record){ .type = TRACE_SYNC,
			.flags = (uint8_t)flags,
			.cpu = cpu,
			.value = offset,
			.handle = slot,
			.len = len });
}

void spool_unmap(struct spool *s, sim_time at, uint16_t cpu, uint32_t slot)
{
	put(s, at, (struct trace_record){ .type = TRACE_UNMAP, .cpu = cpu, .handle = slot });
	if (!(slot & SPOOL_CARRIED))
		copy_slot_put(&s->slots, slot);
}

uint64_t spool_maps(const struct spool *s)
{
	return s->maps;
}

void spool_join(struct spool *s, uint64_t first, uint64_t piece, uint64_t pa, uint32_t len)
{
	if (s->npieces == SPOOL_JOINS)
		return;
	if (s->npieces == s->pieces_room) {
		s->pieces_room = s->pieces_room ? 2 * s->pieces_room : 256;
		s->piece = xrealloc(s->piece, s->pieces_room, sizeof(*s->piece));
	}
	s->piece[s->npieces++] = (struct spool_piece){ first, piece, pa, len };
}

void spool_drop(struct spool *s, uint32_t slot)
{
	copy_slot_put(&s->slots, slot);
}

/* ---- the second pass ---- */

static int by_map(const void *a, const void *b)
{
	const struct spool_piece *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->piece < y->piece ? -1 : x->piece > y->piece;
}

static int by_ordinal(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* By the map they belong to, and their own maps in order. */
static void sort_pieces(struct spool *s)
{
	s->piece_map = xcalloc(s->npieces + 1u, sizeof(*s->piece_map));
	for (uint32_t i = 0; i < s->npieces; i++)
		s->piece_map[i] = s->piece[i].piece;
	if (s->npieces > 0) {
		qsort(s->piece, s->npieces, sizeof(*s->piece), by_map);
		qsort(s->piece_map, s->npieces, sizeof(*s->piece_map), by_ordinal);
	}
	s->maps = 0;
}

bool spool_rewind(struct spool *s, struct err *err)
{
	if (fflush(s->file) != 0 && !s->error)
		s->error = errno;
	if (fseek(s->file, 0, SEEK_SET) != 0 && !s->error)
		s->error = errno;
	sort_pieces(s);
	if (!s->error)
		return true;
	return err_at(err, (struct src_pos){ .file = s->beside }, NULL,
		"temporary file beside it: %s", strerror(s->error));
}

uint32_t spool_ncarried(const struct spool *s)
{
	return s->ncarried;
}

const struct spool_mapping *spool_carried_of(const struct spool *s, uint32_t i)
{
	return &s->carried[i];
}

/* The next piece of the map just given out, which has no pieces of its own. */
static void give_piece(struct spool *s, struct trace_record *r)
{
	const struct spool_piece *p = &s->piece[s->at_piece++];

	*r = (struct trace_record){ .type = TRACE_SEGMENT,
		.rest = (uint16_t)--s->pending,
		.device = s->joined.device,
		.time = s->joined.time,
		.value = p->pa,
		.handle = s->joined.handle,
		.len = p->len };
}

/* True: the map is a piece of another and has been given out with it. */
static bool take_map(struct spool *s, struct trace_record *r)
{
	uint32_t n = 0;

	s->maps++;
	if (s->at_piece_map < s->npieces && s->piece_map[s->at_piece_map] == s->maps) {
		s->at_piece_map++;
		return true;
	}
	while (s->at_piece + n < s->npieces && s->piece[s->at_piece + n].first == s->maps)
		n++;
	s->pending = n;
	r->rest = (uint16_t)(r->rest + n);
	s->joined = *r;
	return false;
}

bool spool_next(struct spool *s, struct trace_record *r)
{
	if (s->pending > 0) {
		give_piece(s, r);
		return true;
	}
	while (fread(r, sizeof(*r), 1, s->file) == 1)
		if (r->type != TRACE_MAP || !take_map(s, r))
			return true;
	return false;
}
