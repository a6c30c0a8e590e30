#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "workloads/replay.h"

#define BLOCK_BYTES ((uint64_t)1 << REPLAY_BLOCK_LG2)
#define BLOCK_PAGES ((unsigned)(BLOCK_BYTES >> PAGE_LG2))

bool replay_open(struct replay *r, const char *file, struct err *err)
{
	list_init(&r->buffers);
	list_init(&r->free_steps);
	r->reader = trace_open(file, err);
	if (!r->reader)
		return false;
	r->totals = *trace_totals_of(r->reader);
	return true;
}

void replay_close(struct replay *r)
{
	struct list *n;

	while ((n = list_pop_front(&r->free_steps)) != NULL)
		free(list_entry(n, struct replay_step, link));
	free(r->buffer);
	free(r->block);
	if (r->reader)
		trace_close(r->reader);
}

/* ---- memory ---- */

static uint32_t place(const struct replay *r, uint64_t from)
{
	uint32_t i = (uint32_t)(from * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (r->block_room - 1);

	while (r->block[i].from && r->block[i].from != from)
		i = (i + 1) & (r->block_room - 1);
	return i;
}

static void grow_blocks(struct replay *r)
{
	struct replay old = *r;

	r->block_room = old.block_room ? 2 * old.block_room : 256;
	r->block = xcalloc(r->block_room, sizeof(*r->block));
	for (uint32_t i = 0; i < old.block_room; i++)
		if (old.block[i].from)
			r->block[place(r, old.block[i].from)] = old.block[i];
	free(old.block);
}

/* Where the recorded address lies in the simulated machine: 2 MiB of it are together in both. */
static hpa_t relocate(struct replay *r, uint64_t pa)
{
	uint64_t from = (pa >> REPLAY_BLOCK_LG2) + 1;
	uint32_t i;

	if (2 * r->nblocks >= r->block_room)
		grow_blocks(r);
	i = place(r, from);
	if (!r->block[i].from) {
		r->block[i].from = from;
		r->block[i].to = pages_take_contig(r->env.machine->pages, BLOCK_PAGES);
		r->nblocks++;
	}
	return (hpa_t){ r->block[i].to.a + (pa & (BLOCK_BYTES - 1)) };
}

void replay_memory_free(struct replay *r, struct proc *p)
{
	for (uint32_t i = 0; i < r->block_room; i++)
		if (r->block[i].from)
			pages_free_contig(r->env.machine->pages, p, r->block[i].to, BLOCK_PAGES);
}

/* ---- buffers ---- */

/* One recorded piece; cut where blocks end, unless the simulated ones follow each other too. */
static void add_piece(struct replay *r, struct replay_buffer *b, uint64_t pa, uint64_t len)
{
	b->len += len;
	while (len > 0) {
		uint64_t to_end = BLOCK_BYTES - (pa & (BLOCK_BYTES - 1));
		uint32_t n = (uint32_t)(len < to_end ? len : to_end);
		hpa_t to = relocate(r, pa);
		struct dma_sg *last = b->n ? &b->sg[b->n - 1] : NULL;

		if (last && last->pa.a + last->len == to.a) {
			last->len += n;
		} else {
			b->sg = xrealloc(b->sg, b->n + 1, sizeof(*b->sg));
			b->sg[b->n++] = (struct dma_sg){ to, n };
		}
		pa += n;
		len -= n;
	}
}

static struct replay_buffer *new_buffer(struct replay *r, const struct trace_record *rec)
{
	struct replay_buffer *b = xcalloc(1, sizeof(*b));

	b->device = &r->device[rec->device];
	b->dir = (enum dma_dir)(rec->flags & TRACE_DIR);
	b->coherent = rec->flags & TRACE_COHERENT;
	if (rec->handle >= r->handles) {
		r->handles = rec->handle < 512 ? 1024 : 2 * rec->handle;
		r->buffer = xrealloc(r->buffer, r->handles, sizeof(struct replay_buffer *));
	}
	r->buffer[rec->handle] = b;
	list_push_back(&r->buffers, &b->link);
	return b;
}

void replay_buffer_free(struct replay *r, struct replay_buffer *b)
{
	(void)r;
	list_remove(&b->link);
	free(b->sg);
	free(b);
}

/* ---- steps ---- */

static struct replay_step *new_step(
	struct replay *r, const struct trace_record *rec, struct replay_buffer *b)
{
	struct list *n = list_pop_front(&r->free_steps);
	struct replay_step *s =
		n ? list_entry(n, struct replay_step, link) : xcalloc(1, sizeof(*s));

	*s = (struct replay_step){
		.type = rec->type, .offset = rec->value, .buffer = b, .replay = r
	};
	list_init(&s->link);
	if (r->conf->pace == 0)
		s->due = r->origin +
			 (r->conf->speed == 1 ? rec->time
					      : (sim_time)((double)rec->time / r->conf->speed));
	s->dma.len = rec->len;
	s->dma.write = rec->flags & TRACE_WRITE;
	r->at_hand++;
	return s;
}

void replay_step_free(struct replay *r, struct replay_step *s)
{
	list_push_front(&r->free_steps, &s->link);
	r->at_hand--;
}

static void give_cpu(struct replay *r, unsigned cpu, struct replay_step *s)
{
	struct replay_cpu *c = &r->cpu[cpu];
	bool first = list_empty(&c->steps);

	list_push_back(&c->steps, &s->link);
	if (first)
		replay_kick_cpu(c);
}

static void give_device(struct replay_device *d, struct replay_step *s)
{
	bool first = list_empty(&d->steps);

	s->buffer->dmas++;
	list_push_back(&d->steps, &s->link);
	if (first)
		replay_kick_device(d);
}

/* The reader has held the records to the rules: handles live, segments complete. */
static const struct trace_record *take_map(struct replay *r, const struct trace_record *rec)
{
	struct replay_buffer *b = new_buffer(r, rec);
	const struct trace_record map = *rec;

	if (b->coherent)
		b->len = map.len;
	else
		add_piece(r, b, map.value, map.len);
	while (rec->rest && (rec = trace_next(r->reader)) != NULL)
		add_piece(r, b, rec->value, rec->len);
	if (!r->translated && b->n > 1) { /* only where it begins counts: nobody translates */
		b->sg[0].len = (uint32_t)b->len;
		b->n = 1;
	}
	if (rec)
		give_cpu(r, map.cpu, new_step(r, &map, b));
	return rec;
}

static void take(struct replay *r, const struct trace_record *rec)
{
	struct replay_buffer *b = r->buffer[rec->handle];

	if (rec->type == TRACE_DMA) {
		give_device(b->device, new_step(r, rec, b));
		return;
	}
	if (rec->type == TRACE_UNMAP) {
		b->dying = true;
		b->unmap_cpu = rec->cpu;
	}
	give_cpu(r, rec->cpu, new_step(r, rec, b));
}

static void check_end(struct replay *r)
{
	char text[1024];
	struct err err;

	r->ended = true;
	if (!trace_failed(r->reader, &err))
		return;
	fflush(stdout);
	fprintf(stderr, "iommusim: error: %s\n", err_format(&err, text, sizeof(text)));
	exit(2);
}

void replay_feed(struct replay *r)
{
	const struct trace_record *rec;

	while (!r->ended && !r->stopped) {
		if (r->at_hand >= r->conf->window)
			return;
		rec = trace_next(r->reader);
		if (rec && rec->type == TRACE_MAP)
			rec = take_map(r, rec);
		else if (rec && rec->type != TRACE_DEVICE)
			take(r, rec);
		if (!rec)
			check_end(r);
	}
}
