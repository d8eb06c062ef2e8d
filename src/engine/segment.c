/*
 * The plans of a net, found by what they were made for: the first node, types
 * and shapes of the values that are there, and the bytes of those read while
 * planning.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "engine/net.h"

#define KEY_MAX		((size_t)1 << 24)
#define PLAN_BYTES	((size_t)256 << 20)	/* of plans kept, by default */

static void
key_val(struct buf *key, int index, const struct val *v)
{
	int head[5] = { index, v->kind == VAL_KNOWN, (int)v->form,
	    (int)v->type, v->shape.rank };
	size_t n;

	(void)buf_add(key, head, sizeof(head));
	if (v->form != VALUE_TENSOR)
		return;
	(void)buf_add(key, v->shape.dim,
	    sizeof(v->shape.dim[0]) * (size_t)v->shape.rank);
	if (v->kind == VAL_KNOWN && shape_bytes(&v->shape, v->type, &n))
		(void)buf_add(key, v->data, n);
}

/* Bytes that are few and known, or asked for, are part of the key. */
static void
classify(struct net *net, struct val *v, int i)
{
	size_t n;

	if (v->kind == VAL_UNKNOWN || v->form != VALUE_TENSOR)
		return;
	if (net->read_known[i] && v->data != NULL && v->type != DT_STRING)
		v->kind = VAL_KNOWN;
	if (v->kind == VAL_KNOWN && (v->type == DT_STRING ||
	    !shape_bytes(&v->shape, v->type, &n) || n > KNOWN_BYTES))
		v->kind = VAL_HOST;
}

static int
make_key(struct net *net, int from, struct buf *key, struct err *err)
{
	(void)buf_add(key, &from, sizeof(from));
	for (int i = 0; i < net->g->n_value; i++) {
		if (net->now[i].kind == VAL_UNKNOWN ||
		    net->last_use[i] < from)
			continue;
		classify(net, &net->now[i], i);
		key_val(key, i, &net->now[i]);
	}
	return buf_failed(key) ? err_memory(err, "a plan's key", key->len) : 0;
}

static struct segment *
find(struct net *net, const struct buf *key, uint64_t h)
{
	struct segment **at = &net->segments, *s;

	for (; (s = *at) != NULL; at = &s->next) {
		if (s->hash != h || s->n_key != key->len ||
		    memcmp(s->key, key->data, key->len) != 0)
			continue;
		*at = s->next;
		s->next = net->segments;
		net->segments = s;
		return s;
	}
	return NULL;
}

/* The oldest plans go when all take too much; one may stay however large. */
static void
trim(struct net *net)
{
	size_t max = net->e->opt.plan_bytes, sum = 0;
	struct segment **at = &net->segments, *s;

	if (max == 0)
		max = PLAN_BYTES;
	while ((s = *at) != NULL) {
		sum += s->bytes;
		if (s == net->segments || sum <= max) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		sum -= s->bytes;
		segment_free(net, s);
	}
	net->segment_bytes = sum;
}

static int
keep(struct net *net, struct segment *s, struct buf *key, uint64_t h,
    struct err *err)
{
	if ((s->key = malloc(key->len)) == NULL)
		return err_memory(err, "a plan's key", key->len);
	memcpy(s->key, key->data, key->len);
	s->n_key = key->len;
	s->hash = h;
	s->bytes += key->len;
	s->next = net->segments;
	net->segments = s;
	trim(net);
	return 0;
}

/* Planning and compiling take long: whoever watches is told. */
static struct segment *
plan_new_one(struct net *net, int from, bool *again, struct err *err)
{
	const struct engine_options *opt = &net->e->opt;
	struct segment *s;

	if (opt->planning != NULL)
		opt->planning(opt->planning_arg, true);
	s = segment_plan(net, from, net->now, again, err);
	if (opt->planning != NULL)
		opt->planning(opt->planning_arg, false);
	return s;
}

static struct segment *
get(struct net *net, int from, struct buf *key, bool *again, struct err *err)
{
	struct segment *s;
	uint64_t h;

	*again = false;
	buf_clear(key);
	if (make_key(net, from, key, err) < 0)
		return NULL;
	h = hash_add(HASH_START, key->data, key->len);
	if ((s = find(net, key, h)) != NULL)
		return s;
	if ((s = plan_new_one(net, from, again, err)) == NULL)
		return NULL;
	if (keep(net, s, key, h, err) < 0) {
		segment_free(net, s);
		return NULL;
	}
	return s;
}

struct segment *
segment_get(struct net *net, int from, struct err *err)
{
	struct segment *s;
	struct buf key;
	bool again = true;

	buf_init(&key, KEY_MAX);
	do
		s = get(net, from, &key, &again, err);
	while (s == NULL && again);
	buf_done(&key);
	return s;
}

void
segments_drop(struct net *net)
{
	struct segment *s;

	while ((s = net->segments) != NULL) {
		net->segments = s->next;
		segment_free(net, s);
	}
	net->segment_bytes = 0;
}
