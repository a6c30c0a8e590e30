/*
 * run_conf - the sections that belong to a run itself, not to a component.
 */
#ifndef SIM_RUN_RUN_CONF_H
#define SIM_RUN_RUN_CONF_H
#include "conf/conf.h"

#define EXPERIMENT_CONF(F)                                                                         \
	F(str, name, "", NULL, NULL, "", "Name of the results folder; empty: the file's name.")    \
	F(str, description, "", NULL, NULL, "", "What the experiment asks, for people.")           \
	F(u64, seed, "1", NULL, NULL, "", "Of every random number; same seed, same bytes.")        \
	F(bool, expect_faults, "false", NULL, NULL, "",                                            \
		"The experiment is about faults: refused or wrong translations do not fail it.")
CONF_DECLARE(experiment_conf, EXPERIMENT_CONF);

#define TIME_CONF(F)                                                                               \
	F(time, warmup, "5ms", "0", "100s", "", "Before measuring begins.")                        \
	F(time, measure, "20ms", "1us", "1000s", "", "Measured time.")                             \
	F(time, drain, "1s", "1ms", "100s", "",                                                    \
		"Longest time that the traffic in flight may take to end afterwards.")
CONF_DECLARE(time_conf, TIME_CONF);

#define RUN_MODEL_OFF "off" /* the model that is none */

#endif
