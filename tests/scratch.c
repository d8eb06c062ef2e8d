#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "scratch.h"

char	said[64][512];
int	n_said;

void
hear(void *arg, const char *text)
{
	(void)arg;
	if (n_said < 64)
		(void)snprintf(said[n_said++], sizeof(said[0]), "%s", text);
}

char	dir[] = "/tmp/t_parent.XXXXXX";

void
setup(void)
{
	n_said = 0;
	(void)snprintf(dir, sizeof(dir), "/tmp/t_parent.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

void
teardown(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

const char *
put(const char *name, const char *text)
{
	static char path[PATH_MAX];
	char *slash;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (slash = path + strlen(dir) + 1;
	    (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
	return path;
}
