#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "ipc/channel.h"
#include "worker/sandbox.h"

enum { FILES_MAX = 1024 };

static const char *const names[] = {
	[SANDBOX_OFF] = "off",
	[SANDBOX_AUTO] = "auto",
	[SANDBOX_REQUIRED] = "required",
};

bool
sandbox_by_name(const char *name, enum sandbox *to)
{
	for (size_t i = 0; i < nitems(names); i++) {
		if (strcmp(names[i], name) == 0) {
			*to = (enum sandbox)i;
			return true;
		}
	}
	return false;
}

static int
limit(int what, rlim_t to, const char *name, struct err *e)
{
	struct rlimit r;

	if (getrlimit((__rlimit_resource_t)what, &r) == -1)
		return err_sys(e, "limit of %s", name);
	if (r.rlim_max > to)
		r.rlim_max = to;
	if (r.rlim_cur > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	if (setrlimit((__rlimit_resource_t)what, &r) == -1)
		return err_sys(e, "limit of %s", name);
	return 0;
}

int
sandbox_leash(int socket, struct err *e)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return err_sys(e, "parent death signal");
	/*
	 * It may have died before that: then somebody else is our parent now.
	 */
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &n) == -1)
		return err_sys(e, "control socket");
	if (peer.pid != getppid())
		return err_set(e, ERR_UNAVAILABLE,
		    "the parent is gone: %ld made the socket, %ld is there",
		    (long)peer.pid, (long)getppid());
	(void)syscall(SYS_close_range, WORKER_FD_END, ~0U, 0);
	if (limit(RLIMIT_CORE, 0, "core size", e) == -1 ||
	    limit(RLIMIT_NOFILE, FILES_MAX, "open files", e) == -1)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(e, "no new privileges");
	return 0;
}

static void
tell(char text[SANDBOX_TEXT], const char *what)
{
	size_t n = strlen(text);

	(void)snprintf(text + n, SANDBOX_TEXT - n, "%s%s", n > 0 ? ", " : "",
	    what);
}

/* What is missing goes into the text, or is fatal. */
static int
miss(enum sandbox want, char text[SANDBOX_TEXT], const char *what,
    struct err *e)
{
	char told[SANDBOX_TEXT];

	if (want == SANDBOX_REQUIRED)
		return err_prefix(e, "sandbox");
	(void)snprintf(told, sizeof(told), "no %s", what);
	tell(text, told);
	return 0;
}

int
sandbox_enter(enum sandbox want, const struct sandbox_paths *paths,
    char text[SANDBOX_TEXT], struct err *e)
{
	char told[32];
	int abi;

	text[0] = '\0';
	if (want == SANDBOX_OFF) {
		tell(text, "off");
		return 0;
	}
	if (landlock_enter(paths, &abi, e) == 0) {
		(void)snprintf(told, sizeof(told), "landlock %d", abi);
		tell(text, told);
	} else if (miss(want, text, "landlock", e) == -1)
		return -1;
	if (seccomp_enter(e) == 0)
		tell(text, "seccomp");
	else if (miss(want, text, "seccomp", e) == -1)
		return -1;
	return 0;
}
