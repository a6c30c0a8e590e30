/*
 * The fuzz target without a fuzzer: every file named on the command line, mutations of each, then a
 * number of random inputs, all from fixed seeds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define MOST     4096u
#define FILE_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes changed, a piece taken out, doubled, or the rest cut off. */
static size_t mutate(uint8_t *data, size_t n, struct rng *r)
{
	size_t at = (size_t)rng_below(r, n), len = 1 + (size_t)rng_below(r, n - at);

	switch (rng_below(r, 4)) {
	case 0:
		for (uint64_t i = 1 + rng_below(r, 8); i > 0; i--)
			data[rng_below(r, n)] ^= (uint8_t)(1u << rng_below(r, 8));
		return n;
	case 1:
		memmove(data + at, data + at + len, n - at - len);
		return n - len;
	case 2:
		len = len < FILE_MAX - n ? len : FILE_MAX - n;
		memmove(data + at + len, data + at, n - at);
		return n + len;
	default:
		return at;
	}
}

static void run_mutated(const uint8_t *data, size_t n, uint64_t seed)
{
	static uint8_t copy[FILE_MAX];
	struct rng r;

	rng_init(&r, seed, "fuzz.mutate");
	memcpy(copy, data, n);
	for (uint64_t i = 1 + rng_below(&r, 4); n > 0 && i > 0; i--)
		n = mutate(copy, n, &r);
	LLVMFuzzerTestOneInput(copy, n);
}

static int run_file(const char *name, uint64_t mutations)
{
	static uint8_t data[FILE_MAX];
	FILE *in = fopen(name, "rb");
	size_t n;

	if (!in) {
		perror(name);
		return 1;
	}
	n = fread(data, 1, sizeof(data), in);
	fclose(in);
	for (uint64_t seed = 0; seed < mutations; seed++)
		run_mutated(data, n, seed);
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

/* usage: run_corpus RANDOM_INPUTS MUTATIONS [FILE...] */
int main(int argc, char **argv)
{
	uint64_t inputs = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
	uint64_t mutations = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;

	for (int i = 3; i < argc; i++)
		if (run_file(argv[i], mutations) != 0)
			return 1;
	for (uint64_t seed = 0; seed < inputs; seed++)
		run_random(seed);
	printf("%d files, %llu mutations of each and %llu random inputs survived\n",
		argc > 3 ? argc - 3 : 0, (unsigned long long)mutations, (unsigned long long)inputs);
	return 0;
}
