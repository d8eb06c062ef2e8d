/*
 * Where no fuzzer is linked in: feeds a fuzz target with every file of its
 * corpus folder, tests/fuzz/corpus/NAME for the program fuzz_NAME, or with the
 * files named as arguments.  Each input is also given cut at its half, from
 * memory that ends where the input does, so that a sanitizer sees reading too
 * far.
 */
#include <dirent.h>
#include <stdint.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
feed(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL)
		abort();
	if (n > 0)
		memcpy(copy, data, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static int
replay_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	n = fread(data, 1, sizeof(data), f);
	(void)fclose(f);
	feed(data, n);
	feed(data, n / 2);
	return 0;
}

static int
replay_folder(const char *dir)
{
	char path[4096];
	struct dirent *entry;
	DIR *d = opendir(dir);
	int files = 0;

	if (d == NULL) {
		perror(dir);
		return -1;
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir,
		    entry->d_name) >= sizeof(path) || replay_file(path) != 0)
			break;
		files++;
	}
	(void)closedir(d);
	if (files == 0)
		(void)fprintf(stderr, "%s: no inputs\n", dir);
	return files > 0 && entry == NULL ? 0 : -1;
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name = strstr(argv[0], "fuzz_");
	char dir[4096];

	for (int i = 1; i < argc; i++)
		if (replay_file(argv[i]) != 0)
			return 1;
	if (argc > 1)
		return 0;
	for (const char *s = name; s != NULL; s = strstr(s + 1, "fuzz_"))
		name = s;
	if (name == NULL)
		return 2;
	(void)snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s",
	    srcdir != NULL ? srcdir : ".", name + strlen("fuzz_"));
	return replay_folder(dir) == 0 ? 0 : 1;
}
