/*
 * tile: what the CPU forms of convolutions and matrix products share.
 *
 * A register tile is TW pixels (or rows) by NB vectors of output channels, its
 * accumulators filling the registers a CPU of that vector width has.  Sizes are
 * kernel arguments of type int: what does not fit is left to the generic forms.
 */
#ifndef OP_TILE_H
#define OP_TILE_H

#include "op/conv.h"

struct tile {
	int	 vec;		/* floats of a vector */
	int	 nb;		/* vectors of a panel */
	int	 tw;		/* pixels */
};

/*
 * The tile with which px pixels in a row, rows times, and m channels take least
 * time.
 */
struct tile	 tile_choose(int vec, int64_t px, int64_t rows, int64_t m);

/* Most pixels of a tile that is nb vectors wide. */
int		 tile_width_max(int vec, int nb);

/*
 * The width from lo to hi that wastes least of px pixels, ties to the wider.
 */
int		 tile_width(int64_t px, int lo, int hi);

/*
 * Pieces of work for so many multiplications: enough for all lanes, not dust.
 */
int64_t		 tile_pieces(const struct ocl_facts *, double macs);

/*
 * Is it for the CPU forms at all?  Floats, weights and bias known, sizes that
 * fit a kernel's int with some room.
 */
bool		 tile_takes(const struct conv *, const struct plan *);

/* Bias of n channels for m, zeros if b is NULL; key is w's. */
struct storage	*tile_bias(struct plan *, const struct val *b,
		    const struct val *w, int64_t m, int64_t n, struct err *);

static inline int64_t
ceil_div(int64_t a, int64_t b)
{
	return (a + b - 1) / b;
}

#endif
