#include "ocl/program.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "ocl/compile.h"
#include "ocl/store.h"
#include "ocl/text.h"

#define TABLE		256		/* chains; a power of two */
#define SOURCE_MAX	((size_t)4 << 20)
#define BUILDERS_MAX	16
#define UNUSED_MAX	512
/* Changes when what is in the disk cache, or how it is made, does. */
#define CACHE_FORMAT	"clinferd program 1"

struct program {
	struct program	*next;		/* in its chain */
	size_t		 users;		/* steps; 0: may go */
	uint8_t		 key[SHA256_BYTES];
	char		*name, *kernel, *options;
	struct buf	 source;	/* until it is built */
	cl_program	*cl;		/* [lanes]; NULL: not built */
	int		 lanes;

	/* Between compiling and taking it over. */
	cl_program	 built;		/* not with lanes */
	void		*binary;
	size_t		 n_binary;
	struct err	 err;
	bool		 ok;
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
	if (p->built != NULL)
		(void)clReleaseProgram(p->built);
	buf_done(&p->source);
	free(p->binary);
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

static char *
options_of(const struct ocl *ocl, const struct ocl_step *s)
{
	static const char *const mode[] = {
		[MODE_LANES] = "-DPROFILE_CPU -DLANES -cl-kernel-arg-info",
		[MODE_CPU] = "-DPROFILE_CPU",
		[MODE_GPU] = "-DPROFILE_GPU",
	};
	char *text;

	if (asprintf(&text, "-cl-std=CL1.2 -w %s -DVEC=%d %s", mode[ocl->mode],
	    ocl->facts.vec, s->defines) == -1)
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

/* Builders: threads that take programs from a list. */
struct builders {
	struct ocl		*ocl;
	struct program		**list;
	size_t			 n;
	_Atomic size_t		 next;
	_Atomic int		 number;
};

static void *
builder_main(void *arg)
{
	struct builders *b = arg;
	int number = atomic_fetch_add(&b->number, 1);
	size_t i;

	while ((i = atomic_fetch_add(&b->next, 1)) < b->n) {
		struct program *p = b->list[i];
		const struct compile c = { p->name, p->kernel, p->source.data,
		    p->options };

		p->ok = compile_source(b->ocl, number, &c, &p->built,
		    &p->binary, &p->n_binary, &p->err) == 0;
	}
	return NULL;
}

static void
compile_all(struct ocl *ocl, struct program **list, size_t n)
{
	struct builders b = { .ocl = ocl, .list = list, .n = n };
	int want = CPU_COUNT(&ocl->cpus), started = 0;
	pthread_t thread[BUILDERS_MAX];
	pthread_attr_t attr;

	if (want > BUILDERS_MAX)
		want = BUILDERS_MAX;
	if ((size_t)want > n)
		want = (int)n;
	/* The caller may be pinned to one core: its children need not be. */
	if (want > 1 && pthread_attr_init(&attr) == 0) {
		(void)pthread_attr_setaffinity_np(&attr, sizeof(ocl->cpus),
		    &ocl->cpus);
		while (started < want && pthread_create(&thread[started], &attr,
		    builder_main, &b) == 0)
			started++;
		(void)pthread_attr_destroy(&attr);
	}
	/* No thread to be had: then here. */
	if (started == 0)
		(void)builder_main(&b);
	for (int i = 0; i < started; i++)
		(void)pthread_join(thread[i], NULL);
}

static int
take_built(struct program *p, struct err *err)
{
	if ((p->cl = malloc(sizeof(*p->cl))) == NULL)
		return err_memory(err, "a program", sizeof(*p->cl));
	p->cl[0] = p->built;
	p->lanes = 1;
	p->built = NULL;
	return 0;
}

/* After compiling: errors, the disk cache, the program for all lanes. */
static int
take_compiled(struct ocl *ocl, struct program *p, struct err *err)
{
	struct programs *ps = ocl->programs;
	int result;

	if (!p->ok) {
		*err = p->err;
		return -1;
	}
	ocl->stats.compiled++;
	if (ps->store != NULL && p->binary != NULL &&
	    store_put(ps->store, p->key, p->binary, p->n_binary, NULL) == -1)
		ocl->stats.unsaved++;
	if (p->built != NULL)
		result = take_built(p, err);
	else
		result = take_binary(ocl, p, p->binary, p->n_binary, err);
	free(p->binary);
	p->binary = NULL;
	return result;
}

int
programs_build(struct ocl *ocl, struct program *const *list, size_t n,
    struct err *err)
{
	struct program **todo = calloc(n + 1, sizeof(*todo));
	size_t n_todo = 0;
	struct err first;
	int result = 0;

	if (todo == NULL)
		return err_memory(err, "a list of programs", n * sizeof(*todo));
	for (size_t i = 0; i < n; i++) {
		if (list[i]->cl != NULL || list[i]->ok)
			continue;
		list[i]->ok = true;		/* each once */
		if (!take_stored(ocl, list[i]))
			todo[n_todo++] = list[i];
	}
	compile_all(ocl, todo, n_todo);
	for (size_t i = 0; i < n_todo; i++)
		if (take_compiled(ocl, todo[i], &first) == -1 && result == 0) {
			result = -1;
			if (err != NULL)
				*err = first;
		}
	for (size_t i = 0; i < n; i++) {
		list[i]->ok = false;
		if (list[i]->cl != NULL)
			buf_done(&list[i]->source);
	}
	free(todo);
	return result;
}
