/*
 * tempdir: a folder of this process's own for what its driver writes.
 *
 * PoCL writes each program to disk, runs it from there, and believes what it
 * finds.  If processes share its folder, one reads what another has only begun
 * to write; and what a killed one has begun stays.  Such a program ends every
 * process that meets it.
 */
#ifndef OCL_TEMPDIR_H
#define OCL_TEMPDIR_H

#include "base/err.h"

/* How their names begin. */
#define TEMPDIR_PREFIX	"clinferd-pocl."

/*
 * Make it in the folder dir (NULL: for temporary files), where those of
 * processes that are gone are removed.  *fd keeps it ours while it is open.
 * Before the first OpenCL call: PoCL reads its name but once, so a process has
 * the same one each time.
 */
int	 tempdir_open(const char *dir, int *fd, struct err *);

/* Remove it.  -1 is fine. */
void	 tempdir_close(int fd);

#endif
