/*
 * nvme: against arithmetic: the queue-depth law, what service time and units allow, pointers and bytes on
 * the wire to the last one, interrupts, rates, mixes; and fio's job files.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/schema.h"
#include "tests/run_system/course.h"
#include "tests/trace/scratch.h"
#include "tests/unit/unit.h"
#include "workloads/nvme.h"

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const common[] = { "workload=nvme", "cpu.count=2", "memory.size=1GiB",
	"policy=strict", NULL };

static struct course c;

static void run(sim_time warmup, sim_time measure, const char *const *more)
{
	course_start(&c, common, more);
	course_measure(&c, warmup, measure);
}

static double u64(const char *path)
{
	return (double)course_u64(&c, path);
}

static void end(void)
{
	ck_assert_uint_eq(course_end(&c), 0);
	ck_assert_uint_eq(course_u64(&c, "nvme0.failed"), 0);
	course_fini(&c);
}

/* Requests under way = rate x time of one (Little), whatever the rate comes from. */
START_TEST(the_queue_depth_is_rate_times_latency)
{
	static const char *const depths[] = { "workload.iodepth=1", "workload.iodepth=8",
		"workload.iodepth=64" };
	static const double jobs_times_depth[] = { 2, 16, 128 };

	for (unsigned i = 0; i < 3; i++) {
		run(2 * MS, 40 * MS, SETTINGS(depths[i], "workload.rw=randrw"));
		ck_assert_double_eq_tol(u64("nvme0.completed") / (40.0 * (double)MS) *
						hist_mean(course_hist(&c, "nvme0.latency")),
			jobs_times_depth[i], 0.03 * jobs_times_depth[i]);
		end();
	}
}
END_TEST

/* One request at a time: the rest of the way takes a few microseconds. */
START_TEST(one_at_a_time_takes_the_service_time_and_little_more)
{
	const struct hist *h;

	run(0, 10 * MS,
		SETTINGS("workload.iodepth=1", "workload.numjobs=1", "workload.service=constant",
			"workload.service_time=50us"));
	h = course_hist(&c, "nvme0.latency");
	ck_assert_uint_gt(h->min, 50 * US);
	ck_assert_uint_lt(h->max, 60 * US);
	end();
}
END_TEST

/* Sequential requests of a stripe's length go round the units: at most units / service time. */
START_TEST(units_bound_the_rate)
{
	double most = 4 / 100e-6;

	run(2 * MS, 50 * MS,
		SETTINGS("workload.rw=read", "workload.stripe=4KiB", "workload.units=4",
			"workload.service=constant", "workload.service_time=100us",
			"workload.numjobs=1", "workload.iodepth=32"));
	ck_assert_double_eq_tol(u64("nvme0.completed") / 50e-3, most, 0.01 * most);
	end();
	/* all in one stripe: one unit */
	run(2 * MS, 50 * MS,
		SETTINGS("workload.rw=read", "workload.stripe=1GiB", "workload.units=4",
			"workload.service=constant", "workload.service_time=100us"));
	ck_assert_double_eq_tol(u64("nvme0.completed") / 50e-3, 1e4, 100);
	end();
}
END_TEST

