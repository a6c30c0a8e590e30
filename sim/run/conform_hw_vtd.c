/* What VT-d cases are held to beside the results of DMA: fault status, the fault record, accessed and
 * dirty bits. */
#include <inttypes.h>

#include "run/hw_check.h"

#define FSTS 0x34u
#define FRCD 0x220u

/* Accessed and dirty bits that the step set. "fs_dirty_on_hit" is a departure in just these. */
static void check_entries(
	struct hw_check *t, struct hw_case *c, const json_t *step, const json_t *exp)
{
	const json_t *list = json_object_get(exp, "memx");
	char got[96];

	if (json_object_get(exp, "dev") || t->branched)
		return;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);
		uint64_t at = hw_number(json_array_get(e, 0)), value = hw_rig_mem_read(&c->rig, at);

		if (value == hw_number(json_array_get(e, 1)))
			continue;
		snprintf(got, sizeof(got), "memory 0x%" PRIx64 " is 0x%" PRIx64, at, value);
		hw_differs(t, c, step, "entry", got);
	}
}

static void after(struct hw_check *t, struct hw_case *c, void *state, const json_t *step,
	const struct xlate *x)
{
	const json_t *exp = json_object_get(step, "exp"), *frcd = json_object_get(exp, "frcd");

	(void)state;
	if (!x)
		return;
	hw_check_register(t, c, step, json_object_get(exp, "fsts"), FSTS, 4);
	hw_check_register(t, c, step, json_array_get(frcd, 0), FRCD, 8);
	hw_check_register(t, c, step, json_array_get(frcd, 1), FRCD + 8, 8);
	check_entries(t, c, step, exp);
}

const struct hw_vendor hw_vendor_vtd = {
	.name = "vtd",
	.model = "vtd",
	.fault_key = "fr",
	.keys = { { "cap", "cap" }, { "ecap", "ecap" }, { "haw", "haw" } },
	.after = after,
};
