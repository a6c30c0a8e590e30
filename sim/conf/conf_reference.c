#include <string.h>

#include "base/bug.h"
#include "conf/conf_doc_gen.h"
#include "conf/conf_text.h"
#include "conf/conf_value.h"
#include "conf/conf_write.h"

void conf_comment_section(const struct conf_section *s, const char *margin, FILE *out)
{
	char prefix[80];

	snprintf(prefix, sizeof(prefix), "%s# ", margin);
	if (*s->path)
		putc('\n', out);
	conf_print_wrapped(prefix, s->help, out);
}

/* The sentence, then unit and range in brackets. */
void conf_comment_field(const struct conf_field *f, const char *margin, FILE *out)
{
	char prefix[80], range[256], text[1024];

	snprintf(prefix, sizeof(prefix), "%s# ", margin);
	conf_range_text(f, range, sizeof(range));
	if (f->type == CONF_choice)
		snprintf(text, sizeof(text), "%s [%s]", f->help, range);
	else if (*range)
		snprintf(text, sizeof(text), "%s [%s%s%s]", f->help, range, *f->unit ? " " : "",
			f->unit);
	else
		snprintf(text, sizeof(text), "%s%s%s%s", f->help, *f->unit ? " [" : "", f->unit,
			*f->unit ? "]" : "");
	conf_print_wrapped(prefix, text, out);
}

static void comment_variant(
	const struct conf_section *s, const struct conf_variant *v, const char *margin, FILE *out)
{
	char inner[80];

	fprintf(out, "%s#\n%s# %s: %s\n", margin, margin, s->selector, v->name);
	snprintf(inner, sizeof(inner), "%s#     ", margin);
	conf_print_wrapped(inner, v->summary, out);
	snprintf(inner, sizeof(inner), "%s# ", margin);
	for (size_t i = 0; v->table && i < v->table->nfields; i++) {
		const struct conf_field *f = &v->table->fields[i];

		conf_comment_field(f, inner, out);
		fprintf(out, "%s%s: ", inner, f->name);
		if (f->type == CONF_str || f->type == CONF_path)
			conf_print_scalar(f->def, out);
		else
			fputs(f->def, out);
		putc('\n', out);
	}
}

/* The variants that are not selected, ready to be uncommented in place of the one that is. */
void conf_comment_variants(const struct conf_section *s, const struct conf_variant *selected,
	const char *margin, FILE *out)
{
	for (size_t i = 0; i < s->nvariants; i++)
		if (&s->variants[i] != selected)
			comment_variant(s, &s->variants[i], margin, out);
}

/* A section without a default variant gets its first one: the file must load. */
static void select_something(const struct conf_schema *schema, struct conf_doc *doc)
{
	char text[256], path[128];

	for (size_t i = 0; i < schema->nsections; i++) {
		const struct conf_section *s = &schema->sections[i];

		if (!s->selector || s->def || s->nvariants == 0)
			continue;
		snprintf(text, sizeof(text), "%s=%s",
			conf_key_path(s, s->selector, path, sizeof(path)), s->variants[0].name);
		BUG_ON(!conf_doc_set(doc, text, "reference", NULL));
	}
}

void conf_write_reference(const struct conf_schema *schema, FILE *out)
{
	struct conf_doc *doc = conf_doc_create();
	struct conf *c;
	struct err err;
	char text[1024];

	select_something(schema, doc);
	if (!conf_bind(schema, doc, &c, &err))
		BUG("the defaults are refused: %s", err_format(&err, text, sizeof(text)));
	fputs("# Every key with its default. Generated from the program's tables, and a valid experiment.\n"
	      "# Times, sizes, rates and frequencies need a unit: 10ms, 64KiB, 40Gbps, 2.4GHz.\n"
	      "#\n"
	      "# platform: NAME    values of a machine, from platforms/NAME.yaml; this file's own win\n"
	      "# sweep:            lists of values; every combination of them is one run\n"
	      "#   cpu.count: [1, 2, 4]\n\n",
		out);
	conf_write(c, CONF_REFERENCE, out);
	conf_destroy(c);
	conf_doc_destroy(doc);
}
