#include "tests/run/fixture.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "run/folder.h"

char *fixture_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/iommusim-test.XXXXXX", tmp && tmp[0] ? tmp : "/tmp");

	BUG_ON(!mkdtemp(dir));
	return dir;
}

void fixture_clean(char *dir)
{
	folder_remove(dir);
	free(dir);
}

void fixture_put(const char *dir, const char *name, const char *text)
{
	FILE *f = file_create(dir, name, NULL);

	BUG_ON(!f);
	fputs(text, f);
	fclose(f);
}

char *fixture_text(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), *text = NULL;
	FILE *in = fopen(path, "r");
	size_t size = 0;

	free(path);
	if (!in)
		return NULL;
	if (getdelim(&text, &size, '\0', in) < 0) {
		free(text);
		text = xstrdup("");
	}
	fclose(in);
	return text;
}

static int no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

size_t fixture_count(const char *dir)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, no_dots, alphasort);

	for (int i = 0; i < n; i++)
		free(entry[i]);
	if (n >= 0)
		free(entry);
	return n < 0 ? 0 : (size_t)n;
}

static unsigned long long mix(unsigned long long h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3ull;
	return h;
}

unsigned long long fixture_digest(const char *dir, const char *but)
{
	unsigned long long h = 0xcbf29ce484222325ull;
	struct dirent **entry;
	int n = scandir(dir, &entry, no_dots, alphasort);

	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", dir, entry[i]->d_name), *text;

		h = mix(h, entry[i]->d_name);
		if (folder_exists(path)) {
			h = h * 31 + fixture_digest(path, but);
		} else if (strcmp(entry[i]->d_name, but) != 0) {
			text = fixture_text(dir, entry[i]->d_name);
			h = mix(h, text);
			free(text);
		}
		free(path);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return h;
}

#define CONF_STRUCT_ struct fixture_conf
static const struct conf_field top_fields[] = { FIXTURE_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
#define CONF_STRUCT_ struct fixture_cpu_conf
static const struct conf_field cpu_fields[] = { FIXTURE_CPU_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table top_table = CONF_TABLE("top", fixture_conf, top_fields, NULL);
static const struct conf_table cpu_table = CONF_TABLE("cpu", fixture_cpu_conf, cpu_fields, NULL);
static const struct conf_variant policies[] = {
	{ "strict", "Waits.", "", NULL },
	{ "deferred-global", "Batches.", "", NULL },
};
static const struct conf_section sections[] = {
	{ .path = "", .help = "Top.", .table = &top_table },
	{ .path = "cpu", .help = "CPUs.", .table = &cpu_table },
	{ .path = "policy",
		.help = "Policy.",
		.selector = "type",
		.variants = policies,
		.nvariants = ARRAY_SIZE(policies),
		.def = "strict" },
};

const struct conf_schema *fixture_schema(void)
{
	static const struct conf_schema schema = { sections, ARRAY_SIZE(sections), NULL };

	return &schema;
}
