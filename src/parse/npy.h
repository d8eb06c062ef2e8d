/*
 * npy: arrays in NumPy's file format, versions 1 to 3.
 *
 * A reader of hostile bytes: the header is a Python literal, of which exactly
 * the dictionary that NumPy writes is understood.  Nothing is allocated; the
 * array stays where it lies in the file.
 *
 * Source: numpy.lib.format.
 */
#ifndef PARSE_NPY_H
#define PARSE_NPY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/dtype.h"
#include "base/err.h"
#include "base/shape.h"

struct npy {
	enum dtype	 type;
	struct shape	 shape;
	/* first dimension fastest: see npy_copy() */
	bool		 fortran;
	const void	*data;		/* in the file, aligned to nothing */
	size_t		 bytes;
};

/*
 * Read the header of a file of n bytes and check that the data is all there.
 * -1: not such a file, or its type is none of ours (big-endian, text, objects).
 */
int	 npy_read(const void *file, size_t n, struct npy *, struct err *);

/* The array in row-major order, into bytes of memory. */
void	 npy_copy(const struct npy *, void *to);

/* Has NumPy a type for these elements? */
bool	 npy_has(enum dtype);

/* A whole file, version 1, of a row-major array of a type that npy_has(). */
void	 npy_write(struct buf *, enum dtype, const struct shape *,
	    const void *data, size_t bytes);

#endif
