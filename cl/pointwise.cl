/*
 * pointwise: one fused expression over rows of the output.
 *
 * The engine writes the preamble: PW_ARGS (parameters), PW_AT, PW_ROW (offsets
 * of row `row` in each operand), PW_DO and PW_DO_VECTOR (element, or vector, i
 * of a row).  A unit is a chunk of a row; a piece is `per` units.
 */

/* Alone: nothing is read, nothing is written. */
#ifndef PW_ARGS
#define PW_ARGS		int units, int per, int chunks, int chunk, int row_n
#define PW_AT
#define PW_ROW
#define PW_DO		(void)yo
#endif

KERNEL void
pointwise(PW_ARGS WORK)
{
	PW_AT
	FOR_WORK(g) {
		for (int u = g * per; u < min(units, (g + 1) * per); u++) {
			int row = u / chunks, i = u % chunks * chunk;
			int end = min(row_n, i + chunk);
			int yo = row * row_n;

			PW_ROW
#ifdef PROFILE_GPU
			for (i += get_local_id(0); i < end;
			    i += get_local_size(0))
				PW_DO;
#else
#ifdef PW_DO_VECTOR
			for (; i + VEC <= end; i += VEC)
				PW_DO_VECTOR;
#endif
			for (; i < end; i++)
				PW_DO;
#endif
		}
	}
}
