#include "run/hw_case.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/hw_check.h"
#include "run/schema.h"

uint64_t hw_number(const json_t *v)
{
	return json_is_string(v) ? strtoull(json_string_value(v), NULL, 0)
				 : (uint64_t)json_integer_value(v);
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

static bool configure(
	const struct hw_case *c, const struct hw_vendor *v, struct conf **conf, struct err *err)
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
	ok = ok && conf_bind(schema_get(), doc, conf, err);
	free(model);
	conf_doc_destroy(doc);
	return ok;
}

bool hw_case_begin(struct hw_case *c, json_t *json, struct err *err)
{
	struct conf *conf;

	*c = (struct hw_case){ .json = json };
	c->id = json_string_value(json_object_get(json, "id"));
	c->note = json_string_value(json_object_get(json, "note"));
	c->vendor = hw_vendor_find(json_string_value(json_object_get(json, "vendor")));
	if (!c->vendor)
		return true;
	if (!configure(c, c->vendor, &conf, err) || !hw_rig_create(&c->rig, conf, err))
		return false;
	c->built = true;
	c->rig.model->obs_trace(c->rig.state, true);
	if (!hw_memory_writes(c, json_object_get(json, "mem")))
		return err_set(err, "the case's \"mem\" names memory that does not exist");
	return hw_register_writes(c, json_object_get(json, "init")) ||
	       err_set(err, "the case's \"init\" is malformed");
}

void hw_case_end(struct hw_case *c)
{
	if (c->built)
		hw_rig_destroy(&c->rig);
}

bool hw_memory_writes(struct hw_case *c, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);

		if (!hw_rig_mem_write(&c->rig, hw_number(json_array_get(e, 0)),
			    hw_number(json_array_get(e, 1))))
			return false;
	}
	return true;
}

bool hw_register_writes(struct hw_case *c, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);

		if (json_array_size(e) != 3)
			return false;
		hw_rig_mmio_write(&c->rig, (uint32_t)hw_number(json_array_get(e, 1)),
			(unsigned)hw_number(json_array_get(e, 0)), hw_number(json_array_get(e, 2)));
		hw_rig_settle(&c->rig);
	}
	return true;
}
