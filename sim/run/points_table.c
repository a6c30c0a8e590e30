#include "run/points_table.h"

#include "conf/units.h"

void points_table_columns(struct table *t, const struct points *p)
{
	char label[128];

	if (p->naxes == 0)
		table_text_column(t, "policy");
	for (size_t a = 0; a < p->naxes; a++)
		table_text_column(t, point_axis_label(p, a, label, sizeof(label)));
}

void points_table_row(struct table *t, const struct points *p, size_t i)
{
	table_row(t);
	if (p->naxes == 0)
		table_cell(t, "%s", p->point[i].summary.policy.s);
	for (size_t a = 0; a < p->naxes; a++)
		table_cell(t, "%s", p->point[i].values[a]);
}

void points_table_time(struct table *t, sim_time ps)
{
	char text[32];

	table_cell(t, "%s", ps == 0 ? "0" : units_human_time(ps, text, sizeof(text)));
}
