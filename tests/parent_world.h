/*
 * parent_world: the daemon's machinery without its protocol side, with fake
 * workers (tests/fake_worker.c) and a folder of its own, for one test.
 */
#ifndef TESTS_PARENT_WORLD_H
#define TESTS_PARENT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "parent/parent.h"
#include "parent/request.h"

struct world {
	struct parent	 p;
	char		 dir[64];
	struct event	*beat;
};

/* One inference and its answer. */
struct ask {
	struct request	*r;		/* NULL: answered and freed */
	bool		 done;
	unsigned	 calls;		/* of done(): must be 1 */
	struct err	 err;
	float		 y[4096];
	uint32_t	 n;
	uint32_t	 pieces;
	bool		 keep;		/* do not free in done() */
};

/*
 * settings: "section.key=value" words; env: "NAME=value" words; models: files.
 */
void	 world_open(struct world *, const char *settings, const char *env,
	    const char *models);
void	 world_close(struct world *);

/* A file of the repository: written anew. */
void	 world_model(struct world *, const char *file, const char *text);
void	 world_no_model(struct world *, const char *file);

/* Run the loop until it is true; fails the test after 20 seconds. */
#define world_until(w, condition) do {					\
	int64_t world_end_ = clock_ns() + 20 * NS_PER_S;		\
	while (!(condition)) {						\
		ck_assert_msg(clock_ns() < world_end_,			\
		    "never came true: %s", #condition);			\
		world_turn(w);						\
	}								\
} while (0)

void	 world_turn(struct world *);
void	 world_run_ms(struct world *, int64_t ms);
bool	 world_ready(struct world *, const char *model);

/*
 * rows x columns, the first element of each row x, the others counting on.  -1:
 * refused, a->err says why.
 */
int	 world_ask(struct world *, struct ask *, const char *model, float x,
	    int64_t rows, int64_t columns);
/* What world_ask() gives as priority. */
extern uint32_t	world_priority;

bool	 world_good(const struct ask *, float x, int64_t rows, int64_t columns);

/* Kill the process of that worker. */
void	 world_kill(struct world *, uint32_t worker, int signal_number);

#endif
