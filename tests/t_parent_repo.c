/* What lies in a repository, and what config.pbtxt says of it. */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/size.h"
#include "parent/conf.h"
#include "parent/modelconf.h"
#include "parent/repo.h"
#include "scratch.h"
#include "suite.h"

/* modelconf */

static struct model_config *
parse(const char *text, struct err *e)
{
	n_said = 0;
	return modelconf_parse(text, strlen(text), "m", hear, NULL, e);
}

START_TEST(modelconf_reads_what_triton_writes)
{
	struct err e = { .code = ERR_NONE };
	struct model_config *c = parse(
	    "name: \"m\"\nmax_batch_size: 8 # eight\n"
	    "input [ { name: \"a\" data_type: TYPE_FP32 dims: [ 3, -1 ] },\n"
	    "  { name: 'b' data_type: TYPE_STRING dims: 1 optional: true } ]\n"
	    "output < name: \"y\" label_filename: \"l.txt\" >\n"
	    "dynamic_batching { preferred_batch_size: [ 4, 8 ]\n"
	    "  max_queue_delay_microseconds: 100, priority_levels: 3;\n"
	    "  default_priority_level: 2 default_queue_policy {\n"
	    "  allow_timeout_override: true max_queue_size: 7 } }\n"
	    "version_policy: { specific { versions: 2 versions: [ 5 ] } }\n"
	    "instance_group [ { count: 2 kind: KIND_CPU } ]\n", &e);

	ck_assert_msg(c != NULL, "%s", e.text);
	ck_assert(c->given && c->has_batch_max && c->dynamic_batching);
	ck_assert_int_eq(c->batch_max, 8);
	ck_assert_uint_eq(c->n_in, 2);
	ck_assert_str_eq(c->in[0].name, "a");
	ck_assert_int_eq(c->in[0].shape.rank, 2);
	ck_assert_int_eq(c->in[0].shape.dim[1], -1);
	ck_assert_int_eq(c->in[1].type, DT_STRING);
	ck_assert(c->in[1].optional && !c->in[0].optional);
	ck_assert_str_eq(c->out[0].labels, "l.txt");
	ck_assert(!c->out[0].has_shape);
	ck_assert_uint_eq(c->n_preferred, 2);
	ck_assert_int_eq(c->delay_ns, 100 * NS_PER_US);
	ck_assert_uint_eq(c->priorities, 3);
	ck_assert_uint_eq(c->priority, 2);
	ck_assert_uint_eq(c->queue_max, 7);
	ck_assert(c->timeout_override);
	ck_assert_int_eq(c->policy, POLICY_SPECIFIC);
	ck_assert_uint_eq(c->n_specific, 2);
	ck_assert_int_eq(c->specific[1], 5);
	ck_assert_int_eq(n_said, 1);
	ck_assert_str_eq(said[0], "config.pbtxt: line 11: instance_group is "
	    "not used");
	modelconf_put(c);
}
END_TEST

static const struct {
	const char	*text, *error;
} bad_configs[] = {
	{ "name: \"other\"", "line 1: name: \"other\", want the name of its "
	    "folder" },
	{ "\nmax_batch_size: -1", "line 2: max_batch_size: \"-1\", want a "
	    "number from 0 to 65536" },
	{ "max_batch_size: eight", "want a number" },
	{ "max_batch_size { }", "want a value" },
	{ "input: 5", "want { ... }" },
	{ "input { data_type: FP32 }", "want TYPE_FP32 or the like" },
	{ "input {\n\nname: \"x\n", "line 3: '\n', want the end of the "
	    "string" },
	{ "input { name: \"x\"", "the end, want the name of a field" },
	{ "}", "'}', want the name of a field" },
	{ "a: [1 2]", "want ',' or ']'" },
	{ "max_batch_size 8", "'8', want ':'" },
	{ "default_model_filename: \"../x\"", "want a file's name" },
	{ "input { dims: [1,2,3,4,5,6,7,8,9] }", "at most 8 dimensions" },
};

START_TEST(modelconf_names_the_mistake)
{
	struct err e = { .code = ERR_NONE };
	struct model_config *c = parse(bad_configs[_i].text, &e);

	ck_assert_ptr_null(c);
	ck_assert_msg(strstr(e.text, bad_configs[_i].error) != NULL,
	    "\"%s\" should hold \"%s\"", e.text, bad_configs[_i].error);
}
END_TEST

