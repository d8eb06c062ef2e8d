/*
 * http_world: a server of parent/http.h and its clients in one process, over
 * real sockets, the loop turned by hand.  The protocol is a small echo:
 *
 *	/echo	answers with the body
 *	/later	answers when the test says so
 *	/big	answers with BIG bytes by reference
 *	/no	refuses with 503 before the body
 */
#ifndef TESTS_HTTP_WORLD_H
#define TESTS_HTTP_WORLD_H

#include <check.h>

#include "base/buf.h"
#include "parent/http.h"

#define BIG	((size_t)8 << 20)
#define HOST	"Host: x\r\n"

extern struct http		*http;
extern struct http_limits	 limits;
extern struct buf		 body;		/* of the call at hand */
extern struct http_call		*later;		/* waits, or NULL */
extern struct http_call		*last;		/* the newest */
extern int			 begun, ended, gone, released;
extern char			 got[1 << 16];	/* what take() took */
extern bool			 closed;	/* the server has closed */

void		 setup(void);
void		 teardown(void);
int		 connect_client(void);
void		 turn_loop(int times);
void		 wait_ms(int ms);

/* Send in steps, the loop turning in between. */
void		 put(int fd, const char *, size_t n, size_t step);

/* All that comes until nothing more comes; returns its length. */
size_t		 take(int fd);

int		 status_of(const char *answer);
const char	*body_of(const char *answer);

#endif
