/*
 * The fast device forms of the heavy operators, in the order in which they are
 * tried.  Each is in a file of its own: conv_*.c, gemm_*.c, pool_*.c, gpu_*.c.
 */
#include "op/conv.h"
#include "op/gemm.h"
#include "op/pool.h"

conv_form *const conv_forms[] = {
	conv_stem,
	conv_dw,
	conv_wino,
	conv_direct,
	conv_tile,
	NULL
};

conv_form *const conv_transpose_forms[] = {
	NULL
};

gemm_form *const gemm_forms[] = {
	gemm_packed,
	gemm_tile,
	NULL
};

pool_form *const pool_forms[] = {
	pool_blocked,
	NULL
};
