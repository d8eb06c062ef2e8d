/* What model/graph.h promises, on files that this test writes itself. */
#include <check.h>
#include <stdint.h>
#include <unistd.h>

#include "base/size.h"
#include "model/datum.h"
#include "model/graph.h"
#include "model_help.h"
#include "suite.h"
#include "parse/pb.h"

START_TEST(a_small_model_is_read)
{
	struct model *m = load(file(8, simple()));

	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert_int_eq(m->opset, 17);
	ck_assert_int_eq(m->graph->n_node, 1);
	ck_assert_int_eq(m->graph->n_in, 1);
	ck_assert_int_eq(m->graph->n_out, 1);

	const struct node *n = &m->graph->node[0];
	ck_assert_str_eq(n->op, "Relu");
	ck_assert_str_eq(n->domain, "");
	ck_assert_str_eq(n->name, "y");
	ck_assert_int_eq(n->opset, 17);
	ck_assert_int_eq(n->in[0], m->graph->in[0]);
	ck_assert_int_eq(n->out[0], m->graph->out[0]);
	ck_assert_int_eq(m->graph->value[n->out[0]].producer, 0);
	ck_assert_int_eq(m->graph->value[n->in[0]].producer, -1);
	model_free(m);
}
END_TEST

START_TEST(names_must_be_known_and_given_once)
{
	struct buf g = graph("x", "y");

	put(&g, 1, node("Add", "x,ghost", "y"));
	assert_refused(file(8, g),
	    "node \"y\" (Add-17): input 1: \"ghost\" is not defined");

	g = simple();
	put(&g, 1, node("Relu", "x", "y"));
	assert_refused(file(8, g), "node 1: \"y\" is defined twice");

	g = simple();
	put(&g, 1, node("Relu", "y", "x"));
	assert_refused(file(8, g), "\"x\" is defined twice");

	g = graph("x", "z");
	put(&g, 1, node("Relu", "x", "y"));
	assert_refused(file(8, g), "output 0: \"z\" is not defined");

	g = graph("x", "y");
	put(&g, 1, node("Relu", "x", "y\xff"));
	assert_refused(file(8, g), "not UTF-8");

	g = graph("x", "y");
	put(&g, 1, node("", "x", "y"));
	assert_refused(file(8, g), "node 0 \"\" has no op_type");
}
END_TEST

START_TEST(an_absent_input_is_no_value)
{
	struct buf g = graph("x", "y");

	put(&g, 1, node("Clip", "x,,x", "y"));
	struct model *m = load(file(8, g));
	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert_int_eq(m->graph->node[0].n_in, 3);
	ck_assert_int_eq(m->graph->node[0].in[1], NO_VALUE);
	model_free(m);
}
END_TEST

START_TEST(nodes_are_put_in_order)
{
	struct buf g = graph("x", "c");

	put(&g, 1, node("Neg", "b", "c"));
	put(&g, 1, node("Abs", "a", "b"));
	put(&g, 1, node("Relu", "x", "a"));
	struct model *m = load(file(8, g));
	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert_str_eq(m->graph->node[0].op, "Relu");
	ck_assert_str_eq(m->graph->node[1].op, "Abs");
	ck_assert_str_eq(m->graph->node[2].op, "Neg");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(m->graph->value[m->graph->node[i].out[0]]
		    .producer, i);
	model_free(m);

	g = graph("x", "b");
	put(&g, 1, node("Add", "x,b", "a"));
	put(&g, 1, node("Relu", "a", "b"));
	assert_refused(file(8, g), "needs its own output");
}
END_TEST

