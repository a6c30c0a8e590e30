#include "run/console.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_suggest.h"
#include "conf/units.h"

#define MAX_WORDS 34u
#define MAX_LINE  4096

struct console {
	struct hw_rig *rig;
	FILE *out;
	char *word[MAX_WORDS];
	unsigned n;
};

/* ---- words ---- */

static bool refuse(struct console *c, const char *why, const char *what)
{
	fprintf(c->out, "error: %s%s%s%s\n", why, what ? " '" : "", what ? what : "",
		what ? "'" : "");
	return false;
}

static bool number(struct console *c, unsigned i, uint64_t most, uint64_t *value)
{
	struct err err;

	if (i >= c->n)
		return refuse(c, "a number is missing; 'help' shows the commands", NULL);
	if (!units_parse(CONF_u64, c->word[i], value, &err))
		return refuse(c, "not a number:", c->word[i]);
	return *value <= most || refuse(c, "too large:", c->word[i]);
}

/* The value of a word "name=value" among the optional words, or NULL; "" for the bare name. */
static const char *option(const struct console *c, unsigned first, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = first; i < c->n; i++) {
		if (strncmp(c->word[i], name, len) != 0)
			continue;
		if (c->word[i][len] == '=')
			return c->word[i] + len + 1;
		if (c->word[i][len] == '\0')
			return "";
	}
	return NULL;
}

/* ---- commands ---- */

static bool access_bytes(struct console *c, unsigned i, uint64_t *bytes)
{
	if (!number(c, i, 8, bytes))
		return false;
	return *bytes == 1 || *bytes == 2 || *bytes == 4 || *bytes == 8 ||
	       refuse(c, "an access has 1, 2, 4 or 8 bytes, not", c->word[i]);
}

static bool mmio_read(struct console *c)
{
	uint64_t at, bytes;

	if (!number(c, 1, UINT32_MAX, &at) || !access_bytes(c, 2, &bytes))
		return false;
	fprintf(c->out, "0x%" PRIx64 "\n", hw_rig_mmio_read(c->rig, (uint32_t)at, (unsigned)bytes));
	return true;
}

static bool mmio_write(struct console *c)
{
	uint64_t at, bytes, value;

	if (!number(c, 1, UINT32_MAX, &at) || !access_bytes(c, 2, &bytes) ||
		!number(c, 3, UINT64_MAX, &value))
		return false;
	hw_rig_mmio_write(c->rig, (uint32_t)at, (unsigned)bytes, value);
	fputs("ok\n", c->out);
	return true;
}

static bool mem_read(struct console *c)
{
	uint64_t at, words = 1;

	if (!number(c, 1, UINT64_MAX, &at) || (c->n > 2 && !number(c, 2, 512, &words)))
		return false;
	for (uint64_t i = 0; i < words; i++)
		fprintf(c->out, "%s0x%" PRIx64, i ? " " : "", hw_rig_mem_read(c->rig, at + 8 * i));
	fputc('\n', c->out);
	return true;
}

static bool mem_write(struct console *c)
{
	uint64_t at, value;

	if (!number(c, 1, UINT64_MAX, &at) || !number(c, 2, UINT64_MAX, &value))
		return false;
	for (unsigned i = 2; i < c->n; i++)
		if (!number(c, i, UINT64_MAX, &value))
			return false;
		else if (!hw_rig_mem_write(c->rig, at + 8 * (i - 2), value))
			return refuse(c, "no memory there, or not aligned to 8:", c->word[1]);
	fputs("ok\n", c->out);
	return true;
}

static bool dma_options(struct console *c, struct xlate *x)
{
	static const char *const types[] = { [XLATE_UNTRANSLATED] = "untranslated",
		[XLATE_TRANSLATION_REQUEST] = "request",
		[XLATE_TRANSLATED] = "translated" };
	const char *pasid = option(c, 3, "pasid"), *at = option(c, 3, "at");
	uint64_t value;

	if (pasid && (!units_parse(CONF_u64, pasid, &value, NULL) || value > 0xfffff))
		return refuse(c, "a PASID is a number of 20 bits, not", pasid);
	x->has_pasid = pasid != NULL;
	x->pasid = pasid ? (uint32_t)value : 0;
	x->priv = option(c, 3, "priv") != NULL;
	x->exec = option(c, 3, "exec") != NULL;
	for (unsigned i = 0; at && i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], at) == 0) {
			x->at = (enum xlate_at)i;
			return true;
		}
	return !at || refuse(c, "the address type is untranslated, request or translated, not", at);
}

static bool dma(struct console *c, bool write)
{
	uint64_t sid, iova, len;
	struct xlate x = { .write = write };

	if (!number(c, 1, UINT16_MAX, &sid) || !number(c, 2, UINT64_MAX, &iova) ||
		!number(c, 3, PAGE_SIZE, &len) || !dma_options(c, &x))
		return false;
	if ((len == 0 && write) || (iova & (PAGE_SIZE - 1)) + len > PAGE_SIZE)
		return refuse(c, "a request has 1 to 4096 bytes within a 4 KiB page, a read also 0",
			NULL);
	x.rid = (rid_t){ (uint16_t)sid };
	x.iova = (iova_t){ iova };
	x.len = (uint32_t)len;
	hw_rig_dma(c->rig, &x);
	if (!x.hit)
		c->rig->model->obs_print_walk(c->rig->state, c->out);
	if (x.ok && x.at == XLATE_TRANSLATION_REQUEST)
		fprintf(c->out, "ok may=%s%s%s ", x.may_read ? "r" : "", x.may_write ? "w" : "",
			x.may_read || x.may_write ? "" : "-");
	else if (x.ok)
		fputs("ok ", c->out);
	if (x.ok)
		fprintf(c->out, "pa=0x%" PRIx64 " page=2^%u", x.pa.a, x.page_lg2);
	else
		fprintf(c->out, "fault reason=0x%x", x.fault_code);
	fprintf(c->out, " %s reads=%u latency=%" PRIu64 "ps\n", x.hit ? "hit" : "miss", x.mem_reads,
		x.latency);
	return true;
}

