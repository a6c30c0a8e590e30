/*
 * conf_fixture - a small schema with every kind of key, and a folder of files to load with it.
 */
#ifndef TESTS_UNIT_CONF_FIXTURE_H
#define TESTS_UNIT_CONF_FIXTURE_H
#include "conf/conf.h"

#define TOP_CONF(F)                                                                                \
	F(u64, seed, "1", NULL, NULL, "", "Seed of every random stream.")                          \
	F(str, title, "", NULL, NULL, "", "What the run is called in plots.")                      \
	F(f64, warmup, "0.1", "0", "1", "of the run", "Share that is not measured.")
#define CPU_CONF(F)                                                                                \
	F(u32, count, "8", "1", "1024", "CPUs", "CPUs that take part.")                            \
	F(freq, clock, "2.6GHz", "100MHz", "10GHz", "", "Core clock.")                             \
	F(choice, lock, "ticket", NULL, NULL, "ticket|queued|tas", "Spinlock algorithm.")
#define GLOBAL_CONF(F)                                                                             \
	F(u32, entries, "250", "1", "65536", "entries", "Unmaps gathered before a flush.")         \
	F(time, timeout, "10ms", "0", "10s", "", "Longest time between an unmap and its flush.")   \
	F(path, log, "", NULL, NULL, "", "File of flushes.")
#define PERCPU_CONF(F)                                                                             \
	F(u32, entries, "64", "1", "4096", "entries", "Unmaps gathered on a CPU before a flush.")  \
	F(bool, steal, "false", NULL, NULL, "", "Flush for other CPUs too.")
#define NIC_CONF(F)                                                                                \
	F(u32list, sizes, "[64, 594, 1518]", "64", "9000", "bytes", "Packet sizes in turn.")       \
	F(rate, link, "10Gbps", "1Mbps", NULL, "", "Speed of the wire.")                           \
	F(size, buffer, "2KiB", NULL, "64KiB", "", "Receive buffer.")
#define PCAP_CONF(F) F(path, file, "", NULL, NULL, "", "Capture to replay.")

CONF_DECLARE(top_conf, TOP_CONF);
CONF_DECLARE(cpu_conf, CPU_CONF);
CONF_DECLARE(global_conf, GLOBAL_CONF);
CONF_DECLARE(percpu_conf, PERCPU_CONF);
CONF_DECLARE(nic_conf, NIC_CONF);
CONF_DECLARE(pcap_conf, PCAP_CONF);

/* Sections "", cpu, policy (strict, deferred-global, deferred-percpu), workload (nic_rx, idle; no
 * default when `no_default`), workload.arrivals (constant, pcap). */
extern const struct conf_schema fixture_schema, fixture_schema_no_default;

/* Checked fixtures: a folder of their own for every test, which is also the current folder. */
void fixture_setup(void);
void fixture_teardown(void);
const char *fixture_folder(void);

/* Write "name" in the folder; returns its name. */
const char *fixture_file(const char *name, const char *text);
/* Load text as "x.yaml" with platforms from "platforms/"; the test fails when it is refused. */
struct conf_doc *fixture_load(const char *text);
struct conf *fixture_bind(const struct conf_doc *doc);
/* Load, resolve the sweep and bind; the message, or "ok". Returns a static buffer. */
const char *fixture_message(const char *text);
const char *fixture_message_with(const char *text, const char *assignment);

#endif
