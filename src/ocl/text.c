#include "ocl/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>

#define TEXT_MAX	(1 << 20)

/* Words of cl/common.h; the second one is not longer. */
#define KERNEL		"KERNEL"
#define SPARE		"SPARE "

/* Names come from operators, but they end up in a path. */
static bool
name_ok(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return false;
	return *name != '\0';
}

/* cl/<name> of the built-in ones. */
static int
add_builtin(struct buf *out, const char *name, struct err *err)
{
	for (const struct text *t = text_builtin; t->name != NULL; t++)
		if (strcmp(t->name, name) == 0) {
			(void)buf_str(out, t->text);
			return 0;
		}
	return err_set(err, ERR_INTERNAL, "no kernel file \"%s\"", name);
}

static int
add_file(struct buf *out, FILE *f, const char *path, struct err *err)
{
	char *room;
	size_t n;

	if ((room = buf_room(out, TEXT_MAX)) == NULL)
		return err_memory(err, path, TEXT_MAX);
	n = fread(room, 1, TEXT_MAX, f);
	if (ferror(f) != 0 || n == TEXT_MAX)
		return err_set(err, ERR_LIMIT,
		    "%s: cannot read, or over %d bytes", path, TEXT_MAX);
	out->len += n;
	out->data[out->len] = '\0';
	return 0;
}

static int
add(struct buf *out, const char *dir, const char *name, const char *suffix,
    struct err *err)
{
	char path[PATH_MAX];
	FILE *f = NULL;
	int result;

	(void)buf_printf(out, "#line 1 \"%s%s\"\n", name, suffix);
	if (dir != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s%s", dir, name,
		    suffix);
		f = fopen(path, "re");
		if (f == NULL && errno != ENOENT)
			return err_sys(err, "%s", path);
	}
	if (f == NULL)
		return add_builtin(out, name, err);
	result = add_file(out, f, path, err);
	(void)fclose(f);
	return result;
}

static const char *
skip_space(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/* The name in "KERNEL void name(", or NULL; *n its length. */
static const char *
kernel_name(const char *p, size_t *n)
{
	const char *name;

	p = skip_space(p + strlen(KERNEL));
	if (strncmp(p, "void", 4) != 0)
		return NULL;
	name = skip_space(p + 4);
	for (p = name; isalnum((unsigned char)*p) || *p == '_'; p++)
		;
	*n = (size_t)(p - name);
	return *n > 0 && *p == '(' ? name : NULL;
}

/*
 * Make all kernels but one plain functions that nobody calls.  Only if that one
 * is there by its name: kernels that macros name stay as they are.
 */
static void
keep_one(char *text, const char *kernel)
{
	size_t n, want = strlen(kernel);
	bool found = false;
	const char *name;

	for (int pass = 0; pass < 2; pass++)
		for (char *p = text; (p = strstr(p, "\n" KERNEL)) != NULL;) {
			name = kernel_name(++p, &n);
			if (name == NULL)
				continue;
			if (n == want && strncmp(name, kernel, n) == 0)
				found = true;
			else if (found && pass == 1)
				memcpy(p, SPARE, strlen(KERNEL));
		}
}

int
text_source(struct buf *out, const char *dir, const char *file,
    const char *kernel, const char *preamble, struct err *err)
{
	if (!name_ok(file))
		return err_set(err, ERR_INTERNAL, "kernel file name \"%s\"",
		    file);
	if (preamble != NULL)
		(void)buf_printf(out, "#line 1 \"preamble\"\n%s\n", preamble);
	if (add(out, dir, "common", ".h", err) == -1 ||
	    add(out, dir, file, ".cl", err) == -1)
		return -1;
	if (buf_failed(out))
		return err_memory(err, "kernel source", out->max);
	keep_one(out->data, kernel);
	return 0;
}