static bool dma_read(struct console *c)
{
	return dma(c, false);
}

static bool dma_write(struct console *c)
{
	return dma(c, true);
}

/* What the unit makes of it is in its registers and in its queue. */
static bool page_request(struct console *c)
{
	uint64_t sid, iova, group = 0;
	const char *word = option(c, 3, "group");
	struct xlate as = { 0 };
	struct page_request r;

	if (!c->rig->model->hw_page_request)
		return refuse(c, "this model takes no page requests", NULL);
	if (!number(c, 1, UINT16_MAX, &sid) || !number(c, 2, UINT64_MAX, &iova) ||
		!dma_options(c, &as))
		return false;
	if (word && (!units_parse(CONF_u64, word, &group, NULL) || group > 0x1ff))
		return refuse(c, "a group is a number of 9 bits, not", word);
	r = (struct page_request){ .rid = { (uint16_t)sid },
		.iova = { iova & ~(PAGE_SIZE - 1) },
		.group = (uint16_t)group,
		.read = !option(c, 3, "write") || option(c, 3, "read"),
		.write = option(c, 3, "write") != NULL,
		.last = option(c, 3, "more") == NULL,
		.has_pasid = as.has_pasid,
		.pasid = as.pasid,
		.priv = as.priv,
		.exec = as.exec };
	c->rig->model->hw_page_request(c->rig->state, &r);
	fputs("ok\n", c->out);
	return true;
}

static bool step(struct console *c)
{
	sim_time now = engine_now(c->rig->engine), dt;
	struct err err;

	if (c->n < 2) {
		hw_rig_settle(c->rig);
	} else if (units_parse(CONF_time, c->word[1], &dt, &err) && dt < SIM_TIME_NEVER - now) {
		engine_run(c->rig->engine, now + dt);
	} else {
		return refuse(c, "not a time, as in 100ns:", c->word[1]);
	}
	fprintf(c->out, "ok time=%" PRIu64 "ps\n", engine_now(c->rig->engine));
	return true;
}

static bool state(struct console *c)
{
	c->rig->model->obs_print(c->rig->state, c->out);
	fprintf(c->out, "ok time=%" PRIu64 "ps\n", engine_now(c->rig->engine));
	return true;
}

static bool help(struct console *c);

static const struct {
	const char *name, *operands, *help;
	bool (*run)(struct console *c);
} commands[] = {
	{ "mmio_read", "OFFSET BYTES", "Read a register.", mmio_read },
	{ "mmio_write", "OFFSET BYTES VALUE", "Write a register; what it sets off takes time.",
		mmio_write },
	{ "mem_read", "ADDRESS [WORDS]", "Read 64-bit words of memory.", mem_read },
	{ "mem_write", "ADDRESS VALUE...", "Write 64-bit words of memory.", mem_write },
	{ "dma_read", "SID IOVA BYTES [pasid=N] [at=TYPE] [priv] [exec]",
		"A device reads: the walk, then the answer. TYPE: untranslated, request, translated.",
		dma_read },
	{ "dma_write", "SID IOVA BYTES [pasid=N] [at=TYPE] [priv] [exec]", "A device writes.",
		dma_write },
	{ "page_request", "SID IOVA [read] [write] [more] [group=N] [pasid=N] [priv] [exec]",
		"A device asks for a page; `more': it is not the last request of its group.",
		page_request },
	{ "step", "[TIME]", "Let time pass (100ns); without TIME: until all is quiet.", step },
	{ "state", "", "Registers, caches, what is in progress.", state },
	{ "help", "", "This list.", help },
};

static bool help(struct console *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(c->out, "%s %s\n    %s\n", commands[i].name, commands[i].operands,
			commands[i].help);
	fputs("ok (numbers: decimal or 0x...; '#' begins a comment; quit ends)\n", c->out);
	return true;
}

static bool unknown(struct console *c)
{
	const char *names[ARRAY_SIZE(commands)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = conf_nearest(c->word[0], names, ARRAY_SIZE(commands));
	fprintf(c->out, "error: unknown command '%s' (%s%s)\n", c->word[0],
		near ? "did you mean " : "try help", near ? near : "");
	return false;
}

static bool execute(struct console *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, c->word[0]) == 0)
			return commands[i].run(c);
	return unknown(c);
}

static void split(struct console *c, char *line)
{
	char *save = NULL;

	line[strcspn(line, "#\r\n")] = '\0';
	c->n = 0;
	for (char *w = strtok_r(line, " \t", &save); w && c->n < MAX_WORDS;
		w = strtok_r(NULL, " \t", &save))
		c->word[c->n++] = w;
}

bool console_run(struct hw_rig *rig, FILE *in, FILE *out)
{
	struct console c = { .rig = rig, .out = out };
	char line[MAX_LINE];
	bool good = true;

	rig->model->obs_trace(rig->state, true);
	while (fgets(line, sizeof(line), in)) {
		split(&c, line);
		if (c.n == 0)
			continue;
		if (strcmp(c.word[0], "quit") == 0)
			break;
		good = execute(&c) && good;
		fflush(out);
	}
	hw_rig_settle(rig);
	return good;
}
