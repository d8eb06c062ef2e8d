#include "tool/runner.h"

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "tool/child.h"
#include "tool/inputs.h"
#include "tool/tool.h"
#include "tool/value.h"

/* What one case needs from its beginning to its end. */
struct test {
	const char		*dir;
	struct tolerance	 tolerance;
	struct value_types	 types;
	struct model_file	 file;
	struct net		*net;
};

static int
path_of(char *path, const char *dir, const char *set, const char *kind, int i)
{
	int n = set == NULL ? snprintf(path, PATH_MAX, "%s/%s", dir, kind) :
	    snprintf(path, PATH_MAX, "%s/%s/%s_%d.pb", dir, set, kind, i);

	return n < PATH_MAX ? 0 : -1;
}

/* config.txt of a case may set the tolerances; without one they stay. */
static void
read_tolerance(struct test *t)
{
	char path[PATH_MAX], line[256], *colon;
	FILE *f;

	if (path_of(path, t->dir, NULL, "config.txt", 0) == -1 ||
	    (f = fopen(path, "r")) == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		if ((colon = strchr(line, ':')) == NULL)
			continue;
		*colon = '\0';
		if (strcmp(line, "per_sample_tolerance") == 0)
			t->tolerance.absolute = strtod(colon + 1, NULL);
		if (strcmp(line, "relative_per_sample_tolerance") == 0)
			t->tolerance.relative = strtod(colon + 1, NULL);
	}
	(void)fclose(f);
}

/*
 * Old cases keep the bits of bfloat16 as uint16, which is what NumPy had for
 * them: read them as what the model says they are.
 */
static void
mend_bfloat16(struct datum *d, enum dtype want)
{
	if (d->kind == DATUM_TENSOR && d->tensor.type == DT_UINT16 &&
	    want == DT_BFLOAT16)
		d->tensor.type = want;
}

/* The input that file k is for: the one its tensor names, else the k-th. */
static int
input_index(const struct signature *sig, const struct datum *d, int k,
    struct err *e)
{
	int named = -1;

	if (d->kind == DATUM_TENSOR && d->tensor.name[0] != '\0')
		named = signature_find_in(sig, d->tensor.name);
	if (named >= 0)
		return named;
	if (k >= (int)sig->n_in)
		return err_set(e, ERR_INVALID,
		    "the case has more inputs than the model");
	return k;
}

static int
load_inputs(const struct test *t, const char *set, struct pool *pool,
    struct io *in, struct err *e)
{
	const struct signature *sig = net_signature(t->net);
	char path[PATH_MAX];
	struct datum *d;
	int i;

	for (uint32_t k = 0; k < sig->n_in; k++)
		in[k] = (struct io){ .kind = IO_NONE };
	for (int k = 0; path_of(path, t->dir, set, "input", k) == 0 &&
	    access(path, F_OK) == 0; k++) {
		if ((d = pool_get(pool, sizeof(*d))) == NULL)
			return err_memory(e, "an input", sizeof(*d));
		if (value_file(pool, path, k < (int)sig->n_in ?
		    t->types.in[k] : VALUE_TENSOR, d, e) == -1)
			return -1;
		if ((i = input_index(sig, d, k, e)) == -1)
			return -1;
		mend_bfloat16(d, sig->in[i].type);
		if (value_io(pool, d, &in[i], e) == -1)
			return -1;
	}
	return 0;
}

static int
check_outputs(const struct test *t, const char *set, struct pool *pool,
    const struct outputs *out, struct err *e)
{
	const struct signature *sig = net_signature(t->net);
	char path[PATH_MAX];
	struct datum want;
	uint32_t k;

	for (k = 0; path_of(path, t->dir, set, "output", (int)k) == 0 &&
	    access(path, F_OK) == 0; k++) {
		if (k >= out->n)
			return err_set(e, ERR_INVALID,
			    "the case has more outputs than the model");
		if (value_file(pool, path, t->types.out[k], &want, e) == -1)
			return -1;
		mend_bfloat16(&want, sig->out[k].type);
		if (compare(&want, &out->datum[k], &t->tolerance, e) == -1)
			return err_prefix(e, "output \"%s\"",
			    sig->out[k].name);
	}
	return k > 0 ? 0 : err_set(e, ERR_INVALID, "no expected outputs");
}

static int
run_set(const struct test *t, const char *set, struct err *e)
{
	struct pool *pool = pool_new(SIZE_MAX / 2);
	struct io in[SIG_TENSORS_MAX];
	struct outputs out = { .pool = NULL };
	int r = -1;

	if (pool == NULL)
		return err_memory(e, "a case", 0);
	if (load_inputs(t, set, pool, in, e) == 0 &&
	    value_run(t->net, in, net_signature(t->net)->n_in, pool, &out,
	    e) == 0)
		r = check_outputs(t, set, pool, &out, e);
	pool_free(pool);
	return r;
}

static int
data_sets(const struct dirent *d)
{
	return strncmp(d->d_name, "test_data_set_", 14) == 0;
}

static int
run_sets(struct test *t, struct err *e)
{
	struct dirent **sets;
	int n = scandir(t->dir, &sets, data_sets, versionsort), r = 0;

	if (n == -1)
		return err_sys(e, "%s", t->dir);
	for (int i = 0; i < n; i++) {
		if (r == 0 && (r = run_set(t, sets[i]->d_name, e)) == -1 &&
		    n > 1)
			(void)err_prefix(e, "%s", sets[i]->d_name);
		free(sets[i]);
	}
	free(sets);
	if (n == 0)
		return err_set(e, ERR_INVALID, "no test_data_set_*");
	return r;
}

static int
run_case(struct session *s, const char *dir, const struct tolerance *tol,
    struct err *e)
{
	struct test t = { .dir = dir, .tolerance = *tol };
	struct net_options options = { 0 };
	int r = -1;

	read_tolerance(&t);
	if (model_file_open(&t.file, dir, e) == -1)
		return -1;
	if (value_types(&t.file, &t.types, e) == 0 && (t.net =
	    net_load(s->engine, t.file.bytes, t.file.n, &t.file.source,
	    &options, e)) != NULL) {
		t.file.bytes = NULL;
		r = run_sets(&t, e);
		net_free(t.net);
	}
	model_file_close(&t.file);
	return r;
}

/* One line: a reason never has two. */
static bool
answer(const struct err *e)
{
	char line[ERR_TEXT + 8];
	int n = snprintf(line, sizeof(line), e == NULL ? "PASS\n" : "FAIL %s\n",
	    e == NULL ? "" : e->text);

	for (int i = 0; i < n - 1; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	return write(CHILD_ANSWER, line, (size_t)n) == n;
}

int
runner(const struct session_options *o, const struct tolerance *tol)
{
	char dir[PATH_MAX];
	struct session s;
	struct err e;
	int r = TOOL_OK;

	if (session_open(&s, o, &e) == -1)
		return tool_fail(&e, "device");
	while (r == TOOL_OK && fgets(dir, sizeof(dir), stdin) != NULL) {
		dir[strcspn(dir, "\n")] = '\0';
		if (run_case(&s, dir, tol, &e) == 0) {
			if (!answer(NULL))
				r = TOOL_FAILED;
		} else if (!answer(&e) || e.code == ERR_DEVICE)
			r = TOOL_FAILED;
	}
	session_close(&s);
	return r;
}
