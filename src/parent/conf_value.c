/* Values of configuration keys: read, checked, described; see conf_key.h. */
#include "parent/conf_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/size.h"
#include "parent/http.h"

void
conf_list_free(struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

static int
list_addn(struct conf_list *l, const char *s, size_t n)
{
	char **v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (v == NULL)
		return -1;
	l->v = v;
	if ((v[l->n] = strndup(s, n)) == NULL)
		return -1;
	l->n++;
	return 0;
}

int
conf_list_add(struct conf_list *l, const char *s)
{
	return list_addn(l, s, strlen(s));
}

static int
list_parse(struct conf_list *l, const char *s)
{
	static const char separators[] = " \t,";
	size_t n;

	conf_list_free(l);
	for (s += strspn(s, separators); *s != '\0';
	    s += strspn(s, separators)) {
		bool quoted = *s == '"';

		s += quoted;
		n = strcspn(s, quoted ? "\"" : separators);
		if (list_addn(l, s, n) == -1)
			return -1;
		s += n + (quoted && s[n] != '\0');
	}
	return 0;
}

/* Units. */

struct unit {
	const char	*name;
	int64_t		 factor;
};

/* From the largest down; what is empty or not there counts as it is. */
static const struct unit byte_units[] = {
	{ "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 }, { "", 1 },
	{ NULL, 0 },
};
static const struct unit time_units[] = {
	{ "h", 3600 * NS_PER_S }, { "min", 60 * NS_PER_S }, { "s", NS_PER_S },
	{ "ms", NS_PER_MS }, { "us", NS_PER_US }, { NULL, 0 },
};
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

/* Kinds. */

static int
devices_check(const char *s, struct err *e)
{
	static const char *const alone[] = { "auto", "all", "gpu", "cpu" };
	size_t n;

	for (; *s != '\0'; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		if (strspn(s, " ") >= n)
			break;
		for (size_t i = 0; i < nitems(alone) && s[n] == ','; i++)
			if (strlen(alone[i]) == n &&
			    memcmp(s, alone[i], n) == 0)
				return err_set(e, ERR_INVALID, "\"%s\" stands "
				    "alone or not at all", alone[i]);
	}
	return *s == '\0' ? 0 : err_set(e, ERR_INVALID, "an empty name");
}

static int
area_check(const char *s, struct err *e)
{
	return log_area(s, false, e);
}

/* What is told of kinds; numbers have units, lists a check of each word. */
static const struct {
	size_t		 bytes;
	const char	*what;
	const struct unit *units;
	const char	*how;		/* to write a unit */
	int		(*check)(const char *, struct err *);
} kinds[] = {
	[STRING] = { .bytes = sizeof(char *) },
	[CHOICE] = { .bytes = sizeof(char *) },
	[DEVICES] = { .bytes = sizeof(char *), .check = devices_check },
	[LIST] = { .bytes = sizeof(struct conf_list), .what = "a list" },
	[ADDRESSES] = { .bytes = sizeof(struct conf_list),
	    .what = "addresses", .check = http_address_check },
	[AREAS] = { .bytes = sizeof(struct conf_list),
	    .what = "a list", .check = area_check },
	[BYTES] = { sizeof(size_t), "a size", byte_units,
	    " (bytes, or with K, M or G behind it)", NULL },
	[TIME] = { sizeof(int64_t), "a time", time_units,
	    " (with us, ms, s, min or h behind it)", NULL },
	[COUNT] = { sizeof(uint32_t), "a number", no_units, "", NULL },
};

static void *
field(const struct conf *c, const struct key *k)
{
	return (char *)(uintptr_t)c + k->field;
}

static bool
is_list(const struct key *k)
{
	return kinds[k->kind].bytes == sizeof(struct conf_list);
}

static bool
is_text(const struct key *k)
{
	return k->kind == STRING || k->kind == CHOICE || k->kind == DEVICES;
}

/* A number with the largest unit that leaves it whole. */
static void
put_number(struct buf *out, const struct unit *u, int64_t n)
{
	while (u[1].name != NULL && (n == 0 || n % u->factor != 0))
		u++;
	(void)buf_printf(out, "%lld%s", (long long)(n / u->factor),
	    n == 0 ? "" : u->name);
}

static void
put_choices(struct buf *out, const struct key *k)
{
	const char *s = k->choices;

	for (size_t n; *(s += strspn(s, " ")) != '\0'; s += n) {
		n = strcspn(s, " ");
		(void)buf_printf(out, "%s%.*s", s > k->choices + 1 ? ", " : "",
		    (int)n, s);
	}
}

bool
key_range(const struct key *k, struct buf *out)
{
	if (k->kind == CHOICE) {
		(void)buf_str(out, "one of ");
		put_choices(out, k);
	} else if (kinds[k->kind].units != NULL) {
		(void)buf_printf(out, "%s from ", kinds[k->kind].what);
		put_number(out, kinds[k->kind].units, k->min);
		(void)buf_str(out, " to ");
		put_number(out, kinds[k->kind].units, k->max);
	} else if (k->kind == ADDRESSES)
		(void)buf_printf(out, "%lld to %lld %s", (long long)k->min,
		    (long long)k->max, kinds[k->kind].what);
	else if (is_list(k))
		(void)buf_printf(out, "%s of at most %lld",
		    kinds[k->kind].what, (long long)k->max);
	else
		return false;
	if (k->kind == AREAS) {
		(void)buf_str(out, "; areas are ");
		(void)log_areas(out);
	}
	return true;
}

/* "VALUE": want so and so. */
static int
wrong(const struct key *k, const char *value, struct err *e)
{
	struct buf b;

	buf_init(&b, 1024);
	(void)key_range(k, &b);
	(void)err_set(e, ERR_INVALID, "\"%.200s\": want %s%s", value,
	    b.data != NULL ? b.data : "", kinds[k->kind].how != NULL ?
	    kinds[k->kind].how : "");
	buf_done(&b);
	return -1;
}

/* Digits and a unit; a bare 0 needs none. */
static int
number_parse(const struct key *k, const char *s, int64_t *out, struct err *e)
{
	const struct unit *u = kinds[k->kind].units;
	long long v;
	char *end;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (end == s || errno != 0 || *s < '0' || *s > '9')
		return wrong(k, s, e);
	while (u->name != NULL && strcmp(u->name, end) != 0)
		u++;
	if ((u->name == NULL && !(v == 0 && *end == '\0')) ||
	    __builtin_mul_overflow(v, u->name != NULL ? u->factor : 1, out) ||
	    *out < k->min || *out > k->max)
		return wrong(k, s, e);
	return 0;
}

static int
list_set(struct conf_list *l, const struct key *k, const char *value,
    struct err *e)
{
	struct conf_list next = { NULL, 0 };

	if (list_parse(&next, value) == -1) {
		conf_list_free(&next);
		return err_memory(e, "configuration", strlen(value));
	}
	for (size_t i = 0; i < next.n; i++)
		if (kinds[k->kind].check != NULL &&
		    kinds[k->kind].check(next.v[i], e) == -1) {
			conf_list_free(&next);
			return -1;
		}
	if ((int64_t)next.n < k->min || (int64_t)next.n > k->max) {
		conf_list_free(&next);
		return wrong(k, value, e);
	}
	conf_list_free(l);
	*l = next;
	return 0;
}

static int
text_set(char **f, const struct key *k, const char *value, struct err *e)
{
	char word[64], *copy;

	(void)snprintf(word, sizeof(word), " %s ", value);
	if (k->kind == CHOICE && (strchr(value, ' ') != NULL ||
	    strstr(k->choices, word) == NULL))
		return wrong(k, value, e);
	if (kinds[k->kind].check != NULL &&
	    kinds[k->kind].check(value, e) == -1)
		return -1;
	if ((copy = strdup(value)) == NULL)
		return err_memory(e, "configuration", strlen(value));
	free(*f);
	*f = copy;
	return 0;
}

static int
number_set(void *f, const struct key *k, const char *value, struct err *e)
{
	int64_t n = 0;

	if (number_parse(k, value, &n, e) == -1)
		return -1;
	if (k->kind == BYTES)
		*(size_t *)f = (size_t)n;
	else if (k->kind == TIME)
		*(int64_t *)f = n;
	else
		*(uint32_t *)f = (uint32_t)n;
	return 0;
}

int
key_set(struct conf *c, const struct key *k, const char *value, struct err *e)
{
	void *f = field(c, k);
	int r = is_list(k) ? list_set(f, k, value, e) :
	    is_text(k) ? text_set(f, k, value, e) : number_set(f, k, value, e);

	return r == 0 ? 0 : err_prefix(e, "%s.%s", k->section, k->name);
}

void
key_clear(struct conf *c, const struct key *k)
{
	if (is_list(k))
		conf_list_free(field(c, k));
	else if (is_text(k))
		free(*(char **)field(c, k));
}

static bool
list_equal(const struct conf_list *a, const struct conf_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

bool
key_equal(const struct conf *x, const struct conf *y, const struct key *k)
{
	const void *a = field(x, k), *b = field(y, k);

	if (is_list(k))
		return list_equal(a, b);
	if (is_text(k))
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	return memcmp(a, b, kinds[k->kind].bytes) == 0;
}

void
key_swap(struct conf *x, struct conf *y, const struct key *k)
{
	char swap[sizeof(struct conf_list)];
	size_t n = kinds[k->kind].bytes;

	memcpy(swap, field(x, k), n);
	memcpy(field(x, k), field(y, k), n);
	memcpy(field(y, k), swap, n);
}