START_TEST(initializers_are_constants_or_defaults)
{
	static const float w[2] = { 1, 2 };
	struct buf g;
	struct model *m;

	for (int64_t ir = 3; ir <= 4; ir++) {
		g = simple();
		put(&g, 11, value_info("w", DT_FLOAT));
		put(&g, 5, tensor("w", 2, w, sizeof(w)));
		m = load(file(ir, g));
		ck_assert_msg(m != NULL, "%s", e.text);
		/* Before version 4 all initializers were inputs, too. */
		ck_assert_int_eq(m->graph->n_in, ir == 3 ? 1 : 2);
		ck_assert_uint_eq(m->parameters, 2);
		model_free(m);
	}
	g = simple();
	put(&g, 5, tensor("w", 2, w, sizeof(w)));
	put(&g, 5, tensor("w", 2, w, sizeof(w)));
	assert_refused(file(8, g), "initializer \"w\" is defined twice");
	g = simple();
	put(&g, 11, value_info("w", DT_INT64));
	put(&g, 5, tensor("w", 2, w, sizeof(w)));
	assert_refused(file(8, g),
	    "is float, but the input of that name int64");
	assert_refused(file(2, simple()), "IR version 2");
}
END_TEST

START_TEST(subgraphs_capture)
{
	struct model *m = load_file("control.onnx");
	const struct graph *g = m->graph, *inner;
	const struct value *v;
	struct graph *branch;

	for (int i = 0; i < g->n_node; i++) {
		if (strcmp(g->node[i].op, "If") != 0)
			continue;
		ck_assert_int_eq(attr_graph(&g->node[i], "else_branch",
		    &branch, &e), 0);
		/* x and one are two graphs up: captured by both. */
		ck_assert_ptr_eq(branch->parent, g);
		v = value_named(branch, "x");
		ck_assert_int_eq(v->outer, g->in[0]);
		inner = branch->node[0].attr[0].g;
		v = value_named(inner, "x");
		ck_assert_ptr_eq(inner->parent, branch);
		ck_assert_str_eq(branch->value[v->outer].name, "x");
	}
	model_free(m);
}
END_TEST

START_TEST(functions_are_inlined)
{
	struct model *m = load_file("functions.onnx");
	const struct graph *g = m->graph;
	int elus = 0, with_alpha = 0;
	float alpha;

	ck_assert_int_eq(g->n_node, 16);	/* 2 * 2 * (5 - Constant) */
	for (int i = 0; i < g->n_node; i++) {
		if (strcmp(g->node[i].op, "Elu") != 0)
			continue;
		elus++;
		ck_assert_int_eq(attr_float(&g->node[i], "alpha", 9, &alpha,
		    &e), 0);
		with_alpha += alpha == 0.5f;
		ck_assert(alpha == 0.5f || alpha == 9);
	}
	ck_assert_int_eq(elus, 4);
	ck_assert_int_eq(with_alpha, 2);
	ck_assert_int_eq(g->value[g->out[0]].producer, 15);
	model_free(m);
}
END_TEST

/* f calls f */
START_TEST(recursion_ends)
{
	struct buf g = graph("x", "y"), f = new(), b, n = node("f", "x", "y");

	put_text(&n, 7, "d");
	put(&g, 1, n);
	put_text(&f, 1, "f");
	put_text(&f, 10, "d");
	put_names(&f, 4, "a");
	put_names(&f, 5, "b");
	n = node("f", "a", "b");
	put_text(&n, 7, "d");
	put(&f, 7, n);
	b = file(8, g);
	put(&b, 25, f);
	assert_refused(b, "nest more than 32 deep");
}
END_TEST

START_TEST(depth_ends)
{
	struct buf g = simple();

	for (int i = 0; i < 40; i++) {
		struct buf a = new(), n = node("If", "x", "y"), up;

		put_text(&a, 1, "then_branch");
		pb_put_int(&a, 20, ATTR_GRAPH);
		put(&a, 6, g);
		put(&n, 5, a);
		up = graph(i == 39 ? "x" : NULL, "y");
		put(&up, 1, n);
		g = up;
	}
	assert_refused(file(8, g), "nest more than 32 deep");
}
END_TEST

