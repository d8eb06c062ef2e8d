/*
 * json_read: the tokens of JSON in a buffer, and where in it an error lies.
 * For the files of json.h only.
 */
#ifndef PARSE_JSON_READ_H
#define PARSE_JSON_READ_H

#include "parse/json.h"

#define PATH_MAX_PARTS	8

/* One step of a path: a key, or an index if the key is empty. */
struct path_part {
	struct text	 key;
	size_t		 index;
};

struct reader {
	char		*text;
	size_t		 at, end;
	struct path_part path[PATH_MAX_PARTS];
	int		 parts;		/* may exceed the array: then cut */
	const struct json_scan *scan;	/* or NULL */
	uint32_t	 span;		/* the next one in it */
	struct err	*err;
};

/* Reads the value of a known key, or an element, into obj. */
typedef int read_value(struct reader *, void *obj);

struct field {
	const char	*name;
	read_value	*read;
};

/* "path: message at byte N"; returns -1. */
int		 read_fail(struct reader *, const char *fmt, ...) PRINTF(2, 3);

void		 read_space(struct reader *);

/* The next byte that is no space, not taken; '\0' at the end. */
char		 read_peek(struct reader *);

/* Take this byte if it is next. */
bool		 read_mark(struct reader *, char);

/*
 * An object: known keys to their fields (at most once each), others skipped
 * after being shown to other(), which may be NULL and may refuse them.
 */
int		 read_object(struct reader *, const struct field *, size_t n,
		    read_value *other, void *obj);

/* An array: element() for each. */
int		 read_array(struct reader *, read_value *element, void *obj);

/* Any value, checked and dropped; nested at most depth deep. */
int		 read_skip(struct reader *, int depth);

int		 read_string(struct reader *, struct text *);	/* unescaped */
int		 read_bool(struct reader *, bool *);
int		 read_u64(struct reader *, uint64_t *);

/*
 * The string at text[*at, end), unescaped into out, which may be text + *at.
 * Returns its bytes, *at behind it; or -1, *at where it went wrong and *want
 * what is expected there.
 */
ptrdiff_t	 json_unescape(const char *text, size_t *at, size_t end,
		    char *out, const char **want);

#endif
