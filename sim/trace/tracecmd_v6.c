/* Version 6 (trace-cmd.dat.v6(5)): one part after the other, nothing compressed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/tracecmd_priv.h"

static bool skip_sized(struct tracecmd *t, uint64_t *at, unsigned size_bytes)
{
	uint64_t size;

	if (!tracecmd_get(t, at, size_bytes, &size))
		return false;
	if (size > t->size)
		return tracecmd_fail(t, *at, "a part of impossible size");
	*at += size;
	return true;
}

static bool read_format_v6(struct tracecmd *t, uint64_t *at, const char *system)
{
	uint64_t size;
	char *text;
	bool ok;

	if (!tracecmd_get(t, at, 8, &size))
		return false;
	if (size > TRACECMD_CHUNK_MAX)
		return tracecmd_fail(t, *at, "a format of impossible size");
	text = xcalloc(1, size + 1);
	ok = tracecmd_read(t, *at, text, size) && tracecmd_format_add(t, system, text, size);
	free(text);
	*at += size;
	return ok;
}

static bool read_all_formats_v6(struct tracecmd *t, uint64_t *at)
{
	uint64_t systems, n;
	char system[32];

	if (!tracecmd_get(t, at, 4, &n))
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!skip_sized(t, at, 8))
			return false;
	if (!tracecmd_get(t, at, 4, &systems))
		return false;
	for (uint64_t s = 0; s < systems; s++) {
		if (!tracecmd_text(t, at, system, sizeof(system)) || !tracecmd_get(t, at, 4, &n))
			return false;
		for (uint64_t i = 0; i < n; i++)
			if (!read_format_v6(t, at, system))
				return false;
	}
	return true;
}

static bool skip_options_v6(struct tracecmd *t, uint64_t *at)
{
	uint64_t id;

	for (;;) {
		if (!tracecmd_get(t, at, 2, &id))
			return false;
		if (id == TRACECMD_OPTION_DONE)
			return true;
		if (!skip_sized(t, at, 4))
			return false;
	}
}

bool tracecmd_read_v6(struct tracecmd *t, uint64_t at)
{
	char word[16];
	uint64_t cpus, from, size;

	if (!tracecmd_text(t, &at, word, sizeof(word)) ||
		!skip_sized(t, &at, 8) || /* header_page */
		!tracecmd_text(t, &at, word, sizeof(word)) ||
		!skip_sized(t, &at, 8) || /* header_event */
		!read_all_formats_v6(t, &at) || !skip_sized(t, &at, 4) || /* kallsyms */
		!skip_sized(t, &at, 4) || !skip_sized(t, &at, 8) || /* printk, cmdlines */
		!tracecmd_get(t, &at, 4, &cpus) || !tracecmd_read(t, at, word, 10))
		return false;
	if (cpus > TRACECMD_CPUS_MAX)
		return tracecmd_fail(t, at, "too many CPUs");
	at += 10;
	if (memcmp(word, "options  ", 10) == 0) {
		if (!skip_options_v6(t, &at) || !tracecmd_read(t, at, word, 10))
			return false;
		at += 10;
	}
	if (memcmp(word, "flyrecord", 10) != 0)
		return tracecmd_fail(t, at, "is no recording of events (flyrecord)");
	for (uint64_t i = 0; i < cpus; i++)
		if (!tracecmd_get(t, &at, 8, &from) || !tracecmd_get(t, &at, 8, &size) ||
			!tracecmd_add_cpu(t, i, from, size))
			return false;
	return true;
}