/* 1.4, 4.3: one page or two need no list; a list is read once. SGL: one range needs none. */
START_TEST(a_pointer_list_is_read_when_it_must_be)
{
	static const struct {
		const char *bs, *pointers, *mapping;
		unsigned lists, dmas;
	} cases[] = {
		{ "workload.bs=4KiB", "workload.pointers=prp", "workload.mapping=list", 0, 1 },
		{ "workload.bs=8KiB", "workload.pointers=prp", "workload.mapping=page", 0, 2 },
		{ "workload.bs=12KiB", "workload.pointers=prp", "workload.mapping=list", 1, 1 },
		{ "workload.bs=1MiB", "workload.pointers=prp", "workload.mapping=list", 1, 1 },
		{ "workload.bs=64KiB", "workload.pointers=sgl", "workload.mapping=list", 0, 1 },
		{ "workload.bs=12KiB", "workload.pointers=sgl", "workload.mapping=page", 1, 3 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		run(0, 5 * MS,
			SETTINGS("workload.numjobs=1", "workload.iodepth=4",
				"workload.rw=randwrite", cases[i].bs, cases[i].pointers,
				cases[i].mapping));
		ck_assert_uint_eq(course_end(&c), 0);
		ck_assert_uint_gt(course_u64(&c, "nvme0.completed"), 20);
		ck_assert_uint_eq(course_u64(&c, "nvme0.list_reads"),
			cases[i].lists * course_u64(&c, "nvme0.completed"));
		ck_assert_uint_eq(course_u64(&c, "nvme0.data_dmas"),
			cases[i].dmas * course_u64(&c, "nvme0.completed"));
		ck_assert_uint_eq(course_u64(&c, "nvme0.failed"), 0);
		course_fini(&c);
	}
}
END_TEST

/* A command is 64 bytes, a completion 16, a PRP entry 8: to the last byte. */
START_TEST(bytes_on_the_wire_are_those_of_the_protocol)
{
	uint64_t n;

	run(0, 5 * MS, SETTINGS("workload.rw=randread", "workload.bs=16KiB"));
	ck_assert_uint_eq(course_end(&c), 0);
	n = course_u64(&c, "nvme0.completed");
	ck_assert_uint_eq(n, course_u64(&c, "nvme0.issued"));
	ck_assert_uint_eq(course_u64(&c, "nvme0.pcie.bytes_written"), n * (16384 + 16));
	ck_assert_uint_eq(course_u64(&c, "nvme0.pcie.bytes_read"), n * (64 + 3 * 8));
	course_fini(&c);
	run(0, 5 * MS, SETTINGS("workload.rw=randwrite", "workload.bs=16KiB"));
	ck_assert_uint_eq(course_end(&c), 0);
	n = course_u64(&c, "nvme0.completed");
	ck_assert_uint_eq(course_u64(&c, "nvme0.pcie.bytes_written"), n * 16);
	ck_assert_uint_eq(course_u64(&c, "nvme0.pcie.bytes_read"), n * (16384 + 64 + 3 * 8));
	course_fini(&c);
}
END_TEST

START_TEST(interrupts_come_for_so_many_completions)
{
	run(2 * MS, 20 * MS,
		SETTINGS("workload.coalesce=8", "workload.coalesce_time=10ms",
			"workload.iodepth=64"));
	ck_assert_double_eq_tol(u64("nvme0.completed") / u64("nvme0.interrupts"), 8, 0.5);
	end();
	/* fewer under way than the threshold: the time decides, and no request is forgotten */
	run(2 * MS, 20 * MS,
		SETTINGS("workload.coalesce=64", "workload.coalesce_time=200us",
			"workload.iodepth=4", "workload.service=constant",
			"workload.service_time=10us"));
	ck_assert_double_ge(hist_mean(course_hist(&c, "nvme0.latency")), 205e6);
	ck_assert_double_le(hist_mean(course_hist(&c, "nvme0.latency")), 240e6);
	end();
}
END_TEST

START_TEST(an_open_loop_issues_at_its_rate)
{
	double expected = 2 * 20000 * 0.1;

	run(2 * MS, 100 * MS, SETTINGS("workload.rate_iops=20000"));
	ck_assert_double_eq_tol(u64("nvme0.issued"), expected, 4 * sqrt(expected));
	ck_assert_uint_lt(course_hist(&c, "nvme0.latency")->max, 2 * MS);
	end();
	/* more than the disk can do: latency grows with time, as requests wait from when they are due */
	run(2 * MS, 50 * MS,
		SETTINGS("workload.rate_iops=20000", "workload.units=1", "workload.iodepth=8"));
	ck_assert_uint_gt(course_hist(&c, "nvme0.latency")->max, 30 * MS);
	end();
}
END_TEST

START_TEST(mixes_are_what_they_say)
{
	double n, bytes = 0.6 * 4096 + 0.4 * 65536;

	run(0, 60 * MS,
		SETTINGS("workload.rw=randrw", "workload.rwmixread=70",
			"workload.bssplit=4k/60:64k/40", "pcie.bandwidth=256Gbps"));
	n = u64("nvme0.completed");
	ck_assert_double_gt(n, 5000);
	ck_assert_double_eq_tol(u64("nvme0.reads") / n, 0.7, 4 * sqrt(0.21 / n));
	ck_assert_double_eq_tol(u64("nvme0.bytes") / n, bytes, 0.06 * bytes);
	end();
}
END_TEST

START_TEST(mappings_are_per_list_per_page_or_once)
{
	static const struct {
		const char *mapping;
		double maps; /* a request of 16 KiB */
	} styles[] = { { "workload.mapping=list", 1 }, { "workload.mapping=page", 4 },
		{ "workload.mapping=once", 0 } };

	for (unsigned i = 0; i < 3; i++) {
		run(2 * MS, 10 * MS, SETTINGS("workload.bs=16KiB", styles[i].mapping));
		ck_assert_double_eq_tol(u64("dom0.maps"), styles[i].maps * u64("nvme0.issued"),
			4 * styles[i].maps + 0.5);
		end();
	}
}
END_TEST

/* The most frequent of n places has a share of 1 / (1^-t + ... + n^-t). */
START_TEST(zipf_has_its_shares)
{
	static const double thetas[] = { 0.8, 1, 1.4 };

	for (unsigned k = 0; k < 3; k++) {
		struct nvme n = { .load = { .nsplits = 1,
					  .bytes = { 4096 },
					  .upto = { 100 },
					  .rw = NVME_RANDREAD,
					  .size = 1000 * 4096,
					  .theta = thetas[k] } };
		struct nvme_job j = { .nvme = &n };
		unsigned seen[1000] = { 0 }, most = 0, draws = 200000;
		double sum = 0, share;

		rng_init(&j.rng, k, "test.zipf");
		for (unsigned i = 0; i < draws; i++)
			seen[nvme_load_next(&j).at / 4096]++;
		for (unsigned i = 0; i < 1000; i++) {
			most = seen[i] > most ? seen[i] : most;
			sum += pow(i + 1, -thetas[k]);
		}
		share = 1 / sum;
		ck_assert_double_eq_tol(
			(double)most / draws, share, 4 * sqrt(share * (1 - share) / draws));
	}
}
END_TEST

static const char *job_setting(const char *text)
{
	static char setting[160];

	scratch_store("job", text, strlen(text));
	snprintf(setting, sizeof(setting), "workload.job=%s", scratch_file("job"));
	return setting;
}

START_TEST(a_job_file_says_what_fio_would_do)
{
	const struct nvme *n;

	course_start(&c, common,
		SETTINGS(job_setting("; a comment\n[global]\nioengine=libaio\ndirect=1\nbs=16k\n"
				     "size=2g\n\n[mix]\nrw=randrw\nrwmixread=70\niodepth=16\n"
				     "numjobs=3\nrandom_distribution=zipf:1.1\ngroup_reporting\n"),
			"workload.iodepth=2"));
	course_measure(&c, 0, 5 * MS);
	n = c.system.workload_state;
	ck_assert_uint_eq(n->load.bytes[0], 16384);
	ck_assert_uint_eq(n->load.iodepth, 16);
	ck_assert_uint_eq(n->load.numjobs, 3);
	ck_assert_uint_eq(n->load.rwmixread, 70);
	ck_assert_uint_eq(n->load.size, UINT64_C(2) << 30);
	ck_assert_int_eq(n->load.rw, NVME_RANDRW);
	ck_assert_double_eq(n->load.theta, 1.1);
	end();
}
END_TEST

static void job_refused(const char *text, unsigned line, const char *part)
{
	struct nvme_load load = { .nsplits = 0 };

	scratch_store("job", text, strlen(text));
	ck_assert(!nvme_job_read(&load, scratch_file("job"), &scratch_err));
	ck_assert_uint_eq(scratch_err.pos.line, line);
	ck_assert_msg(strstr(scratch_err.text, part) != NULL, "%s", scratch_err.text);
}

START_TEST(what_a_job_file_has_wrong_is_refused_at_its_line)
{
	job_refused("[a]\nbs=4q\n", 2, "SIZE/PERCENT");
	job_refused("[a]\nbssplit=4k/60:8k/60\n", 2, "100 %");
	job_refused("[a]\nrw=trim\n", 2, "direction");
	job_refused("[a]\niodepth=0\n", 2, "1 to 1024");
	job_refused("[a]\nsize=50%\n", 2, "bytes");
	job_refused("[a]\n[b]\n", 2, "second job");
	job_refused("bs=4k\n", 0, "no job");
}
END_TEST

START_TEST(too_many_requests_for_a_queue_are_refused)
{
	struct conf_doc *doc = conf_doc_create();
	struct system s;
	struct conf *conf;

	ck_assert(conf_doc_set(doc, "workload=nvme", "test", &scratch_err));
	ck_assert(conf_doc_set(doc, "workload.queue=32", "test", &scratch_err));
	ck_assert(conf_bind(schema_get(), doc, &conf, &scratch_err));
	ck_assert(!system_create(&s, conf, NULL, &scratch_err));
	ck_assert_ptr_nonnull(strstr(scratch_err.text, "32 entries for 32 requests"));
	conf_destroy(conf);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(every_policy_and_no_iommu)
{
	static const char *const settings[] = { "policy=deferred-global", "policy=flush-queue",
		"iommu=off", "dma.mask_bits=24" };

	for (unsigned i = 0; i < ARRAY_SIZE(settings); i++) {
		if (i == 3) /* no address reaches memory without an IOMMU; with one, 16 MiB do */
			run(0, 5 * MS, SETTINGS(settings[i], "workload.bs=16KiB"));
		else
			run(0, 5 * MS, SETTINGS(settings[i], "workload.bs=64KiB"));
		ck_assert_uint_gt(course_u64(&c, "nvme0.completed"), 50);
		end();
	}
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("nvme");

	tcase_add_checked_fixture(t, scratch_open, scratch_close);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, the_queue_depth_is_rate_times_latency);
	tcase_add_test(t, one_at_a_time_takes_the_service_time_and_little_more);
	tcase_add_test(t, units_bound_the_rate);
	tcase_add_test(t, a_pointer_list_is_read_when_it_must_be);
	tcase_add_test(t, bytes_on_the_wire_are_those_of_the_protocol);
	tcase_add_test(t, interrupts_come_for_so_many_completions);
	tcase_add_test(t, an_open_loop_issues_at_its_rate);
	tcase_add_test(t, mixes_are_what_they_say);
	tcase_add_test(t, mappings_are_per_list_per_page_or_once);
	tcase_add_test(t, zipf_has_its_shares);
	tcase_add_test(t, a_job_file_says_what_fio_would_do);
	tcase_add_test(t, what_a_job_file_has_wrong_is_refused_at_its_line);
	tcase_add_test(t, too_many_requests_for_a_queue_are_refused);
	tcase_add_test(t, every_policy_and_no_iommu);
	return unit_run("system_nvme", t);
}
