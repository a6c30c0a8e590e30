#include "conf_fixture.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONF_STRUCT_ struct top_conf
static const struct conf_field top_fields[] = { TOP_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
#define CONF_STRUCT_ struct cpu_conf
static const struct conf_field cpu_fields[] = { CPU_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
#define CONF_STRUCT_ struct global_conf
static const struct conf_field global_fields[] = { GLOBAL_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
#define CONF_STRUCT_ struct percpu_conf
static const struct conf_field percpu_fields[] = { PERCPU_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
#define CONF_STRUCT_ struct nic_conf
static const struct conf_field nic_fields[] = { NIC_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
#define CONF_STRUCT_ struct pcap_conf
static const struct conf_field pcap_fields[] = { PCAP_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_

static bool check_global(const void *conf, struct conf_check *chk)
{
	const struct global_conf *g = conf;

	if (g->timeout == 0 && g->entries > 1)
		return conf_refuse(chk, "timeout", "must not be 0 with %u entries", g->entries);
	return true;
}

static const struct conf_table top_table = CONF_TABLE("", top_conf, top_fields, NULL);
static const struct conf_table cpu_table = CONF_TABLE("cpu", cpu_conf, cpu_fields, NULL);
static const struct conf_table global_table =
	CONF_TABLE("deferred-global", global_conf, global_fields, check_global);
static const struct conf_table percpu_table =
	CONF_TABLE("deferred-percpu", percpu_conf, percpu_fields, NULL);
static const struct conf_table nic_table = CONF_TABLE("nic_rx", nic_conf, nic_fields, NULL);
static const struct conf_table pcap_table = CONF_TABLE("pcap", pcap_conf, pcap_fields, NULL);

static const struct conf_variant policies[] = {
	{ "strict", "Flush at every unmap.", "Linux 3.1", NULL },
	{ "deferred-global", "Flush in batches.", "Linux 3.1, intel-iommu.c", &global_table },
	{ "deferred-percpu", "Flush in batches of a CPU.", "", &percpu_table },
};
static const struct conf_variant workloads[] = {
	{ "nic_rx", "A network card receives.", "", &nic_table },
	{ "idle", "Nothing happens.", "", NULL },
};
static const struct conf_variant arrivals[] = {
	{ "constant", "One packet after the other.", "", NULL },
	{ "pcap", "As captured.", "", &pcap_table },
};

#define SECTIONS(default_workload)                                                                 \
	{                                                                                          \
		{ .path = "", .help = "The run as a whole.", .table = &top_table },                \
			{ .path = "cpu", .help = "The processors.", .table = &cpu_table },         \
			{ .path = "policy",                                                        \
				.help = "When to flush.",                                          \
				.selector = "type",                                                \
				.variants = policies,                                              \
				.nvariants = ARRAY_SIZE(policies),                                 \
				.def = "strict" },                                                 \
			{ .path = "workload",                                                      \
				.help = "What drives the run.",                                    \
				.selector = "type",                                                \
				.variants = workloads,                                             \
				.nvariants = ARRAY_SIZE(workloads),                                \
				.def = default_workload },                                         \
			{ .path = "workload.arrivals",                                             \
				.help = "When packets arrive.",                                    \
				.selector = "type",                                                \
				.variants = arrivals,                                              \
				.nvariants = ARRAY_SIZE(arrivals),                                 \
				.def = "constant" },                                               \
	}

static const struct conf_section sections[] = SECTIONS("nic_rx");
static const struct conf_section sections_no_default[] = SECTIONS(NULL);

const struct conf_schema fixture_schema = { sections, ARRAY_SIZE(sections), NULL };
const struct conf_schema fixture_schema_no_default = { sections_no_default,
	ARRAY_SIZE(sections_no_default), NULL };

static char folder[] = "/tmp/iommusim-conf-XXXXXX";

const char *fixture_folder(void)
{
	return folder;
}

void fixture_setup(void)
{
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("platforms", 0700), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fixture_teardown(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fixture_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "wb");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	return name;
}

static const char *const search[] = { "platforms", NULL };

struct conf_doc *fixture_load(const char *text)
{
	struct conf_doc *doc = conf_doc_create();
	struct err err;
	char buf[512];

	fixture_file("x.yaml", text);
	ck_assert_msg(conf_doc_load(doc, "x.yaml", search, &err), "%s",
		err_format(&err, buf, sizeof(buf)));
	return doc;
}

struct conf *fixture_bind(const struct conf_doc *doc)
{
	struct conf *c;
	struct err err;
	char buf[512];

	ck_assert_msg(conf_bind(&fixture_schema, doc, &c, &err), "%s",
		err_format(&err, buf, sizeof(buf)));
	return c;
}

const char *fixture_message_with(const char *text, const char *assignment)
{
	static char buf[512];
	struct conf_doc *doc = conf_doc_create();
	struct conf *c = NULL;
	struct err err;
	bool ok;

	fixture_file("x.yaml", text);
	ok = conf_doc_load(doc, "x.yaml", search, &err) &&
	     (!assignment || conf_doc_set(doc, assignment, "--set", &err)) &&
	     conf_resolve_sweep(&fixture_schema, doc, &err) &&
	     conf_bind(&fixture_schema, doc, &c, &err);
	conf_destroy(c);
	conf_doc_destroy(doc);
	/* After everything is gone: positions must still be whole. */
	if (!ok)
		return err_format(&err, buf, sizeof(buf));
	return strcpy(buf, "ok");
}

const char *fixture_message(const char *text)
{
	return fixture_message_with(text, NULL);
}
