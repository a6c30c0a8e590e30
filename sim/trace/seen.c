#include "trace/seen.h"

#include <stdlib.h>

#include "base/alloc.h"

void seen_fini(struct seen *s)
{
	free(s->key);
}

/* Bus addresses have at most 57 bits, so the upper ones hold the device's low bits; never 0. */
static uint64_t key_of(uint16_t device, uint64_t at)
{
	return (at >> PAGE_LG2 ^ (uint64_t)device << 48) + 1;
}

static uint32_t place(const struct seen *s, uint64_t key)
{
	uint32_t i = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (s->room - 1);

	while (s->key[i] && s->key[i] != key)
		i = (i + 1) & (s->room - 1);
	return i;
}

static void grow(struct seen *s)
{
	struct seen old = *s;

	s->room = old.room ? 2 * old.room : 1024;
	s->key = xcalloc(s->room, sizeof(*s->key));
	for (uint32_t i = 0; i < old.room; i++)
		if (old.key[i])
			s->key[place(s, old.key[i])] = old.key[i];
	free(old.key);
}

void seen_add(struct seen *s, uint16_t device, uint64_t at)
{
	uint64_t key = key_of(device, at);
	uint32_t i;

	if (s->n == SEEN_MAX)
		return;
	if (2 * s->n >= s->room)
		grow(s);
	i = place(s, key);
	s->n += s->key[i] == 0;
	s->key[i] = key;
}

bool seen_has(const struct seen *s, uint16_t device, uint64_t at)
{
	uint64_t key = key_of(device, at);

	return s->room > 0 && s->key[place(s, key)] == key;
}
