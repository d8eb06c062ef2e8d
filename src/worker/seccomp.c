/*
 * seccomp: calls that no OpenCL driver needs, and that would let a hijacked
 * worker reach beyond what Landlock covers.  A deny list: drivers are too
 * different for the other kind, and a compiler with its linker runs in here.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "worker/sandbox.h"

#if defined(__x86_64__)
#define NATIVE		AUDIT_ARCH_X86_64
#define OTHER_ABI	0x40000000U	/* x32 */
#elif defined(__aarch64__)
#define NATIVE		AUDIT_ARCH_AARCH64
#define OTHER_ABI	0x80000000U	/* none */
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE		AUDIT_ARCH_RISCV64
#define OTHER_ABI	0x80000000U	/* none */
#else
#define NATIVE		0
#define OTHER_ABI	0
#endif

static const int denied[] = {
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_swapon,
	SYS_swapoff, SYS_reboot, SYS_sethostname, SYS_setdomainname,
	SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
	SYS_bpf, SYS_perf_event_open, SYS_ptrace, SYS_process_vm_readv,
	SYS_process_vm_writev, SYS_kcmp, SYS_userfaultfd, SYS_keyctl,
	SYS_add_key, SYS_request_key, SYS_unshare, SYS_setns,
	SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_acct, SYS_quotactl,
	SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime,
	SYS_tkill, SYS_syslog, SYS_vhangup, SYS_fanotify_init,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
#endif
#ifdef SYS_pidfd_open
	SYS_pidfd_open,
#endif
#ifdef SYS_pidfd_send_signal
	SYS_pidfd_send_signal,
#endif
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
#ifdef SYS_move_mount
	SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsmount, SYS_fspick,
#endif
};

/* Only with that value in the low half of the first argument. */
struct only {
	int		nr;
	uint32_t	arg;
};

enum { ONLY_CALLS = 5, PROGRAM_MAX = 160 };

struct program {
	struct sock_filter	code[PROGRAM_MAX];
	unsigned short		n;
};

static void
emit(struct program *p, uint16_t op, uint8_t jt, uint8_t jf, uint32_t k)
{
	p->code[p->n++] = (struct sock_filter){ op, jt, jf, k };
}

static void
load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void
refuse(struct program *p)
{
	emit(p, BPF_RET | BPF_K, 0, 0,
	    SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA));
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARG0	offsetof(struct seccomp_data, args[0])
#else
#define ARG0	(offsetof(struct seccomp_data, args[0]) + 4)
#endif

/* Leaves the call's number loaded for what follows. */
static void
allow_only(struct program *p, const struct only *o)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (uint32_t)o->nr);
	load(p, ARG0);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, o->arg);
	refuse(p);
	load(p, offsetof(struct seccomp_data, nr));
}

static void
build(struct program *p)
{
	const uint32_t self = (uint32_t)getpid();
	const struct only only[] = {
		{ SYS_socket, AF_UNIX },
		{ SYS_kill, self },
		{ SYS_tgkill, self },
		{ SYS_rt_sigqueueinfo, self },
		{ SYS_rt_tgsigqueueinfo, self },
	};

	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE);
	emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, OTHER_ABI);
	refuse(p);
	for (size_t i = 0; i < nitems(denied); i++) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)denied[i]);
		refuse(p);
	}
	for (size_t i = 0; i < nitems(only); i++)
		allow_only(p, &only[i]);
	emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

_Static_assert(2 * nitems(denied) + 5 * ONLY_CALLS + 7 <= PROGRAM_MAX,
    "the program fits");

int
seccomp_enter(struct err *e)
{
	struct program p = { .n = 0 };
	struct sock_fprog prog = { .filter = p.code };

	if (NATIVE == 0)
		return err_set(e, ERR_UNSUPPORTED,
		    "seccomp: not on this architecture");
	build(&p);
	prog.len = p.n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == -1)
		return err_sys(e, "seccomp");
	return 0;
}