START_TEST(modelconf_must_agree_with_the_model)
{
	struct signature *s = signature_new(1, 1);
	struct err e = { .code = ERR_NONE };
	struct model_config *c;

	(void)snprintf(s->in[0].name, SIG_NAME_MAX, "x");
	(void)snprintf(s->out[0].name, SIG_NAME_MAX, "y");
	s->in[0].type = s->out[0].type = DT_FLOAT;
	s->in[0].has_shape = true;
	s->in[0].shape = (struct shape){ 2, { -1, 64 } };
	c = parse("max_batch_size: 4 input { name: \"x\" data_type: TYPE_FP32 "
	    "dims: 64 }", &e);
	ck_assert_int_eq(modelconf_check(c, s, &e), 0);
	modelconf_put(c);
	c = parse("max_batch_size: 4 input { name: \"x\" dims: 65 }", &e);
	ck_assert_int_eq(modelconf_check(c, s, &e), -1);
	ck_assert_str_eq(e.text, "input \"x\": shape [-1,65], but the model "
	    "has [-1,64]");
	modelconf_put(c);
	c = parse("input { name: \"x\" data_type: TYPE_INT8 }", &e);
	ck_assert_int_eq(modelconf_check(c, s, &e), -1);
	modelconf_put(c);
	c = parse("output { name: \"z\" }", &e);
	ck_assert_int_eq(modelconf_check(c, s, &e), -1);
	ck_assert_str_eq(e.text, "the model has no output \"z\"");
	modelconf_put(c);
	signature_free(s);
}
END_TEST

/* repo */

static int
read_model(const char *name, struct repo_model *m, struct err *e)
{
	struct conf_list dirs = { NULL, 0 };
	int r;

	(void)conf_list_add(&dirs, dir);
	n_said = 0;
	r = repo_read(&dirs, name, m, hear, NULL, e);
	conf_list_free(&dirs);
	return r;
}

START_TEST(repo_finds_models_and_versions)
{
	struct conf_list dirs = { NULL, 0 }, names = { NULL, 0 };
	struct repo_model m;
	struct err e;

	(void)put("m/1/model.onnx", "x");
	(void)put("m/10/model.onnx", "x");
	(void)put("m/9/model.onnx", "x");
	(void)put("m/03/model.onnx", "x");
	(void)put("m/x/model.onnx", "x");
	(void)put("m/12/other", "x");
	(void)put("plain.onnx", "x");
	(void)put("m.onnx", "x");
	(void)put(".hidden/1/model.onnx", "x");
	(void)put("note.txt", "x");
	(void)conf_list_add(&dirs, dir);
	ck_assert_int_eq(repo_names(&dirs, &names, hear, NULL, &e), 0);
	ck_assert_uint_eq(names.n, 2);
	ck_assert_str_eq(names.v[0], "m");
	ck_assert_str_eq(names.v[1], "plain");
	conf_list_free(&names);
	conf_list_free(&dirs);
	ck_assert_int_eq(read_model("m", &m, &e), 0);
	ck_assert_uint_eq(m.n, 1);
	ck_assert_int_eq(m.version[0].number, 10);
	ck_assert_int_eq(n_said, 2);	/* m.onnx is not used; 12 has no file */
	repo_model_done(&m);
	(void)put("m/config.pbtxt", "version_policy { all { } }");
	ck_assert_int_eq(read_model("m", &m, &e), 0);
	ck_assert_uint_eq(m.n, 3);
	ck_assert_int_eq(m.version[1].number, 9);
	repo_model_done(&m);
	ck_assert_int_eq(read_model("plain", &m, &e), 0);
	ck_assert_str_eq(m.version[0].file, "plain.onnx");
	repo_model_done(&m);
	ck_assert_int_eq(read_model("none", &m, &e), -1);
	ck_assert_int_eq(e.code, ERR_NOT_FOUND);
	ck_assert_int_eq(read_model("../x", &m, &e), -1);
	(void)put("m/config.pbtxt", "name: 5 5");
	ck_assert_int_eq(read_model("m", &m, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "config.pbtxt: line 1"));
}
END_TEST

