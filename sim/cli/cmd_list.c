#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/types.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "conf/conf_suggest.h"
#include "run/complain.h"
#include "run/datadir.h"
#include "run/run.h"
#include "run/schema.h"

#define PLATFORMS     "platforms"
#define PLATFORMS_DIR "configs/platforms"
#define KINDS_MAX     64

/* What a section's variants are called: "policies" of `policy`, "models" of `iommu`, "arrivals" of
 * `workload.arrivals`. */
static void kind_of(const struct conf_section *s, char *buf, size_t size)
{
	const char *dot = strrchr(s->path, '.'), *noun = dot ? dot + 1 : s->path;
	size_t len;

	if (strcmp(s->selector, "type") != 0)
		noun = s->selector;
	len = strlen(noun);
	if (noun[len - 1] == 's')
		snprintf(buf, size, "%s", noun);
	else if (noun[len - 1] == 'y')
		snprintf(buf, size, "%.*sies", (int)len - 1, noun);
	else
		snprintf(buf, size, "%ss", noun);
}

static void list_variants(const struct conf_section *s, const char *kind)
{
	printf("%s (%s.%s):\n", kind, s->path, s->selector);
	for (size_t i = 0; i < s->nvariants; i++) {
		const struct conf_variant *v = &s->variants[i];

		printf("  %-18s %s\n", v->name, v->summary);
		if (v->source && v->source[0])
			printf("  %-18s   after %s\n", "", v->source);
	}
}

/* The first comment of a preset says what it is. */
static void list_platform(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), line[256] = "", *text = line;
	FILE *in = fopen(path, "r");

	if (in && fgets(line, sizeof(line), in))
		text += strspn(line, "# ");
	text[strcspn(text, "\n")] = '\0';
	printf("  %-18.*s %s\n", (int)(strlen(name) - strlen(".yaml")), name,
		line[0] == '#' ? text : "");
	if (in)
		fclose(in);
	free(path);
}

static int is_preset(const struct dirent *e)
{
	const char *end = strrchr(e->d_name, '.');

	return end && end != e->d_name && strcmp(end, ".yaml") == 0;
}

static void list_platforms(void)
{
	char **dirs = datadir_search(PLATFORMS_DIR);
	struct dirent **entry;

	puts(PLATFORMS " (platform):");
	for (char **dir = dirs; *dir; dir++) {
		int n = scandir(*dir, &entry, is_preset, alphasort);

		for (int i = 0; i < n; i++) {
			list_platform(*dir, entry[i]->d_name);
			free(entry[i]);
		}
		if (n >= 0)
			free(entry);
		if (n > 0)
			break; /* the first place is the one that `platform: NAME` looks at first */
	}
	datadir_search_free(dirs);
}

static int unknown_kind(const char *word, char (*kinds)[64], size_t n)
{
	const char *names[KINDS_MAX + 1], *near;
	struct err err;
	char all[128];

	for (size_t i = 0; i < n; i++)
		names[i] = kinds[i];
	names[n++] = PLATFORMS;
	near = conf_nearest(word, names, n);
	err_set(&err, "there are no '%s' to list", word);
	if (near)
		err_hint(&err, "did you mean '%s'?", near);
	else
		err_hint(&err, "there are %s", conf_join(names, n, " and ", all, sizeof(all)));
	return complain(&err);
}

int cmd_list(int argc, char **argv)
{
	const struct conf_schema *schema = schema_get();
	const char *word = NULL;
	struct cli_args args = { "list", NULL, 0, 0, 1, &word, 0 };
	enum cli_parsed parsed = cli_parse(&args, argc, argv);
	char kinds[KINDS_MAX][64];
	size_t n = 0, shown = 0;

	if (parsed != CLI_GO)
		return parsed == CLI_SHOWN ? RUN_OK : RUN_REFUSED;
	for (size_t i = 0; i < schema->nsections && n < KINDS_MAX; i++) {
		const struct conf_section *s = &schema->sections[i];

		if (!s->selector)
			continue;
		kind_of(s, kinds[n], sizeof(kinds[n]));
		if (!word || strcmp(word, kinds[n]) == 0 || strcmp(word, s->path) == 0) {
			fputs(shown++ ? "\n" : "", stdout);
			list_variants(s, kinds[n]);
		}
		n++;
	}
	if (!word || strcmp(word, PLATFORMS) == 0) {
		fputs(shown++ ? "\n" : "", stdout);
		list_platforms();
	}
	return shown ? RUN_OK : unknown_kind(word, kinds, n);
}
