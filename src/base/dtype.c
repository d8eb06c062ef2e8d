#include "base/dtype.h"

#include <string.h>

#include "base/size.h"

static const struct dtype_info table[DT_COUNT] = {
	[DT_NONE] = { "undefined", NULL, 0, 0 },
	[DT_FLOAT] = { "float", "FP32", 32, 'f' },
	[DT_UINT8] = { "uint8", "UINT8", 8, 'u' },
	[DT_INT8] = { "int8", "INT8", 8, 'i' },
	[DT_UINT16] = { "uint16", "UINT16", 16, 'u' },
	[DT_INT16] = { "int16", "INT16", 16, 'i' },
	[DT_INT32] = { "int32", "INT32", 32, 'i' },
	[DT_INT64] = { "int64", "INT64", 64, 'i' },
	[DT_STRING] = { "string", "BYTES", 0, 's' },
	[DT_BOOL] = { "bool", "BOOL", 8, 'b' },
	[DT_FLOAT16] = { "float16", "FP16", 16, 'f' },
	[DT_DOUBLE] = { "double", "FP64", 64, 'f' },
	[DT_UINT32] = { "uint32", "UINT32", 32, 'u' },
	[DT_UINT64] = { "uint64", "UINT64", 64, 'u' },
	[DT_COMPLEX64] = { "complex64", NULL, 64, 'c' },
	[DT_COMPLEX128] = { "complex128", NULL, 128, 'c' },
	[DT_BFLOAT16] = { "bfloat16", "BF16", 16, 'f' },
	[DT_FLOAT8E4M3FN] = { "float8e4m3fn", NULL, 8, 'f' },
	[DT_FLOAT8E4M3FNUZ] = { "float8e4m3fnuz", NULL, 8, 'f' },
	[DT_FLOAT8E5M2] = { "float8e5m2", NULL, 8, 'f' },
	[DT_FLOAT8E5M2FNUZ] = { "float8e5m2fnuz", NULL, 8, 'f' },
	[DT_UINT4] = { "uint4", NULL, 4, 'u' },
	[DT_INT4] = { "int4", NULL, 4, 'i' },
	[DT_FLOAT4E2M1] = { "float4e2m1", NULL, 4, 'f' },
	[DT_FLOAT8E8M0] = { "float8e8m0", NULL, 8, 'f' },
	[DT_UINT2] = { "uint2", NULL, 2, 'u' },
	[DT_INT2] = { "int2", NULL, 2, 'i' },
};

const struct dtype_info *
dtype_info(enum dtype t)
{
	return &table[(unsigned)t < DT_COUNT ? t : DT_NONE];
}

enum dtype
dtype_by_v2(const char *name, size_t n)
{
	for (int t = 1; t < DT_COUNT; t++)
		if (table[t].v2 != NULL && strlen(table[t].v2) == n &&
		    memcmp(table[t].v2, name, n) == 0)
			return (enum dtype)t;
	return DT_NONE;
}

enum dtype
dtype_by_onnx(const char *name)
{
	for (int t = 1; t < DT_COUNT; t++)
		if (strcmp(table[t].onnx, name) == 0)
			return (enum dtype)t;
	return DT_NONE;
}

bool
dtype_bytes(enum dtype t, size_t n, size_t *bytes)
{
	size_t bits = dtype_info(t)->bits, all;

	if (bits == 0)
		return false;
	if (bits >= 8)
		return size_mul(n, bits / 8, bytes);
	if (!size_mul(n, bits, &all) || !size_add(all, 7, &all))
		return false;
	*bytes = all / 8;
	return true;
}
