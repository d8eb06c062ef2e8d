/*
 * dtype: the element types of tensors.
 *
 * The numbers are those of ONNX TensorProto.DataType, so that none needs a
 * mapping; names are given in ONNX's and in the V2 protocol's spelling.
 */
#ifndef BASE_DTYPE_H
#define BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
	DT_NONE = 0,
	DT_FLOAT = 1,
	DT_UINT8 = 2,
	DT_INT8 = 3,
	DT_UINT16 = 4,
	DT_INT16 = 5,
	DT_INT32 = 6,
	DT_INT64 = 7,
	DT_STRING = 8,
	DT_BOOL = 9,
	DT_FLOAT16 = 10,
	DT_DOUBLE = 11,
	DT_UINT32 = 12,
	DT_UINT64 = 13,
	DT_COMPLEX64 = 14,
	DT_COMPLEX128 = 15,
	DT_BFLOAT16 = 16,
	DT_FLOAT8E4M3FN = 17,
	DT_FLOAT8E4M3FNUZ = 18,
	DT_FLOAT8E5M2 = 19,
	DT_FLOAT8E5M2FNUZ = 20,
	DT_UINT4 = 21,
	DT_INT4 = 22,
	DT_FLOAT4E2M1 = 23,
	DT_FLOAT8E8M0 = 24,
	DT_UINT2 = 25,
	DT_INT2 = 26,
	DT_COUNT
};

struct dtype_info {
	const char	*onnx;	/* "float", "int64"; never NULL */
	/* "FP32", "BYTES"; NULL: V2 has no name for it */
	const char	*v2;
	uint8_t		 bits;	/* of one element; 0: strings vary */
	/* f loat, i nt, u nsigned, b ool, c omplex, s tring */
	char		 kind;
};

/* Facts of a type; those of DT_NONE ("undefined") for numbers out of range. */
const struct dtype_info *dtype_info(enum dtype);

/* By the V2 protocol's name of n bytes; DT_NONE if there is none such. */
enum dtype	 dtype_by_v2(const char *name, size_t n);

/* By ONNX's lower-case name; DT_NONE if there is none such. */
enum dtype	 dtype_by_onnx(const char *name);

/*
 * Bytes of n elements, packed (4-bit types: two to a byte, low half first).
 * False for strings, unknown types and overflow.
 */
bool		 dtype_bytes(enum dtype, size_t n, size_t *bytes);

#endif
