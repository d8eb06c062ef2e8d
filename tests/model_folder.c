#include <sys/stat.h>

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "model_folder.h"

char	folder[] = "/tmp/t_worker.XXXXXX";
int	dir;

void
write_file(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

void
make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(mkdirat(dir, "m", 0700), 0);
	ck_assert_int_eq(mkdirat(dir, "m/1", 0700), 0);
	write_file("m/1/model", "good");
	write_file("m/1/untyped", "bare");
	write_file("m/1/large", "good, but larger than all the memory that is "
	    "left for models here");
	write_file("m/1/weights", "0123456789");
	write_file("secret", "secret");
	ck_assert_int_eq(symlinkat("../../secret", dir, "m/1/up"), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", dir, "m/1/away"), 0);
	ck_assert_int_eq(symlinkat("model", dir, "m/1/beside"), 0);
}

void
remove_folder(void)
{
	static const char *const files[] = { "m/1/model", "m/1/untyped",
	    "m/1/large", "m/1/weights", "m/1/up", "m/1/away",
	    "m/1/beside", "secret" };

	for (size_t i = 0; i < nitems(files); i++)
		(void)unlinkat(dir, files[i], 0);
	(void)unlinkat(dir, "m/1", AT_REMOVEDIR);
	(void)unlinkat(dir, "m", AT_REMOVEDIR);
	(void)close(dir);
	(void)rmdir(folder);
}
