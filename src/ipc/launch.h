/*
 * launch: how the parent starts clinferd-worker, and what the two agree on
 * before they can talk.
 *
 *	clinferd-worker --list-devices
 *
 * prints one line per device of the one driver that OCL_ICD_VENDORS names (no
 * device is no line, and not a failure), fields separated by one tab:
 *
 *	NAME <tab> TYPE <tab> COMPUTE_UNITS <tab> MEMORY_BYTES <newline>
 *
 * NAME is "platform/device#k", k counting devices of equal name from 0, control
 * characters replaced by spaces; TYPE one of cpu, gpu, accelerator, other.
 * Exit status 0, or 1 with the reason on standard error.
 *
 *	clinferd-worker --device NAME [--id N] [--cl-dir DIR] [--memory BYTES]
 *	    [--sandbox auto|required|off] [--read DIR]...
 *
 * serves on that device, with the descriptors of enum worker_fd
 * (ipc/channel.h); standard output and error are one pipe that the parent logs.
 *
 * --read names each model repository: what is not below one of them cannot be
 * read inside the sandbox, whatever directory descriptor a CTL_LOAD brings.
 *
 * What differs from a default is always passed as an argument, never in the
 * environment, which holds variables for drivers only (PATH, LC_ALL, HOME,
 * TMPDIR, OCL_ICD_VENDORS, cache folders, what worker.environment names).
 *
 * The parent has set the CPU affinity; a CPU driver must use no more threads
 * than that (the parent sets POCL_CPU_MAX_CU_COUNT and POCL_MAX_PTHREAD_COUNT
 * to match).
 */
#ifndef IPC_LAUNCH_H
#define IPC_LAUNCH_H

#include "config.h"

/*
 * In the first message of a worker; the parent refuses any other.  Shared
 * memory and messages have no compatibility between builds.
 */
#define LAUNCH_BUILD	"clinferd " PACKAGE_VERSION

#define LAUNCH_LINE_MAX	1024	/* of the listing, its newline included */

#endif
