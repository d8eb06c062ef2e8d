/* The table of keys as text: a file to edit, and a man page's list. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "parent/conf_key.h"

/* Words of a text with prefix before each line, broken before column 78. */
static void
put_words(struct buf *out, const char *prefix, const char *text)
{
	size_t column = 0, word;

	while (*(text += strspn(text, " ")) != '\0') {
		word = strcspn(text, " ");
		if (column != 0 && column + 1 + word > 76) {
			(void)buf_str(out, "\n");
			column = 0;
		}
		(void)buf_printf(out, "%s%.*s", column == 0 ? prefix : " ",
		    (int)word, text);
		column += 1 + word;
		text += word;
	}
	(void)buf_str(out, "\n");
}

/* The range as a sentence; false: there is none. */
static bool
put_range(struct buf *out, const struct key *k)
{
	size_t at = out->len;

	if (!key_range(k, out) || buf_failed(out))
		return false;
	out->data[at] = (char)toupper((unsigned char)out->data[at]);
	return buf_str(out, ".");
}

bool
conf_print(struct buf *out)
{
	const char *section = "";
	struct buf text;

	(void)buf_str(out, "# clinferd: every key with its default; see "
	    "clinferd.conf(5).  Those marked (live)\n# are taken over by a "
	    "running daemon on SIGHUP; the others need a restart.\n# Sizes are "
	    "bytes, or have K, M or G behind them; times have us, ms, s, min "
	    "or h.\n");
	buf_init(&text, out->max);
	for (const struct key *k = conf_keys; k < conf_keys + conf_n_keys;
	    k++) {
		if (strcmp(section, k->section) != 0)
			(void)buf_printf(out, "\n[%s]\n", k->section);
		section = k->section;
		(void)buf_str(out, "\n");
		put_words(out, "# ", k->help);
		buf_clear(&text);
		(void)put_range(&text, k);
		(void)buf_str(&text, k->live ? " (live)" : "");
		if (text.len > 0)
			put_words(out, "# ", text.data);
		(void)buf_printf(out, "#%s =%s%s\n", k->name,
		    *k->fallback != '\0' ? " " : "", k->fallback);
	}
	buf_done(&text);
	return !buf_failed(out);
}

/* For a line of mdoc: no macro at its beginning, no escapes. */
static void
put_mdoc(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\\')
			(void)buf_str(out, "\\e");
		else
			(void)buf_add(out, text, 1);
}

static void
put_item(struct buf *out, const struct key *k)
{
	struct buf range;

	(void)buf_printf(out, ".It Cm %s\n", k->name);
	put_words(out, "", k->help);
	buf_init(&range, out->max);
	if (put_range(&range, k))
		put_words(out, "", range.data);
	buf_done(&range);
	if (*k->fallback != '\0') {
		(void)buf_str(out, "Default:\n.Ql ");
		put_mdoc(out, k->fallback);
		(void)buf_str(out, " .\n");
	}
	if (k->live)
		(void)buf_str(out, "Live.\n");
}

bool
conf_print_mdoc(struct buf *out)
{
	const char *section = "";

	for (const struct key *k = conf_keys; k < conf_keys + conf_n_keys;
	    k++) {
		if (strcmp(section, k->section) != 0)
			(void)buf_printf(out, "%s.Ss Section %s\n.Bl -tag "
			    "-width Ds\n", *section != '\0' ? ".El\n" : "",
			    k->section);
		section = k->section;
		put_item(out, k);
	}
	(void)buf_str(out, ".El\n");
	return !buf_failed(out);
}
