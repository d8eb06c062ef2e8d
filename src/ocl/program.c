#include "ocl/program.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "ocl/builders.h"
#include "ocl/store.h"
#include "ocl/text.h"

#define TABLE		256		/* chains; a power of two */
#define SOURCE_MAX	((size_t)4 << 20)
#define UNUSED_MAX	512
/* Changes when what is in the disk cache, or how it is made, does. */
#define CACHE_FORMAT	"clinferd program 2"
/* Changes when what a check finds does. */
#define VERDICT_FORMAT	"clinferd verdict 1"

struct program {
	struct program	*next;		/* in its chain */
	size_t		 users;		/* steps; 0: may go */
	uint8_t		 key[SHA256_BYTES];
	char		*name, *kernel, *options;
	struct buf	 source;	/* until it is built */
	cl_program	*cl;		/* [lanes]; NULL: not built */
	int		 lanes;
	bool		 listed;	/* to be built now */
	enum ocl_trust	 trust;
};

struct programs {
	char		*dir;		/* cl_dir, or NULL */
	bool		 skip;		/* write the cache, do not read it */
	struct store	*store;		/* NULL: no cache */
	struct program	*chain[TABLE];
	size_t		 unused, unused_max;
};

struct programs *
programs_new(const struct ocl_options *o, struct err *err)
{
	struct programs *ps = calloc(1, sizeof(*ps));

	if (ps == NULL) {
		(void)err_memory(err, "programs", sizeof(*ps));
		return NULL;
	}
	ps->skip = o->cache_skip;
	ps->unused_max = UNUSED_MAX;
	if (o->cl_dir != NULL && (ps->dir = strdup(o->cl_dir)) == NULL) {
		(void)err_memory(err, "a path", strlen(o->cl_dir));
		goto fail;
	}
	if (o->cache_dir != NULL &&
	    (ps->store = store_open(o->cache_dir, err)) == NULL)
		goto fail;
	return ps;
fail:
	programs_free(ps);
	return NULL;
}

void
programs_skip(struct programs *ps, bool skip)
{
	ps->skip = skip;
}

static void
program_free(struct program *p)
{
	if (p == NULL)
		return;
	for (int i = 0; p->cl != NULL && i < p->lanes; i++)
		if (p->cl[i] != NULL)
			(void)clReleaseProgram(p->cl[i]);
	free(p->cl);
	buf_done(&p->source);
	free(p->name);
	free(p->kernel);
	free(p->options);
	free(p);
}

void
programs_free(struct programs *ps)
{
	struct program *p, *next;

	if (ps == NULL)
		return;
	for (int i = 0; i < TABLE; i++)
		for (p = ps->chain[i]; p != NULL; p = next) {
			next = p->next;
			program_free(p);
		}
	store_close(ps->store);
	free(ps->dir);
	free(ps);
}

cl_program
program_cl(const struct program *p, int lane)
{
	return p->cl[lane];
}

/*
 * The kernel's name tells no kernel anything.  But PoCL knows programs by text
 * and options, and two builders at the same one would be in each other's way.
 */
static char *
options_of(const struct ocl *ocl, const struct ocl_step *s)
{
	static const char *const mode[] = {
		[MODE_LANES] = "-DPROFILE_CPU -DLANES -cl-kernel-arg-info",
		[MODE_CPU] = "-DPROFILE_CPU",
		[MODE_GPU] = "-DPROFILE_GPU",
	};
	char *text;

	if (asprintf(&text, "-cl-std=CL1.2 -w %s -DVEC=%d -DENTRY=%s %s",
	    mode[ocl->mode], ocl->facts.vec, s->kernel, s->defines) == -1)
		return NULL;
	return text;
}

static void
add_text(struct sha256 *h, const char *s)
{
	sha256_add(h, s, strlen(s) + 1);
}

/* Everything that the binary depends on. */
static void
key_of(const struct ocl *ocl, struct program *p)
{
	struct sha256 h;

	sha256_init(&h);
	add_text(&h, CACHE_FORMAT);
	add_text(&h, ocl->facts.platform);
	add_text(&h, ocl->found->platform_version);
	add_text(&h, ocl->facts.device);
	add_text(&h, ocl->facts.vendor);
	add_text(&h, ocl->facts.driver);
	add_text(&h, ocl->facts.version);
	add_text(&h, p->options);
	add_text(&h, p->kernel);
	sha256_add(&h, p->source.data, p->source.len);
	sha256_end(&h, p->key);
}

