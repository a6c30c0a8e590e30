#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "conf/units.h"
#include "workloads/nvme.h"

#define SHARES 100u
/* A prime: no two ranks on one place; times the sectors of 16 TiB it fits in 64 bits. */
#define SPREAD UINT64_C(402653189)

bool nvme_parse_rw(const char *text, enum nvme_rw *rw)
{
	static const char *const words[] = { "read", "write", "randread", "randwrite", "rw",
		"randrw" };

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i]) == 0) {
			*rw = (enum nvme_rw)i;
			return true;
		}
	}
	if (strcmp(text, "readwrite") == 0) {
		*rw = NVME_RW;
		return true;
	}
	return false;
}

/* "4k", "64k", "1m", "512"; also the project's own "4KiB". */
static bool parse_bytes(const char *text, size_t n, uint32_t *bytes)
{
	uint64_t v = 0;
	size_t i = 0;
	unsigned shift = 0;

	for (; i < n && text[i] >= '0' && text[i] <= '9' && v < UINT32_MAX; i++)
		v = v * 10 + (uint64_t)(text[i] - '0');
	if (i == 0)
		return false;
	if (i < n && (text[i] == 'k' || text[i] == 'K'))
		shift = 10;
	else if (i < n && (text[i] == 'm' || text[i] == 'M'))
		shift = 20;
	i += shift != 0;
	if (i < n && strncmp(text + i, "iB", 2) == 0)
		i += 2;
	else if (i < n && (text[i] == 'b' || text[i] == 'B'))
		i++;
	v <<= shift;
	if (i != n || v < LBA_BYTES || v > 1 << 20 || v % LBA_BYTES)
		return false;
	*bytes = (uint32_t)v;
	return true;
}

static bool parse_share(const char *s, size_t n, uint32_t *share)
{
	uint32_t v = 0;

	if (n == 0 || n > 3)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(s[i] - '0');
	}
	*share = v;
	return v <= SHARES;
}

/* "4k/60:64k/40". fio lets the last shares be left out; so they are here: the rest, evenly. */
bool nvme_parse_split(struct nvme_load *l, const char *text, const char **wrong)
{
	uint32_t share[NVME_SPLITS], sum = 0, open = 0, n = 0;

	*wrong = "must be SIZE/PERCENT:SIZE/PERCENT..., with sizes of 512 to 1m in sectors";
	for (const char *s = text; *s; n++) {
		size_t len = strcspn(s, ":"), size = strcspn(s, "/:");

		if (n == NVME_SPLITS || !parse_bytes(s, size, &l->bytes[n]))
			return false;
		share[n] = UINT32_MAX;
		if (size + 1 < len && !parse_share(s + size + 1, len - size - 1, &share[n]))
			return false;
		sum += share[n] == UINT32_MAX ? 0 : share[n];
		open += share[n] == UINT32_MAX;
		s += len + (s[len] == ':');
	}
	*wrong = "has shares that are not 100 % together";
	if (n == 0 || sum > SHARES || (open == 0 && sum != SHARES))
		return false;
	l->nsplits = n;
	for (uint32_t i = 0, upto = 0; i < n; i++) {
		upto += share[i] != UINT32_MAX ? share[i] : (SHARES - sum) / open;
		l->upto[i] = i + 1 == n ? SHARES : upto;
	}
	return true;
}

bool nvme_parse_distribution(struct nvme_load *l, const char *text)
{
	char *end;

	l->theta = 0;
	if (strcmp(text, "random") == 0)
		return true;
	if (strncmp(text, "zipf:", 5) != 0)
		return false;
	l->theta = strtod(text + 5, &end);
	return *end == '\0' && end != text + 5 && l->theta > 0 && l->theta < 5;
}

uint32_t nvme_load_largest(const struct nvme_load *l)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < l->nsplits; i++)
		most = l->bytes[i] > most ? l->bytes[i] : most;
	return most;
}