/* What a change of one of them must be seen in: its version, the model. */
static const struct {
	const char	*file;
	bool		 version, model;
} watched[] = {
	{ "m/1/model.onnx", true, true },
	{ "m/1/weights.bin", true, true },
	{ "m/1/deep/weights.bin", true, true },
	{ "m/config.pbtxt", true, true },
	{ "m/labels.txt", true, true },
	{ "m/1/.model.onnx.part", false, false },
	{ "m/requests/one.json", false, false },
	{ "m/2/model.onnx", false, true },
	{ "plain.onnx", false, false },
};

static void
stamps_of(const char *name, uint64_t *version, uint64_t *model)
{
	struct conf_list dirs = { NULL, 0 };
	struct repo_model m;
	struct err e;

	(void)conf_list_add(&dirs, dir);
	ck_assert_int_eq(repo_stamp(&dirs, name, model), REPO_THERE);
	conf_list_free(&dirs);
	ck_assert_msg(read_model(name, &m, &e) == 0, "%s", e.text);
	*version = m.version[m.n - 1].stamp;
	repo_model_done(&m);
}

START_TEST(repo_notices_changes)
{
	static const char config[] = "version_policy { all { } } output { "
	    "name: \"y\" label_filename: \"labels.txt\" }";
	uint64_t version, model, version_now, model_now;

	for (size_t i = 0; i < nitems(watched); i++)
		(void)put(watched[i].file, config);
	stamps_of("m", &version, &model);
	stamps_of("m", &version_now, &model_now);
	ck_assert(version == version_now && model == model_now);
	(void)put(watched[_i].file, "# longer\nversion_policy { all { } } "
	    "output { name: \"y\" label_filename: \"labels.txt\" }");
	stamps_of("m", &version_now, &model_now);
	ck_assert_int_eq(version != version_now, watched[_i].version);
	ck_assert_int_eq(model != model_now, watched[_i].model);
}
END_TEST

START_TEST(repo_notices_changes_of_plain_files)
{
	static const char *const files[] = { "p.onnx", "p.onnx.data",
	    "p.onnx_data", "p.data", "p.bin" };
	uint64_t version, model, version_now, model_now;

	(void)put("p.onnx", "x");
	stamps_of("p", &version, &model);
	(void)put("q.onnx", "x");
	(void)put("p.txt", "x");
	stamps_of("p", &version_now, &model_now);
	ck_assert(version == version_now && model == model_now);
	for (size_t i = 0; i < nitems(files); i++) {
		(void)put(files[i], "longer");
		stamps_of("p", &version_now, &model_now);
		ck_assert(version != version_now && model != model_now);
		version = version_now;
		model = model_now;
	}
}
END_TEST

START_TEST(repo_knows_gone_from_out_of_reach)
{
	struct conf_list dirs = { NULL, 0 };
	uint64_t stamp;

	(void)put("m/1/model.onnx", "x");
	(void)put("file", "x");
	(void)conf_list_add(&dirs, dir);
	ck_assert_int_eq(repo_stamp(&dirs, "m", &stamp), REPO_THERE);
	ck_assert_int_eq(repo_stamp(&dirs, "file", &stamp), REPO_ABSENT);
	ck_assert_int_eq(repo_stamp(&dirs, "none", &stamp), REPO_ABSENT);
	ck_assert_int_eq(repo_stamp(&dirs, "../x", &stamp), REPO_ABSENT);
	(void)conf_list_add(&dirs, "/nowhere");
	ck_assert_int_eq(repo_stamp(&dirs, "m", &stamp), REPO_THERE);
	ck_assert_int_eq(repo_stamp(&dirs, "none", &stamp), REPO_UNKNOWN);
	conf_list_free(&dirs);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("parent");
	TCase *c = tcase_create("repo");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, modelconf_reads_what_triton_writes);
	tcase_add_loop_test(c, modelconf_names_the_mistake, 0,
	    (int)nitems(bad_configs));
	tcase_add_test(c, modelconf_must_agree_with_the_model);
	tcase_add_test(c, repo_finds_models_and_versions);
	tcase_add_loop_test(c, repo_notices_changes, 0, (int)nitems(watched));
	tcase_add_test(c, repo_notices_changes_of_plain_files);
	tcase_add_test(c, repo_knows_gone_from_out_of_reach);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return suite_run(suite());
}
