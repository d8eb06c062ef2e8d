/*
 * Ten thousand damaged models, each either loaded or refused with an error that
 * says something: the corpus of fuzz_model and the digits, with bytes changed, cut,
 * doubled and moved by a fixed seed.  A crash, a hang or a sanitizer's report fails.
 */
#include <dirent.h>
#include <stdint.h>

#include "base/size.h"
#include "model/graph.h"

#define MUTANTS		10000
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
	struct dirent *entry;
	DIR *d = opendir(dir);
	int r = d == NULL ? -1 : 0;

	while (r == 0 && (entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.') {
			r = snprintf(path, sizeof(path), "%s/%s", dir,
			    entry->d_name) < (int)sizeof(path) ?
			    add_file(path) : -1;
		}
	if (d != NULL)
		(void)closedir(d);
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

int
main(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	int loaded = 0, refused = 0;
	struct err e;

	if (srcdir == NULL)
		srcdir = ".";
	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/model",
	    srcdir);
	if (add_folder(path) != 0)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/tests/models/digits/1/model.onnx",
	    srcdir);
	if (add_file(path) != 0)
		return 1;
	for (int i = 0; i < MUTANTS; i++) {
		size_t n;
		char *b = mutant(pick(n_files), &n);
		struct model *m;

		memset(&e, 0, sizeof(e));
		if ((m = model_load(b, n, NULL, &e)) != NULL) {
			model_free(m);
			loaded++;
			continue;
		}
		free(b);
		refused++;
		if (e.code == ERR_NONE || e.text[0] == '\0') {
			(void)fprintf(stderr, "mutant %d: no reason\n", i);
			return 1;
		}
	}
	(void)printf("%d mutants: %d loaded, %d refused\n", MUTANTS, loaded,
	    refused);
	for (size_t k = 0; k < n_files; k++)
		free(files[k].bytes);
	return loaded < MUTANTS / 100 || refused < MUTANTS / 100;
}
