#include "run/hw_case.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "run/schema.h"

/* Which model stands for a vendor, and which of its keys the case's capabilities set. */
struct vendor {
	const char *name, *model;
	struct {
		const char *cap, *key; /* of the case's "caps", of the section iommu */
	} keys[4];
};

static const struct vendor vendors[] = {
	{ "vtd", "vtd", { { "cap", "cap" }, { "ecap", "ecap" }, { "haw", "haw" } } },
};

uint64_t hw_number(const json_t *v)
{
	return json_is_string(v) ? strtoull(json_string_value(v), NULL, 0)
				 : (uint64_t)json_integer_value(v);
}

static const struct vendor *find_vendor(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(vendors); i++)
		if (strcmp(vendors[i].name, name) == 0)
			return &vendors[i];
	return NULL;
}

static const struct iommu_model_ops *find_model(const char *name)
{
	size_t n;
	const struct iommu_model_ops *const *ops = iommu_models(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(ops[i]->name, name) == 0)
			return ops[i];
	return NULL;
}

static bool set(
	struct conf_doc *doc, struct err *err, const char *key, uint64_t value, const char *unit)
{
	char *text = xasprintf("%s=%llu%s", key, (unsigned long long)value, unit);
	bool ok = conf_doc_set(doc, text, "case", err);

	free(text);
	return ok;
}

/* Memory as the case's "ram" says: [0, a) and [4 GiB, b). */
static bool set_memory(struct conf_doc *doc, const json_t *ram, struct err *err)
{
	const json_t *low = json_array_get(ram, 0), *high = json_array_get(ram, 1);
	uint64_t low_end = hw_number(json_array_get(low, 1));
	uint64_t end = high ? hw_number(json_array_get(high, 1)) : low_end;

	return set(doc, err, "memory.size", end, "B") &&
	       set(doc, err, "memory.hole", high ? ((uint64_t)1 << 32) - low_end : 0, "B");
}

static bool configure(struct hw_case *c, const struct vendor *v, struct err *err)
{
	const json_t *caps = json_object_get(c->json, "caps");
	struct conf_doc *doc = conf_doc_create();
	char *model = xasprintf("iommu.model=%s", v->model);
	bool ok = conf_doc_set(doc, model, "case", err) &&
		  set_memory(doc, json_object_get(caps, "ram"), err);

	for (size_t i = 0; ok && i < ARRAY_SIZE(v->keys) && v->keys[i].cap; i++) {
		char *key = xasprintf("iommu.%s", v->keys[i].key);

		ok = set(doc, err, key, hw_number(json_object_get(caps, v->keys[i].cap)), "");
		free(key);
	}
	ok = ok && conf_bind(schema_get(), doc, &c->conf, err);
	free(model);
	conf_doc_destroy(doc);
	return ok;
}

static bool build(struct hw_case *c, const struct vendor *v, struct err *err)
{
	struct metric_scope *root;

	c->engine = engine_create(1);
	c->metrics = metrics_create();
	c->machine_conf = (struct machine_conf){
		.cpu = conf_common(c->conf, "cpu"),
		.cost = conf_common(c->conf, "cost"),
		.lock = conf_common(c->conf, "lock"),
		.mem = conf_common(c->conf, "memory"),
	};
	machine_init(&c->machine, &c->machine_conf, c->engine, c->metrics);
	root = metrics_root(c->metrics);
	c->windows = windows_create(metric_scope_child(root, "windows"));
	c->model = find_model(v->model);
	BUG_ON(!c->model);
	c->state = xcalloc(1, c->model->state_size);
	return c->model->init(c->state, conf_of_variant(c->conf, "iommu"),
		&(struct iommu_env){ .machine = &c->machine,
			.windows = c->windows,
			.scope = metric_scope_child(root, "iommu0") },
		err);
}

/* Until nothing is left to happen: commands and invalidations are done. */
static void settle(struct hw_case *c)
{
	engine_run(c->engine, SIM_TIME_NEVER);
}

bool hw_case_begin(struct hw_case *c, json_t *json, bool *known, struct err *err)
{
	const struct vendor *v = find_vendor(json_string_value(json_object_get(json, "vendor")));

	*c = (struct hw_case){ .json = json };
	c->id = json_string_value(json_object_get(json, "id"));
	c->note = json_string_value(json_object_get(json, "note"));
	*known = v != NULL;
	if (!v)
		return true;
	if (!configure(c, v, err) || !build(c, v, err))
		return false;
	if (!hw_memory_writes(c, json_object_get(json, "mem")))
		return err_set(err, "the case's \"mem\" names memory that does not exist");
	settle(c);
	return hw_register_writes(c, json_object_get(json, "init")) ||
	       err_set(err, "the case's \"init\" is malformed");
}

void hw_case_end(struct hw_case *c)
{
	if (!c->engine)
		return;
	metrics_destroy(c->metrics);
	c->model->fini(c->state);
	machine_fini(&c->machine);
	windows_destroy(c->windows);
	engine_destroy(c->engine);
	free(c->state);
	conf_destroy(c->conf);
}

bool hw_memory_writes(struct hw_case *c, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);
		hpa_t at = { hw_number(json_array_get(e, 0)) };

		if (at.a % 8 || !mem_exists(c->machine.mem, at, 8))
			return false;
		mem_write64(c->machine.mem, at, hw_number(json_array_get(e, 1)));
	}
	return true;
}

bool hw_register_writes(struct hw_case *c, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);

		if (json_array_size(e) != 3)
			return false;
		c->model->hw_mmio_write(c->state, (uint32_t)hw_number(json_array_get(e, 1)),
			(unsigned)hw_number(json_array_get(e, 0)), hw_number(json_array_get(e, 2)));
		settle(c);
	}
	return true;
}

uint64_t hw_register_read(struct hw_case *c, uint32_t offset, unsigned bytes)
{
	return c->model->hw_mmio_read(c->state, offset, bytes);
}

uint64_t hw_memory_read(struct hw_case *c, uint64_t at)
{
	return mem_exists(c->machine.mem, (hpa_t){ at }, 8)
		       ? mem_read64(c->machine.mem, (hpa_t){ at })
		       : UINT64_MAX;
}

struct request {
	struct xlate x;
	bool *answered;
};

static void done(struct xlate *x)
{
	*container_of(x, struct request, x)->answered = true;
}

void hw_dma(struct hw_case *c, struct xlate *x)
{
	struct request r = { .x = *x, .answered = &c->answered };

	r.x.done = done;
	list_init(&r.x.link);
	c->answered = c->model->hw_translate(c->state, &r.x);
	settle(c);
	BUG_ON(!c->answered);
	*x = r.x;
}
