/*
 * Which allocators and policies go together: is what cannot work refused before anything runs, where the
 * user wrote it, with the reason and what would do?
 */
#include <check.h>
#include <string.h>

#include "dma/combine.h"
#include "run/schema.h"
#include "tests/unit/unit.h"

static bool bind(const char *const *settings, char *text, size_t size)
{
	struct conf_doc *doc = conf_doc_create();
	struct conf *conf;
	struct err err;
	bool ok;

	text[0] = '\0';
	for (; *settings; settings++)
		ck_assert(conf_doc_set(doc, *settings, "--set", &err));
	ok = conf_bind(schema_get(), doc, &conf, &err);
	if (ok)
		conf_destroy(conf);
	else
		err_format(&err, text, size);
	conf_doc_destroy(doc);
	return ok;
}

START_TEST(test_every_pair_is_valid_or_refused_by_what_the_tables_say)
{
	size_t na, np, refused = 0;
	const struct iova_allocator_ops *const *a = iova_allocators(&na);
	const struct flush_policy_ops *const *p = flush_policies(&np);
	char allocator[64], policy[64], text[600];

	for (size_t i = 0; i < na; i++) {
		for (size_t k = 0; k < np; k++) {
			const char *const settings[] = { allocator, policy, NULL };
			bool ok;

			snprintf(allocator, sizeof(allocator), "allocator=%s", a[i]->name);
			snprintf(policy, sizeof(policy), "policy=%s", p[k]->name);
			ok = bind(settings, text, sizeof(text));
			ck_assert_int_eq(ok, (a[i]->caps & p[k]->needs) == p[k]->needs &&
						     !(a[i]->caps & ~p[k]->needs & IOVA_PREMAPPED));
			if (ok)
				continue;
			refused++;
			ck_assert_ptr_nonnull(strstr(text, p[k]->name));
			ck_assert_ptr_nonnull(strstr(text, a[i]->name));
		}
	}
	ck_assert_uint_gt(refused, 0);
	ck_assert_uint_lt(refused, na * np / 2);
}
END_TEST

START_TEST(test_a_refusal_names_what_would_do)
{
	static const char *const tree[] = { "policy=flush-on-reuse", NULL };
	static const char *const chunks[] = { "policy=flush-on-reuse", "allocator=percpu-chunk",
		NULL };
	static const char *const bitmaps[] = { "policy=flush-on-reuse", "allocator=percpu-chunk",
		"allocator.inside=bitmap", NULL };
	char text[600];

	ck_assert(!bind(tree, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "these do: bitmap-rr, bitmap-percpu"));
	ck_assert(!bind(chunks, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "inside: bitmap"));
	ck_assert(bind(bitmaps, text, sizeof(text)));
}
END_TEST

START_TEST(test_without_an_iommu_there_is_nothing_to_combine)
{
	static const char *const settings[] = { "policy=flush-on-reuse", "iommu=off", NULL };
	char text[600];

	ck_assert_msg(bind(settings, text, sizeof(text)), "%s", text);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("combinations");

	tcase_add_test(tc, test_every_pair_is_valid_or_refused_by_what_the_tables_say);
	tcase_add_test(tc, test_a_refusal_names_what_would_do);
	tcase_add_test(tc, test_without_an_iommu_there_is_nothing_to_combine);
	return unit_run("combinations", tc);
}