static struct program *
new_program(struct ocl *ocl, const struct ocl_step *s, struct err *err)
{
	struct program *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)err_memory(err, "a program", sizeof(*p));
		return NULL;
	}
	buf_init(&p->source, SOURCE_MAX);
	if (text_source(&p->source, ocl->programs->dir, s->file, s->kernel,
	    s->preamble, err) == -1)
		goto fail;
	p->options = options_of(ocl, s);
	p->kernel = strdup(s->kernel);
	if (asprintf(&p->name, "%s.cl: %s", s->file, s->kernel) == -1)
		p->name = NULL;
	if (p->options == NULL || p->kernel == NULL || p->name == NULL) {
		(void)err_memory(err, "a program", strlen(s->defines));
		goto fail;
	}
	key_of(ocl, p);
	return p;
fail:
	program_free(p);
	return NULL;
}

/* A verdict is a file of its own, by a key made of the program's. */
static void
verdict_key(const struct program *p, uint8_t key[SHA256_BYTES])
{
	struct sha256 h;

	sha256_init(&h);
	add_text(&h, VERDICT_FORMAT);
	sha256_add(&h, p->key, sizeof(p->key));
	sha256_end(&h, key);
}

static const char *const verdicts[] = {
	[TRUST_GOOD] = "good", [TRUST_BAD] = "bad",
};

/* What an earlier life found; what is not plainly a verdict is none. */
static enum ocl_trust
stored_verdict(struct ocl *ocl, const struct program *p)
{
	struct programs *ps = ocl->programs;
	enum ocl_trust trust = TRUST_UNKNOWN;
	uint8_t key[SHA256_BYTES];
	enum store_result r;
	void *text;
	size_t n;

	if (ps->store == NULL || ps->skip)
		return TRUST_UNKNOWN;
	verdict_key(p, key);
	r = store_get(ps->store, key, &text, &n);
	if (r == STORE_DAMAGED)
		ocl->stats.damaged++;
	if (r != STORE_FOUND)
		return TRUST_UNKNOWN;
	for (int i = TRUST_GOOD; i <= TRUST_BAD; i++)
		if (n == strlen(verdicts[i]) &&
		    memcmp(text, verdicts[i], n) == 0)
			trust = (enum ocl_trust)i;
	free(text);
	return trust;
}

enum ocl_trust
program_trust(const struct program *p)
{
	return p->trust;
}

void
program_judge(struct ocl *ocl, struct program *p, enum ocl_trust trust)
{
	struct store *store = ocl->programs->store;
	uint8_t key[SHA256_BYTES];

	p->trust = trust;
	if (store == NULL || (trust != TRUST_GOOD && trust != TRUST_BAD))
		return;
	verdict_key(p, key);
	if (store_put(store, key, verdicts[trust], strlen(verdicts[trust]),
	    NULL) == -1)
		ocl->stats.unsaved++;
}

struct program *
program_of(struct ocl *ocl, const struct ocl_step *s, struct err *err)
{
	struct program *p = new_program(ocl, s, err), **chain, *q;

	if (p == NULL)
		return NULL;
	chain = &ocl->programs->chain[p->key[0] & (TABLE - 1)];
	for (q = *chain; q != NULL; q = q->next)
		if (memcmp(q->key, p->key, sizeof(p->key)) == 0) {
			program_free(p);
			if (q->users++ == 0)
				ocl->programs->unused--;
			return q;
		}
	p->users = 1;
	p->trust = stored_verdict(ocl, p);
	p->next = *chain;
	*chain = p;
	return p;
}

void
programs_limit(struct programs *ps, size_t unused)
{
	ps->unused_max = unused;
}

/*
 * All of them at once, and seldom: whoever wants one again takes it from disk.
 */
static void
free_unused(struct programs *ps)
{
	struct program *p, **at;

	for (int i = 0; i < TABLE; i++)
		for (at = &ps->chain[i]; (p = *at) != NULL;)
			if (p->users > 0) {
				at = &p->next;
			} else {
				*at = p->next;
				program_free(p);
			}
	ps->unused = 0;
}

