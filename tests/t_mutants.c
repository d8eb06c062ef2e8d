/*
 * Ten thousand damaged models, each either loaded, planned and run by the
 * definitions, or refused with an error that says something: the corpus of
 * fuzz_model and the digits, with bytes changed, cut, doubled and moved by a
 * fixed seed.  A crash, a hang or a sanitizer's report fails.
 *
 * t_mutants K repeats mutant K alone.
 */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "base/size.h"
#include "engine/engine.h"
#include "keep_drivers.h"
#include "ocl/ocl.h"

#define MUTANTS		10000
#define HANG_SECONDS	60		/* of one mutant */
#define MEMORY_MAX	((size_t)256 << 20)
#define INPUT_MAX	((size_t)1 << 20)
#define FILE_MAX	((size_t)64 << 10)
#define FILES_MAX	32

static struct {
	char	*bytes;
	size_t	 n;
} files[FILES_MAX];

static size_t n_files;
static uint64_t state = 0x2545f4914f6cdd1d;

static size_t
pick(size_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state >> 11) % n;
}

static int
add_file(const char *path)
{
	char *bytes = malloc(FILE_MAX);
	FILE *f = fopen(path, "rb");

	if (f == NULL || bytes == NULL || n_files == FILES_MAX) {
		perror(path);
		return -1;
	}
	files[n_files].bytes = bytes;
	files[n_files++].n = fread(bytes, 1, FILE_MAX, f);
	return fclose(f);
}

static int
add_folder(const char *dir)
{
	char path[8192];
	struct dirent **entry;
	int n = scandir(dir, &entry, NULL, alphasort), r = n > 0 ? 0 : -1;

	for (int i = 0; i < n; i++) {
		if (r == 0 && entry[i]->d_name[0] != '.') {
			(void)snprintf(path, sizeof(path), "%s/%s", dir,
			    entry[i]->d_name);
			r = add_file(path);
		}
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return r;
}

static void
change(char *b, size_t n)
{
	static const uint8_t nasty[] = { 0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x12 };
	size_t at = pick(n), len;

	if (pick(3) == 0) {
		b[at] = (char)(b[at] ^ 1 << pick(8));
	} else if (pick(2) == 0) {
		b[at] = (char)nasty[pick(nitems(nasty))];
	} else {
		len = pick(n - at < 32 ? n - at : 32);
		memmove(b + at, b + pick(n - len), len);
	}
}

/* A mutant of a file, in memory of exactly its size. */
static char *
mutant(size_t k, size_t *n)
{
	char *b;

	*n = pick(8) == 0 ? pick(files[k].n) + 1 : files[k].n;
	if ((b = malloc(*n)) == NULL)
		abort();
	memcpy(b, files[k].bytes, *n);
	for (size_t i = pick(4); i < 4; i++)
		change(b, *n);
	return b;
}

/* Outputs go where they may: a buffer per run, freed at its end. */
struct outputs {
	void	*bytes[SIG_TENSORS_MAX];
};

static void *
place(void *arg, uint32_t i, const struct io *shape_of, size_t bytes)
{
	struct outputs *o = arg;

	(void)shape_of;
	free(o->bytes[i]);
	return o->bytes[i] = bytes <= MEMORY_MAX ? malloc(bytes + 1) : NULL;
}

/*
 * Zeros of the input's type, each open dimension 2; false if there is no such.
 */
static bool
make_input(const struct sig_tensor *t, const void *zeros, struct io *io,
    struct io_seg *seg)
{
	*io = (struct io){ .kind = IO_TENSOR, .type = t->type,
	    .shape = t->shape, .seg = seg, .n_seg = 1 };
	for (int i = 0; i < io->shape.rank; i++)
		if (io->shape.dim[i] < 0)
			io->shape.dim[i] = 2;
	*seg = (struct io_seg){ zeros, 0 };
	return shape_bytes(&io->shape, io->type, &seg->bytes) &&
	    seg->bytes <= INPUT_MAX;
}

/* Whatever it answers; a refusal has a reason. */
static int
run(struct net *net, const void *zeros, struct err *e)
{
	const struct signature *sig = net_signature(net);
	struct io in[SIG_TENSORS_MAX];
	struct io_seg seg[SIG_TENSORS_MAX];
	struct outputs out = { { NULL } };
	struct run_sink sink = { place, &out };
	uint64_t want[(SIG_TENSORS_MAX + 63) / 64];
	int r = 0;

	memset(want, 0xff, sizeof(want));
	for (uint32_t i = 0; i < sig->n_in; i++)
		if (!make_input(&sig->in[i], zeros, &in[i], &seg[i]))
			return 0;
	if (net_run(net, in, sig->n_in, want, &sink, e) == -1)
		r = -1;
	for (size_t i = 0; i < SIG_TENSORS_MAX; i++)
		free(out.bytes[i]);
	return r;
}

enum outcome { REFUSED, LOADED, RAN, N_OUTCOMES };

static enum outcome
try(struct engine *engine, char *bytes, size_t n, const void *zeros,
    struct err *e)
{
	struct net_options options = { 0 };
	struct net *net;
	enum outcome r;

	memset(e, 0, sizeof(*e));
	net = net_load(engine, bytes, n, NULL, &options, e);
	if (net == NULL) {
		free(bytes);
		return REFUSED;
	}
	r = run(net, zeros, e) == 0 ? RAN : LOADED;
	net_free(net);
	return r;
}

static volatile sig_atomic_t current;

static void
hangs(int unused)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "mutant %d hangs\n", (int)current);

	(void)unused;
	(void)!write(STDERR_FILENO, text, (size_t)n);
	_exit(1);
}

