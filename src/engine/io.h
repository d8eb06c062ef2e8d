/*
 * io: between the bytes of a request and values.
 */
#ifndef ENGINE_IO_H
#define ENGINE_IO_H

#include "engine/net.h"

/*
 * Is this what the signature wants?  Bytes must be as many as type and shape
 * say.
 */
int	 io_check(const struct sig_tensor *, const struct io *, struct err *);

/*
 * The value of an input: kind VAL_HOST, data contiguous from pool if it is not
 * in one piece (with room for rows, the spare ones zero).  data may stay NULL
 * for tensors that are large and come in pieces: io_write() takes those.
 */
int	 io_val(const struct io *, int64_t rows, struct val *, struct pool *,
	    bool whole, struct err *);

/* All pieces to their place in the arena, spare rows zero. */
int	 io_write(struct plan *, const struct plan_place *, const struct io *,
	    const struct val *, struct err *);

/* Give output i to the sink: v's bytes are in host memory. */
int	 io_deliver(const struct run_sink *, uint32_t i, const struct val *v,
	    int64_t rows, struct err *);

#endif
