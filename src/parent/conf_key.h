/*
 * conf_key: a row of the table of keys, and what can be done with one.
 * For conf*.c only:
 *
 *	conf.c		the table; finding a key; taking over a new one
 *	conf_value.c	values: read, checked, compared, described
 *	conf_read.c	files
 *	conf_print.c	the table as a commented file and as a man page's list
 */
#ifndef PARENT_CONF_KEY_H
#define PARENT_CONF_KEY_H

#include "parent/conf.h"

enum kind {
	STRING, LIST, CHOICE, BYTES, TIME, COUNT,
	ADDRESSES,		/* a list of what server.listen takes */
	DEVICES,		/* a string as worker.devices takes it */
	AREAS,			/* a list of area=level */
};

struct key {
	const char	*section, *name;
	enum kind	 kind;
	size_t		 field;		/* offset in struct conf */
	const char	*fallback;	/* the default, as written in a file */
	/* bytes, nanoseconds, a count; of a list: entries */
	int64_t		 min, max;
	bool		 live;		/* a running daemon can take it over */
	const char	*choices;	/* CHOICE: words with spaces around */
	const char	*help;
};

extern const struct key	conf_keys[];
extern const size_t	conf_n_keys;

/* NULL: none such; *err names the nearest. */
const struct key *key_find(const char *section, const char *name,
		    struct err *);

/* On failure nothing has changed; *err names key, value, expectation. */
int		 key_set(struct conf *, const struct key *, const char *value,
		    struct err *);
void		 key_clear(struct conf *, const struct key *);
bool		 key_equal(const struct conf *, const struct conf *,
		    const struct key *);
void		 key_swap(struct conf *, struct conf *, const struct key *);

/* "a size from 1K to 1M", to be read behind "want"; false: anything goes. */
bool		 key_range(const struct key *, struct buf *);

#endif