static int
try_all(struct engine *engine, int only)
{
	void *zeros = calloc(1, INPUT_MAX);
	int count[N_OUTCOMES] = { 0 };
	enum outcome r;
	struct err e;
	size_t n;

	for (int i = 0; i < MUTANTS && zeros != NULL; i++) {
		char *b = mutant(pick(n_files), &n);

		if (only >= 0 && i != only) {
			free(b);
			continue;
		}
		current = i;
		(void)alarm(HANG_SECONDS);
		r = try(engine, b, n, zeros, &e);
		count[r]++;
		if (only >= 0)
			(void)printf("%s\n", r == RAN ? "ran" : e.text);
		if (r != RAN && (e.code == ERR_NONE || e.text[0] == '\0' ||
		    e.code == ERR_DEVICE || e.code == ERR_INTERNAL)) {
			(void)fprintf(stderr, "mutant %d: %s: %s\n", i,
			    err_name(e.code), e.text);
			return 1;
		}
	}
	free(zeros);
	(void)printf("%d mutants: %d refused, %d loaded, %d ran\n", MUTANTS,
	    count[REFUSED], count[LOADED], count[RAN]);
	return only < 0 && (count[REFUSED] < MUTANTS / 100 ||
	    count[RAN] < MUTANTS / 100);
}

static int
add_files(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];

	if (srcdir == NULL)
		srcdir = ".";
	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/model",
	    srcdir);
	if (add_folder(path) != 0)
		return -1;
	(void)snprintf(path, sizeof(path),
	    "%s/tests/models/digits/1/model.onnx", srcdir);
	return add_file(path);
}

int
main(int argc, char **argv)
{
	struct ocl_options device = { .lanes = 1 };
	struct engine_options options = { .host_only = true,
	    .memory_max = MEMORY_MAX };
	struct ocl *ocl;
	struct engine *engine;
	struct err e;
	int r;

	(void)signal(SIGALRM, hangs);
	if (add_files() != 0)
		return 1;
	if ((ocl = ocl_open(&device, &e)) == NULL ||
	    (engine = engine_new(ocl, &options, &e)) == NULL) {
		(void)fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	r = try_all(engine, argc > 1 ? (int)strtol(argv[1], NULL, 10) : -1);
	engine_free(engine);
	ocl_close(ocl);
	for (size_t k = 0; k < n_files; k++)
		free(files[k].bytes);
	return r;
}
