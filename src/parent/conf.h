/*
 * conf: everything that can be configured, from one table.
 *
 * A row of the table in conf.c is a key: section, name, type, default, range,
 * unit, help, and whether a running daemon can change it.  The table also
 * prints the commented file that is installed and the list of its man page, and
 * knows the nearest key to a misspelt one.  To add a key: one field here, one
 * row there, and conf/clinferd.conf printed anew.
 *
 * Files are INI: [section], key = value, # comment.  Lists are separated by
 * spaces or commas; one in double quotes may hold both.  A line that begins
 * with a blank and holds no '=' goes on with the list above it.  A key may be
 * set once in a file; of files, the last wins.
 */
#ifndef PARENT_CONF_H
#define PARENT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct conf_list {
	char	**v;
	size_t	  n;
};

struct conf {
	/* server */
	struct conf_list server_listen;
	char		*server_user;
	/* longest wait for answers at the end */
	int64_t		 server_drain_ns;

	/* limits */
	size_t		 limits_memory;	/* bodies, arenas and copies together */
	uint32_t	 limits_connections;
	size_t		 limits_head;		/* of one request */
	size_t		 limits_body;
	int64_t		 limits_head_ns;	/* for a whole head to arrive */
	int64_t		 limits_body_ns;	/* for a whole body */
	int64_t		 limits_idle_ns;	/* between requests */
	int64_t		 limits_send_ns;	/* for an answer to be taken */

	/* queue */
	uint32_t	 queue_size;	/* requests waiting, per model */
	/* from a request's last byte to its answer */
	int64_t		 queue_timeout_ns;
	uint32_t	 queue_batch;	/* largest batch without config.pbtxt */
	int64_t		 queue_delay_ns;	/* wait for a batch to fill */

	/* worker */
	char		*worker_devices;
	uint32_t	 worker_count;		/* per device */
	char		*worker_program;	/* "": the one beside us */
	char		*worker_cache;		/* folder */
	struct conf_list worker_environment;	/* names, may end in "*" */
	char		*worker_sandbox;	/* "auto" "required" "off" */
	size_t		 worker_output;		/* bytes of an output arena */
	int64_t		 worker_hold_ns; /* then an unsent output is copied */
	int64_t		 worker_start_ns;	/* phase limits */
	int64_t		 worker_load_ns;
	int64_t		 worker_compile_ns;
	int64_t		 worker_run_ns;

	/* engine */
	char		*engine_cl_dir;
	size_t		 engine_memory;

	/* models */
	struct conf_list models_dir;
	char		*models_watch;		/* "yes" "no" */

	/* log */
	char		*log_level;
	struct conf_list log_areas;	/* "area=level" */
	char		*log_access;	/* "yes" "no" */
	char		*log_target;	/* "auto" "stderr" "syslog" "journal" */
};

/* Append a copy of s; -1: no memory. */
int		 conf_list_add(struct conf_list *, const char *s);
void		 conf_list_free(struct conf_list *);	/* what it holds */

/* Where an error was found in a file, or a warning. */
typedef void conf_report(void *arg, const char *text);

/* All defaults.  NULL if out of memory. */
struct conf	*conf_new(void);
void		 conf_free(struct conf *);	/* NULL is fine */

/*
 * Read one file.  Every mistake is reported as "file:line: ...", reading goes
 * on; -1 if there was any (*err, if not NULL: the first).  missing_ok: no file
 * means nothing to do.
 */
int		 conf_read(struct conf *, const char *path, bool missing_ok,
		    conf_report *, void *arg, struct err *);

/* As conf_read() for every *.conf of a folder in order of names. */
int		 conf_read_dir(struct conf *, const char *dir, conf_report *,
		    void *arg, struct err *);

/* "section.key=value". */
int		 conf_set(struct conf *, const char *assignment, struct err *);

/* The commented file with all defaults. */
bool		 conf_print(struct buf *);

/* The same as the list of clinferd.conf(5), in mdoc. */
bool		 conf_print_mdoc(struct buf *);

/*
 * Take over from next every key that may change live; the others that differ
 * are reported as needing a restart.
 */
void		 conf_reload(struct conf *, struct conf *next, conf_report *,
		    void *arg);

#endif
