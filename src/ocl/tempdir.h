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
 * processes that are gone are removed, unless this process has it already.
 * Before the first OpenCL call: PoCL reads its name but once, so a process has
 * the same one each time.  Without dir, POCL_CACHE_DIR is taken as it is.  From
 * one thread at a time.
 */
int	 tempdir_open(const char *dir, struct err *);

/* Once for each that was opened; the last one removes it. */
void	 tempdir_close(void);

#endif
