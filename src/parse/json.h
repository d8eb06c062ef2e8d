/*
 * json: inference bodies, read and written without a tree.
 *
 * A body is text that the caller gathers in one growing buffer:
 *
 *	json_scan()	as bytes arrive: nesting, and where large arrays lie
 *	json_infer()	once, when all is there: everything but the tensors'
 *			elements, jumping over those arrays, at a bounded cost
 *	json_fill()	per input: its elements straight into typed memory, in
 *			slices
 *
 * Together they accept exactly JSON, and NaN, Infinity and -Infinity among
 * floats. Strings are unescaped where they lie: the buffer is written to.
 * Every error names the path and the byte: "inputs[0].data[17]: expected a
 * number at byte 131".
 */
#ifndef PARSE_JSON_H
#define PARSE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"
#include "base/shape.h"
#include "parse/text.h"

#define JSON_DEPTH_MAX		100
#define JSON_SPANS_MAX		64
#define JSON_SPAN_MIN		1024	/* shorter ones are just read */
#define JSON_ENVELOPE_MAX	((size_t)1 << 19)	/* outside of spans */
#define JSON_TENSORS_MAX	256	/* inputs; and outputs */

/* text[at, end) is an array, brackets included. */
struct json_span {
	size_t		 at, end;
};

/* How far a text has been looked through; zero at the start. */
struct json_scan {
	size_t		 at;
	size_t		 open;		/* where the array of depth 3 began */
	uint32_t	 depth;
	bool		 string, escape;
	uint32_t	 n_spans;
	struct json_span span[JSON_SPANS_MAX];
};

/*
 * Look at text[scan->at, have).  -1: nested too deeply.  Where texts that are
 * no JSON lead it does not matter: json_infer() finds out.
 */
int		 json_scan(struct json_scan *, const char *text, size_t have,
		    struct err *);

struct json_input {
	struct text	 name;
	enum dtype	 type;
	struct shape	 shape;
	struct json_span data;		/* end 0: none given */
	uint64_t	 binary;	/* binary_data_size, if has_binary */
	bool		 has_binary;
	bool		 shared_memory;	/* asks for a shared_memory_region */
};

struct json_output {
	struct text	 name;
	/* how many classes; 0: not asked for */
	uint64_t	 classification;
	bool		 has_binary;	/* binary_data is given, as: */
	bool		 binary;
	bool		 shared_memory;
};

/* A request without its elements; texts point into the buffer. */
struct json_request {
	struct text	 id;		/* n 0: none or empty */
	struct json_input *in;
	struct json_output *out;
	size_t		 n_in, n_out;
	bool		 has_outputs;
	bool		 binary_output;	/* binary_data_output */
	bool		 has_sequence;	/* any sequence_* parameter but 0 */
	uint64_t	 priority;
	uint64_t	 timeout_us;
};

/*
 * Read text[0, len); scan has seen all of it.  NULL scan: read every byte
 * (texts that are short anyway).  -1: *err; nothing to free.
 */
int		 json_infer(struct json_request *, char *text, size_t len,
		    const struct json_scan *, struct err *);
void		 json_request_done(struct json_request *);

/* The elements of one input on their way into memory. */
struct json_fill {
	char		*text;		/* the whole buffer */
	size_t		 at, end;	/* the rest of the array */
	size_t		 stop;		/* of the slice */
	size_t		 input;		/* its index, for messages */
	enum dtype	 type;
	struct shape	 shape;
	unsigned char	*out;
	size_t		 room;		/* bytes there */
	size_t		 used;		/* bytes written */
	size_t		 count, total;	/* elements */
	/* brackets around an element; 0: not known */
	int		 levels;
	int		 depth;
	int64_t		 index[MAX_RANK + 1];	/* elements seen, by depth */
	bool		 value;		/* a value must follow: after a comma */
	bool		 comma;		/* a comma or the end must follow */
};

/*
 * Bytes that the elements of this input can need at most; what json_fill()
 * writes is exactly that, less for strings.  -1: the text is too short for the
 * shape, or the type is none that JSON can carry.
 */
int		 json_fill_room(const struct json_request *, size_t input,
		    size_t *bytes, struct err *);

/* Begin; out has room bytes, as json_fill_room() said. */
void		 json_fill_start(struct json_fill *,
		    const struct json_request *, size_t input, char *text,
		    void *out, size_t room);

/*
 * Go on for some slice bytes of text.  1: more to do; 0: all elements are
 * stored, used bytes of them; -1: *err.
 */
int		 json_fill(struct json_fill *, size_t slice, struct err *);

/*
 * Print up to n elements of a type other than strings, with commas between
 * (none at the ends), into text as far as room bytes reach; *bytes of them.
 * Returns the elements printed.
 */
size_t		 json_print(enum dtype, const void *data, size_t n, char *text,
		    size_t room, size_t *bytes);

/* Bytes that json_quote() needs at most for n bytes. */
#define JSON_QUOTE_ROOM(n)	(6 * (n) + 2)

/*
 * s[0, n) as a JSON string with its quotes; bytes that are no UTF-8 become
 * U+FFFD. Returns bytes written.
 */
size_t		 json_quote(const char *s, size_t n, char *text);

#endif