void
program_release(struct programs *ps, struct program *p)
{
	if (p == NULL || --p->users > 0)
		return;
	if (++ps->unused > ps->unused_max)
		free_unused(ps);
}

/* The lanes' programs from a binary; those that exist already are kept. */
static int
take_binary(struct ocl *ocl, struct program *p, const void *binary, size_t n,
    struct err *err)
{
	cl_program *cl = calloc((size_t)ocl->lanes, sizeof(*cl));

	if (cl == NULL)
		return err_memory(err, "programs", sizeof(*cl));
	for (int i = 0; i < ocl->lanes; i++)
		if ((cl[i] = compile_binary(ocl, i, binary, n, err)) == NULL) {
			while (i-- > 0)
				(void)clReleaseProgram(cl[i]);
			free(cl);
			return -1;
		}
	p->cl = cl;
	p->lanes = ocl->lanes;
	return 0;
}

/* From the disk cache, if it is there and the driver takes it. */
static bool
take_stored(struct ocl *ocl, struct program *p)
{
	struct programs *ps = ocl->programs;
	void *binary;
	size_t n;

	if (ps->store == NULL || ps->skip)
		return false;
	switch (store_get(ps->store, p->key, &binary, &n)) {
	case STORE_NONE:
		return false;
	case STORE_DAMAGED:
		ocl->stats.damaged++;
		return false;
	case STORE_FOUND:
		break;
	}
	(void)take_binary(ocl, p, binary, n, NULL);
	free(binary);
	if (p->cl == NULL)
		ocl->stats.damaged++;
	else
		ocl->stats.loaded++;
	return p->cl != NULL;
}

/* Not with lanes. */
static int
take_program(struct program *p, cl_program built, struct err *err)
{
	if ((p->cl = malloc(sizeof(*p->cl))) == NULL) {
		(void)clReleaseProgram(built);
		return err_memory(err, "a program", sizeof(*p->cl));
	}
	p->cl[0] = built;
	p->lanes = 1;
	return 0;
}

/* After compiling: errors, the disk cache, the program for all lanes. */
static int
take_compiled(struct ocl *ocl, struct program *p, struct built *b,
    struct err *err)
{
	struct programs *ps = ocl->programs;
	int result;

	if (!b->ok) {
		*err = b->err;
		return -1;
	}
	ocl->stats.compiled++;
	if (ps->store != NULL && b->binary != NULL &&
	    store_put(ps->store, p->key, b->binary, b->bytes, NULL) == -1)
		ocl->stats.unsaved++;
	if (b->program != NULL)
		result = take_program(p, b->program, err);
	else
		result = take_binary(ocl, p, b->binary, b->bytes, err);
	free(b->binary);
	return result;
}

static int
compile_all(struct ocl *ocl, struct program **list, size_t n, struct err *err)
{
	struct built *built = calloc(n, sizeof(*built));
	struct err first;
	int result = 0;

	if (built == NULL)
		return err_memory(err, "programs", n * sizeof(*built));
	for (size_t i = 0; i < n; i++)
		built[i].what = (struct compile){ list[i]->name,
		    list[i]->kernel, list[i]->source.data, list[i]->options };
	builders_run(ocl, built, n);
	for (size_t i = 0; i < n; i++)
		if (take_compiled(ocl, list[i], &built[i], &first) == -1 &&
		    result == 0) {
			result = -1;
			if (err != NULL)
				*err = first;
		}
	free(built);
	return result;
}

int
programs_build(struct ocl *ocl, struct program *const *list, size_t n,
    struct err *err)
{
	struct program **todo = calloc(n + 1, sizeof(*todo));
	size_t n_todo = 0;
	int result = 0;

	if (todo == NULL)
		return err_memory(err, "a list of programs", n * sizeof(*todo));
	for (size_t i = 0; i < n; i++) {
		if (list[i]->cl != NULL || list[i]->listed)
			continue;
		list[i]->listed = true;		/* each once */
		if (!take_stored(ocl, list[i]))
			todo[n_todo++] = list[i];
	}
	if (n_todo > 0)
		result = compile_all(ocl, todo, n_todo, err);
	for (size_t i = 0; i < n; i++) {
		list[i]->listed = false;
		if (list[i]->cl != NULL)
			buf_done(&list[i]->source);
	}
	free(todo);
	return result;
}
