#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "conf/conf_suggest.h"
#include "run/complain.h"

#define MAX_OPTIONS 32

static void show_help(const struct cli_args *a)
{
	const struct cli_command *commands;
	size_t n;

	commands = cli_commands(&n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(commands[i].name, a->command) == 0)
			printf("usage: iommusim %s %s\n\n%s\n", a->command, commands[i].usage,
				commands[i].summary);
	}
	if (a->noptions > 0)
		puts("");
	for (size_t i = 0; i < a->noptions; i++) {
		const struct cli_option *o = &a->options[i];
		char letter[8] = "   ", text[64];

		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c,", o->letter);
		snprintf(text, sizeof(text), "--%s%s%s", o->name, o->metavar ? " " : "",
			o->metavar ? o->metavar : "");
		printf("  %s %-22s %s\n", letter, text, o->help);
	}
}

static bool unknown_option(const struct cli_args *a, const char *word, struct err *err)
{
	const char *names[MAX_OPTIONS], *near;
	size_t n = 0;

	for (; n < a->noptions && n < MAX_OPTIONS; n++)
		names[n] = a->options[n].name;
	err_set(err, "unknown option '%s' of 'iommusim %s'", word, a->command);
	near = strncmp(word, "--", 2) == 0 ? conf_nearest(word + 2, names, n) : NULL;
	if (near)
		return err_hint(err, "did you mean '--%s'?", near);
	return err_hint(err, "'iommusim %s --help' lists its options", a->command);
}

static void list_add(struct cli_list *l, const char *value)
{
	l->v = xrealloc(l->v, l->n + 2, sizeof(*l->v));
	l->v[l->n++] = value;
	l->v[l->n] = NULL;
}

/* `attached` is what follows in the same word, NULL: nothing. Moves *i when it takes the next. */
static bool take(const struct cli_option *o, const char *attached, int argc, char **argv, int *i,
	struct err *err)
{
	const char *value = attached;

	if (o->flag) {
		if (attached)
			return err_set(err, "the option --%s takes no value", o->name);
		*o->flag = true;
		return true;
	}
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	if (!value)
		return err_set(err, "the option --%s needs a value: %s", o->name, o->metavar);
	if (o->text)
		*o->text = value;
	else
		list_add(o->list, value);
	return true;
}

static bool take_long(const struct cli_args *a, int argc, char **argv, int *i, struct err *err)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);

	for (size_t k = 0; k < a->noptions; k++) {
		const struct cli_option *o = &a->options[k];

		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return take(o, equals ? equals + 1 : NULL, argc, argv, i, err);
	}
	return unknown_option(a, argv[*i], err);
}

static bool take_short(const struct cli_args *a, int argc, char **argv, int *i, struct err *err)
{
	const char *word = argv[*i];

	for (size_t k = 0; k < a->noptions; k++) {
		if (a->options[k].letter == word[1])
			return take(&a->options[k], word[2] ? word + 2 : NULL, argc, argv, i, err);
	}
	return unknown_option(a, word, err);
}

static bool take_operand(struct cli_args *a, const char *word, struct err *err)
{
	if (a->n == a->max) {
		err_set(err, "'%s' is one word too many", word);
		return err_hint(err, "'iommusim %s --help' shows the usage", a->command);
	}
	a->operand[a->n++] = word;
	return true;
}

static bool parse(struct cli_args *a, int argc, char **argv, struct err *err)
{
	bool options = true;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		bool ok;

		if (options && strcmp(word, "--") == 0) {
			options = false;
			continue;
		}
		if (options && strncmp(word, "--", 2) == 0)
			ok = take_long(a, argc, argv, &i, err);
		else if (options && word[0] == '-' && word[1])
			ok = take_short(a, argc, argv, &i, err);
		else
			ok = take_operand(a, word, err);
		if (!ok)
			return false;
	}
	if (a->n >= a->min)
		return true;
	err_set(err, "'iommusim %s' needs more words", a->command);
	return err_hint(err, "'iommusim %s --help' shows the usage", a->command);
}

enum cli_parsed cli_parse(struct cli_args *a, int argc, char **argv)
{
	struct err err;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			show_help(a);
			return CLI_SHOWN;
		}
	}
	if (parse(a, argc, argv, &err))
		return CLI_GO;
	complain(&err);
	return CLI_REFUSED;
}
