/*
 * The fuzz target without a fuzzer: every file named on the command line, then a number of random
 * inputs from fixed seeds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define MOST 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *name)
{
	static uint8_t data[1 << 20];
	FILE *in = fopen(name, "rb");
	size_t n;

	if (!in) {
		perror(name);
		return 1;
	}
	n = fread(data, 1, sizeof(data), in);
	fclose(in);
	return LLVMFuzzerTestOneInput(data, n);
}

static void run_random(uint64_t seed)
{
	uint8_t data[MOST];
	struct rng r;
	size_t n;

	rng_init(&r, seed, "fuzz");
	n = (size_t)rng_below(&r, MOST);
	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)rng_u64(&r);
	LLVMFuzzerTestOneInput(data, n);
}

/* usage: run_corpus RANDOM_INPUTS [FILE...] */
int main(int argc, char **argv)
{
	uint64_t inputs = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;

	for (int i = 2; i < argc; i++)
		if (run_file(argv[i]) != 0)
			return 1;
	for (uint64_t seed = 0; seed < inputs; seed++)
		run_random(seed);
	printf("%d files and %llu random inputs survived\n", argc > 2 ? argc - 2 : 0,
		(unsigned long long)inputs);
	return 0;
}