bool nvme_load_init(
	struct nvme_load *l, const struct nvme_conf *c, struct src_pos pos, struct err *err)
{
	const char *wrong;

	*l = (struct nvme_load){ .nsplits = 1,
		.bytes = { (uint32_t)c->bs },
		.upto = { SHARES },
		.rw = (enum nvme_rw)c->rw,
		.rwmixread = c->rwmixread,
		.iodepth = c->iodepth,
		.numjobs = c->numjobs,
		.size = c->size,
		.rate_iops = c->rate_iops };
	if (c->bs % LBA_BYTES)
		return err_at(err, pos, "workload.bs", "must be whole sectors of 512 bytes");
	if (c->bssplit[0] && !nvme_parse_split(l, c->bssplit, &wrong))
		return err_at(err, pos, "workload.bssplit", "%s", wrong);
	if (!nvme_parse_distribution(l, c->random_distribution))
		return err_at(err, pos, "workload.random_distribution",
			"must be random or zipf:THETA, 0 < THETA < 5");
	if (c->job[0] && !nvme_job_read(l, c->job, err))
		return false;
	if (l->size < nvme_load_largest(l))
		return err_at(err, pos, "workload.size", "must hold the largest request");
	return true;
}

/* ---- the next request ---- */

/* Zipf over 1 .. n by rejection-inversion (Hoermann and Derflinger 1996): no table, whatever n. */
static double zipf_h(double x, double theta)
{
	return theta == 1 ? log(x) : (pow(x, 1 - theta) - 1) / (1 - theta);
}

static double zipf_inverse(double y, double theta)
{
	return theta == 1 ? exp(y) : pow(1 + y * (1 - theta), 1 / (1 - theta));
}

static uint64_t zipf(struct rng *rng, uint64_t n, double theta)
{
	double low = zipf_h(1.5, theta) - 1, high = zipf_h((double)n + 0.5, theta);

	for (;;) {
		double u = low + rng_unit(rng) * (high - low), x = zipf_inverse(u, theta);
		double k = floor(x + 0.5);

		k = k < 1 ? 1 : k > (double)n ? (double)n : k;
		if (u >= zipf_h(k + 0.5, theta) - pow(k, -theta))
			return (uint64_t)k;
	}
}

static bool is_random(enum nvme_rw rw)
{
	return rw == NVME_RANDREAD || rw == NVME_RANDWRITE || rw == NVME_RANDRW;
}

static bool next_is_write(struct nvme_job *j)
{
	const struct nvme_load *l = &j->nvme->load;

	if (l->rw == NVME_RW || l->rw == NVME_RANDRW)
		return rng_below(&j->rng, SHARES) >= l->rwmixread;
	return l->rw == NVME_WRITE || l->rw == NVME_RANDWRITE;
}

static uint32_t next_bytes(struct nvme_job *j)
{
	const struct nvme_load *l = &j->nvme->load;
	uint64_t r = l->nsplits > 1 ? rng_below(&j->rng, SHARES) : 0;
	uint32_t i = 0;

	while (l->upto[i] <= r)
		i++;
	return l->bytes[i];
}

/* Places are multiples of the request's size. The hottest of a zipf are spread over the disk. */
static uint64_t next_place(struct nvme_job *j, uint32_t bytes)
{
	const struct nvme_load *l = &j->nvme->load;
	uint64_t places = l->size / bytes, at;

	if (is_random(l->rw)) {
		at = l->theta > 0 ? zipf(&j->rng, places, l->theta) * SPREAD % places
				  : rng_below(&j->rng, places);
		return at * bytes;
	}
	if (j->sequential + bytes > l->size)
		j->sequential = 0;
	at = j->sequential;
	j->sequential += bytes;
	return at;
}

struct nvme_next nvme_load_next(struct nvme_job *j)
{
	struct nvme_next n = { .write = next_is_write(j), .bytes = next_bytes(j) };

	n.at = next_place(j, n.bytes);
	return n;
}
