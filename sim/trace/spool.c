#include "trace/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"

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

bool spool_rewind(struct spool *s, struct err *err)
{
	if (fflush(s->file) != 0 && !s->error)
		s->error = errno;
	if (fseek(s->file, 0, SEEK_SET) != 0 && !s->error)
		s->error = errno;
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

bool spool_next(struct spool *s, struct trace_record *r)
{
	return fread(r, sizeof(*r), 1, s->file) == 1;
}
