/*
 * usage: iommusim-bench [--json] [--repeat N] [CASE...]
 * Every repetition runs in a process of its own, cases in turn, so that a slow phase of the machine
 * meets all of them; the median is reported.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/types.h"
#include "bench/bench.h"

static const struct bench_case cases[] = {
	{ "lock-mock", "events", "16 CPUs, 4 locks, 16 devices: the engine alone",
		bench_lock_mock },
	{ "nic-rx-recycled", "packets", "100 GbE 1500 B, 8 CPUs, page pool, event per TLP",
		bench_nic_rx_recycled },
	{ "nic-rx-recycled-dma", "packets", "the same, event per DMA piece",
		bench_nic_rx_recycled_dma },
	{ "nic-rx-unmapped", "packets", "the same, map and unmap per packet, rbtree, batched",
		bench_nic_rx_unmapped },
	{ "iova-rcache", "pairs", "rcache-6.1 untimed, 512 live, first in first out: 39 ns at most",
		bench_iova_rcache },
	{ "iova-bitmap-rr", "pairs", "bitmap-rr untimed, the same: 57 ns at most",
		bench_iova_bitmap_rr },
	{ "iotlb-hit", "translations", "VT-d translation that hits the IOTLB", bench_iotlb_hit },
	{ "walk-4-level", "walks", "VT-d walk of four levels, nothing cached", bench_walk },
	{ "trace-import", "lines", "ftrace text to a trace, access model and all",
		bench_trace_import },
	{ "trace-read", "records", "a trace held to its rules, no model behind it",
		bench_trace_read },
};

#define MAX_REPEAT 99

double bench_cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int run_once(const struct bench_case *c, struct bench_result *r)
{
	int fd[2], status;
	pid_t pid;

	if (pipe(fd) != 0 || (pid = fork()) < 0) {
		perror("iommusim-bench");
		exit(2);
	}
	if (pid == 0) {
		memset(r, 0, sizeof(*r));
		c->run(r);
		_exit(write(fd[1], r, sizeof(*r)) == sizeof(*r) ? 0 : 1);
	}
	close(fd[1]);
	status = read(fd[0], r, sizeof(*r)) == sizeof(*r);
	close(fd[0]);
	waitpid(pid, NULL, 0);
	return status;
}

static int by_cpu(const void *a, const void *b)
{
	const struct bench_result *x = a, *y = b;

	return (x->cpu_s > y->cpu_s) - (x->cpu_s < y->cpu_s);
}

static bool is_wanted(const struct bench_case *c, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], c->name) == 0)
			return true;
	return n == 0;
}

static void print_text(const struct bench_case *c, const struct bench_result *r, unsigned n)
{
	const struct bench_result *m = &r[n / 2];

	printf("%-20s %9.3f M%s/s", c->name, (double)m->work / m->cpu_s * 1e-6, c->unit);
	if (m->events)
		printf("  %6.2f Mevents/s", (double)m->events / m->cpu_s * 1e-6);
	if (m->events && m->work && m->events != m->work)
		printf("  %5.1f events/%s", (double)m->events / (double)m->work, c->unit);
	if (m->simulated_s > 0)
		printf("  %5.1f x slower than real time", m->cpu_s / m->simulated_s);
	printf("  [%.3f-%.3f s]\n", r[0].cpu_s, r[n - 1].cpu_s);
}

static json_t *to_json(const struct bench_case *c, const struct bench_result *r, unsigned n)
{
	const struct bench_result *m = &r[n / 2];

	return json_pack("{s:s,s:s,s:I,s:I,s:f,s:f,s:f,s:f}", "case", c->name, "unit", c->unit,
		"work", (json_int_t)m->work, "events", (json_int_t)m->events, "simulated_s",
		m->simulated_s, "cpu_s_median", m->cpu_s, "cpu_s_min", r[0].cpu_s, "cpu_s_max",
		r[n - 1].cpu_s);
}

static void report(
	bool json, const struct bench_result *results, unsigned n, char **names, int nnames)
{
	json_t *all = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct bench_result *r = &results[i * MAX_REPEAT];

		if (!is_wanted(&cases[i], names, nnames))
			continue;
		if (json)
			json_array_append_new(all, to_json(&cases[i], r, n));
		else
			print_text(&cases[i], r, n);
	}
	if (json) {
		json_dumpf(all, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(all);
}

static int usage(void)
{
	fputs("usage: iommusim-bench [--json] [--repeat N] [CASE...]\ncases:\n", stderr);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		fprintf(stderr, "  %-20s %s\n", cases[i].name, cases[i].help);
	return 2;
}

int main(int argc, char **argv)
{
	static struct bench_result results[ARRAY_SIZE(cases) * MAX_REPEAT];
	unsigned repeat = 5;
	bool json = false;
	int first = 1;

	for (; first < argc && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--json") == 0)
			json = true;
		else if (strcmp(argv[first], "--repeat") == 0 && first + 1 < argc)
			repeat = (unsigned)atoi(argv[++first]);
		else
			return usage();
	}
	if (repeat < 1 || repeat > MAX_REPEAT)
		return usage();
	for (unsigned n = 0; n < repeat; n++)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			if (is_wanted(&cases[i], argv + first, argc - first) &&
				!run_once(&cases[i], &results[i * MAX_REPEAT + n])) {
				fprintf(stderr, "iommusim-bench: case %s failed\n", cases[i].name);
				return 1;
			}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		qsort(&results[i * MAX_REPEAT], repeat, sizeof(results[0]), by_cpu);
	report(json, results, repeat, argv + first, argc - first);
	return 0;
}
