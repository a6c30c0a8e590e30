#include <string.h>

#include "conf/conf_doc_gen.h"
#include "conf/conf_lookup.h"
#include "conf/conf_value.h"
#include "conf/units.h"

/* Table cells may not hold a bare bar. */
static void print_cell(const char *text, FILE *out)
{
	for (; *text; text++)
		fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void print_field(const struct conf_section *s, const struct conf_field *f, FILE *out)
{
	char path[256], range[256];

	conf_key_path(s, f->name, path, sizeof(path));
	conf_range_text(f, range, sizeof(range));
	fprintf(out, "| `%s` | %s | `%s` | ", path, units_type_name(f->type),
		*f->def ? f->def : "\"\"");
	print_cell(range, out);
	fprintf(out, " | %s | ", f->type == CONF_choice ? "" : f->unit);
	print_cell(f->help, out);
	fputs(" |\n", out);
}

static void print_fields(const struct conf_section *s, const struct conf_table *t, FILE *out)
{
	if (!t || t->nfields == 0)
		return;
	fputs("\n| key | type | default | range | unit | meaning |\n|---|---|---|---|---|---|\n",
		out);
	for (size_t i = 0; i < t->nfields; i++)
		print_field(s, &t->fields[i], out);
}

static void print_variant(const struct conf_section *s, const struct conf_variant *v, FILE *out)
{
	fprintf(out, "\n### `%s%s%s: %s`\n\n%s\n", s->path, *s->path ? "." : "", s->selector,
		v->name, v->summary);
	if (v->source && *v->source)
		fprintf(out, "\nSource: %s\n", v->source);
	print_fields(s, v->table, out);
}

static void print_section(const struct conf_section *s, FILE *out)
{
	if (*s->path)
		fprintf(out, "\n## `%s`\n\n%s\n", s->path, s->help);
	else
		fprintf(out, "\n## Top level\n\n%s\n", s->help);
	if (s->selector) {
		fprintf(out, "\nThe key `%s` selects one of:", s->selector);
		for (size_t i = 0; i < s->nvariants; i++)
			fprintf(out, "%s `%s`%s", i ? "," : "", s->variants[i].name,
				s->def && strcmp(s->def, s->variants[i].name) == 0 ? " (default)"
										   : "");
		fputs(".", out);
		if (*s->path)
			fprintf(out, " `%s: NAME` is short for `%s: {%s: NAME}`.", s->path, s->path,
				s->selector);
		putc('\n', out);
	}
	print_fields(s, s->table, out);
	for (size_t i = 0; i < s->nvariants; i++)
		print_variant(s, &s->variants[i], out);
}

static void print_units(FILE *out)
{
	static const enum conf_type types[] = { CONF_time, CONF_size, CONF_rate, CONF_freq };
	char words[96];

	fputs("\nUnits, without which only 0 may stand:\n\n| type | units | example |\n"
	      "|---|---|---|\n",
		out);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		fprintf(out, "| %s | %s | `%s` |\n", units_type_name(types[i]),
			units_words(types[i], words, sizeof(words)), units_example(types[i]));
}

void conf_write_markdown(const struct conf_schema *schema, FILE *out)
{
	fputs("# Configuration\n\n"
	      "Generated from the program's tables.\n\n"
	      "An experiment is a YAML file of the sections below; every key has a default. Keys may be "
	      "nested or\ndotted (`policy.entries: 250`), and `--set KEY=VALUE` on the command line wins "
	      "over the file.\n\n"
	      "- `platform: NAME` takes the values of `platforms/NAME.yaml`; the experiment's own win.\n"
	      "- `sweep:` gives keys lists of values (`cpu.count: [1, 2, 4]`); every combination is one "
	      "run.\n"
	      "- Files are named relative to the file that names them.\n",
		out);
	print_units(out);
	for (size_t i = 0; i < schema->nsections; i++)
		print_section(&schema->sections[i], out);
}
