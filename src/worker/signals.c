#include <signal.h>

#include "base/size.h"
#include "worker/signals.h"

static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGTRAP };
static const int ignored[] = { SIGPIPE, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };

static struct sigaction		saved[nitems(crashes)];
static volatile sig_atomic_t	ended;
static sigset_t			inside;		/* the mask within ppoll() */

static void
on_term(int sig)
{
	(void)sig;
	ended = 1;
}

void
signals_before(void)
{
	for (size_t i = 0; i < nitems(crashes); i++)
		(void)sigaction(crashes[i], NULL, &saved[i]);
}

void
signals_after(void)
{
	struct sigaction term = { .sa_handler = on_term };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t block;

	for (size_t i = 0; i < nitems(crashes); i++)
		(void)sigaction(crashes[i], &saved[i], NULL);
	for (size_t i = 0; i < nitems(ignored); i++)
		(void)sigaction(ignored[i], &ignore, NULL);
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &block, &inside);
	(void)sigdelset(&inside, SIGTERM);
	(void)sigaction(SIGTERM, &term, NULL);
}

bool
signals_ended(void)
{
	return ended != 0;
}

int
signals_poll(struct pollfd *p, unsigned n, const struct timespec *limit)
{
	return ppoll(p, n, limit, &inside);
}
