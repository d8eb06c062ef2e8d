/*
 * resize: linear interpolation along the last two axes; output position i lies
 * at i * step + from of the input.
 */

KERNEL void
resize_linear(IN(float, x), OUT(float, y), int n, int h, int oh, float hstep,
    float hfrom, int w, int ow, float wstep, float wfrom WORK)
{
	AT(x);
	AT(y);
	FOR_ITEMS(i, n) {
		float fy = i / ow % oh * hstep + hfrom;
		float fx = i % ow * wstep + wfrom;
		float by = floor(fy), bx = floor(fx);
		int y0 = clamp((int)by, 0, h - 1);
		int y1 = clamp((int)by + 1, 0, h - 1);
		int x0 = clamp((int)bx, 0, w - 1);
		int x1 = clamp((int)bx + 1, 0, w - 1);
		const __global float *p = x + (long)(i / ow / oh) * h * w;
		float a = mix(p[y0 * w + x0], p[y0 * w + x1], fx - bx);
		float b = mix(p[y1 * w + x0], p[y1 * w + x1], fx - bx);

		y[i] = mix(a, b, fy - by);
	}
}