START_TEST(a_small_file_cannot_ask_for_much)
{
	struct buf g, f, b = new(), n, leaf = new();

	/* 64 calls of 64 calls of ... : 2^60 nodes from a few kilobytes. */
	put_text(&leaf, 1, "f0");
	put_text(&leaf, 10, "d");
	put_names(&leaf, 5, "o");
	put(&leaf, 7, node("RandomNormal", "", "o"));
	put(&leaf, 9, opset("", 17));
	put(&b, 25, leaf);
	for (int i = 1; i <= 10; i++) {
		char name[16];

		f = new();
		(void)snprintf(name, sizeof(name), "f%d", i);
		put_text(&f, 1, name);
		put_text(&f, 10, "d");
		for (int k = 0; k < 64; k++) {
			char out[16];

			(void)snprintf(out, sizeof(out), "o%d", k);
			(void)snprintf(name, sizeof(name), "f%d", i - 1);
			n = node(name, "", out);
			put_text(&n, 7, "d");
			put(&f, 7, n);
		}
		put_names(&f, 5, "o0");
		put(&b, 25, f);
	}
	g = graph("x", "y");
	n = node("f10", "", "y");
	put_text(&n, 7, "d");
	put(&g, 1, n);
	put(&b, 7, g);
	pb_put_int(&b, 1, 8);
	put(&b, 8, opset("", 17));
	assert_refused(b, "needs too much memory for its size");
}
END_TEST

START_TEST(opsets_are_needed)
{
	struct buf g = graph("x", "y"), n = node("Scaler", "x", "y");

	put_text(&n, 7, "ai.onnx.ml");
	put(&g, 1, n);
	assert_refused(file(8, g), "node \"y\" (Scaler): the model imports no "
	    "opset of domain \"ai.onnx.ml\"");
}
END_TEST

START_TEST(attributes_have_the_type_they_claim)
{
	struct buf g, n, a;
	struct model *m;
	const int64_t *v;
	size_t count;
	int64_t i;

	for (int k = 0; k < 3; k++) {	/* unknown, empty, unsaid */
		a = new();
		put_text(&a, 1, "pads");
		if (k < 2)
			pb_put_int(&a, 20, k == 0 ? 99 : ATTR_TENSOR);
		g = graph("x", "y");
		n = node("Conv", "x", "y");
		put(&n, 5, a);
		put(&g, 1, n);
		assert_refused(file(8, g),
		    "node \"y\" (Conv-17): attribute \"pads\": ");
	}
	a = new();
	put_text(&a, 1, "pads");
	pb_put_int(&a, 20, ATTR_INTS);
	pb_put_int(&a, 8, 4);
	g = graph("x", "y");
	n = node("Conv", "x", "y");
	put(&n, 5, a);
	put(&g, 1, n);
	m = load(file(8, g));
	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert_int_eq(attr_ints(&m->graph->node[0], "pads", &v, &count,
	    &e), 0);
	ck_assert(count == 1 && v[0] == 4);
	ck_assert_int_eq(attr_int(&m->graph->node[0], "pads", 0, &i, &e), -1);
	ck_assert_str_eq(e.text, "attribute \"pads\" is ints, want an int");
	ck_assert_int_eq(attr_int(&m->graph->node[0], "none", 5, &i, &e), 0);
	ck_assert_int_eq(i, 5);
	model_free(m);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("model");
	TCase *c = tcase_create("model");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_small_model_is_read);
	tcase_add_test(c, names_must_be_known_and_given_once);
	tcase_add_test(c, an_absent_input_is_no_value);
	tcase_add_test(c, nodes_are_put_in_order);
	tcase_add_test(c, initializers_are_constants_or_defaults);
	tcase_add_test(c, subgraphs_capture);
	tcase_add_test(c, functions_are_inlined);
	tcase_add_test(c, recursion_ends);
	tcase_add_test(c, depth_ends);
	tcase_add_test(c, a_small_file_cannot_ask_for_much);
	tcase_add_test(c, opsets_are_needed);
	tcase_add_test(c, attributes_have_the_type_they_claim);
	suite_add_tcase(s, c);

	return suite_run(s);
}
