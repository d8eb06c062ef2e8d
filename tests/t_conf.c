/* Configuration: the table of keys, files, the man page's list. */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "parent/conf.h"
#include "scratch.h"
#include "suite.h"

#define MS	NS_PER_MS

START_TEST(every_kind_of_value)
{
	struct conf *c = conf_new();
	const char *path = put("a.conf", "# comment\n[server]\n"
	    "listen = 127.0.0.1:1, unix:/x\n[limits]\nmemory = 3G\n"
	    "head_timeout = 250ms\nconnections=7\n[worker]\nsandbox = off\n"
	    "devices = a b\n[queue]\ndelay = 0\n"
	    "[log]\nareas = model=debug,http=warn\n"
	    "[models]\ndir = \"/my models\",/b \"/c\n");
	struct err e;

	ck_assert_uint_eq(c->limits_memory, (size_t)2 << 30);
	ck_assert_str_eq(c->server_listen.v[0], "127.0.0.1:8000");
	ck_assert_int_eq(conf_read(c, path, false, hear, NULL, &e), 0);
	ck_assert_uint_eq(c->server_listen.n, 2);
	ck_assert_str_eq(c->server_listen.v[1], "unix:/x");
	ck_assert_uint_eq(c->limits_memory, (size_t)3 << 30);
	ck_assert_int_eq(c->limits_head_ns, 250 * MS);
	ck_assert_uint_eq(c->limits_connections, 7);
	ck_assert_str_eq(c->worker_sandbox, "off");
	ck_assert_str_eq(c->worker_devices, "a b");
	ck_assert_int_eq(c->queue_delay_ns, 0);
	ck_assert_uint_eq(c->models_dir.n, 3);
	ck_assert_str_eq(c->models_dir.v[0], "/my models");
	ck_assert_str_eq(c->models_dir.v[1], "/b");
	ck_assert_str_eq(c->models_dir.v[2], "/c");
	ck_assert_uint_eq(c->log_areas.n, 2);
	ck_assert_str_eq(c->log_areas.v[1], "http=warn");
	conf_free(c);
}
END_TEST

/* The n_said reports must hold these, in order. */
static void
expect(const char *const *want, int n)
{
	for (int i = 0; i < n && i < n_said; i++)
		ck_assert_msg(strstr(said[i], want[i]) != NULL,
		    "\"%s\" should hold \"%s\"", said[i], want[i]);
	ck_assert_int_eq(n_said, n);
}

START_TEST(every_mistake_is_named)
{
	struct conf *c = conf_new();
	static const char text[] = "size = 1\n[limits]\nmemroy = 1G\n"
	    "body = 12Q\nconnections = -1\nhead_timeout = 5\nnonsense\n"
	    "[worker]\nsandbox = maybe\n[limit]\nbody = 1M\n[half\n"
	    "[server]\nmemory = 1G\nlisten = 1.2.3.4:5 6.7.8.9\n"
	    "listen = :80\n[queue]\nsize = 0\n[worker]\ndevices = a,auto,\n"
	    "count = 17\n[log]\nareas = modle=debug\n[models]\n dir=a\n";
	static const char *const want[] = {
		":1: \"size\" before any [section]; the nearest key is "
		    "\"queue.size\"",
		":3: no key \"limits.memroy\"; the nearest key is "
		    "\"limits.memory\"",
		":4: limits.body: \"12Q\": want a size from 1K to 16G (bytes, ",
		":5: limits.connections: \"-1\": want a number from 1 to "
		    "1000000",
		":6: limits.head_timeout: \"5\": want a time from 10ms to 1h "
		    "(with us,",
		":7: neither [section] nor key = value",
		":9: worker.sandbox: \"maybe\": want one of auto, required, "
		    "off",
		":11: no section \"limit\"; the nearest key is "
		    "\"limits.body\"",
		":12: neither",
		/* The next section was not seen. */
		":14: no key \"server.memory\"; the nearest key is "
		    "\"limits.memory\"",
		":15: server.listen: \"6.7.8.9\": want host:port, [v6]:port,",
		":16: server.listen is set in line 15 already",
		":18: queue.size: \"0\": want a number from 1 to 1000000",
		":20: worker.devices: \"auto\" stands alone",
		":21: worker.count: \"17\": want a number from 1 to 16",
		":23: log.areas: \"modle=debug\": want AREA=LEVEL; areas are "
		    "main, config,",
	};
	struct err e = { .code = ERR_NONE };

	ck_assert_int_eq(conf_read(c, put("b.conf", text), false, hear, NULL,
	    &e), -1);
	expect(want, (int)nitems(want));
	ck_assert_str_eq(e.text, said[0]);
	/* What is wrong changes nothing; what is right does. */
	ck_assert_uint_eq(c->limits_memory, (size_t)2 << 30);
	ck_assert_uint_eq(c->server_listen.n, 1);
	ck_assert_str_eq(c->models_dir.v[0], "a");
	conf_free(c);
}
END_TEST

START_TEST(a_file_that_is_none)
{
	struct conf *c = conf_new();
	struct err e;

	ck_assert_int_eq(conf_read(c, "/nowhere", true, hear, NULL, &e), 0);
	ck_assert_int_eq(n_said, 0);
	ck_assert_int_eq(conf_read(c, "/nowhere", false, hear, NULL, &e), -1);
	ck_assert_str_eq(said[0], "/nowhere: open: No such file or directory");
	ck_assert_int_eq(conf_read(c, dir, false, hear, NULL, &e), -1);
	ck_assert_ptr_nonnull(strstr(said[1], "Is a directory"));
	conf_free(c);
}
END_TEST

START_TEST(lines_as_people_write_them)
{
	struct conf *c = conf_new();
	char text[2048];
	static const char *const want[] = {
		":12: longer than ",
		":12: queue.delay: ",
	};
	struct err e;
	int n;

	/* A mark in front, blanks, a list over lines, comments between. */
	n = snprintf(text, sizeof(text), "\xef\xbb\xbf[server]\r\n"
	    "  listen =\n    127.0.0.1:1,\n\n# more\n\t[::1]:2\n"
	    "    unix:/x\n  user = me ; it is\n[limits]\n"
	    "  memory = 3G\n[queue]\ndelay = %0300d\nsize = 4\n", 0);
	ck_assert_int_lt(n, (int)sizeof(text));
	ck_assert_int_eq(conf_read(c, put("c.conf", text), false, hear, NULL,
	    &e), -1);
	ck_assert_uint_eq(c->server_listen.n, 3);
	ck_assert_str_eq(c->server_listen.v[0], "127.0.0.1:1");
	ck_assert_str_eq(c->server_listen.v[1], "[::1]:2");
	ck_assert_str_eq(c->server_listen.v[2], "unix:/x");
	ck_assert_uint_eq(c->limits_memory, (size_t)3 << 30);
	ck_assert_uint_eq(c->queue_size, 4);
	expect(want, 1);
	conf_free(c);
}
END_TEST

/* The file, then the folder in order of names, then assignments. */
START_TEST(the_last_word_wins)
{
	struct conf *c = conf_new();
	char path[128];
	struct err e;

	(void)put("conf.d/2.conf", "[queue]\nsize = 2\n");
	(void)put("conf.d/10.conf", "[queue]\nsize = 1\nbatch = 4\n");
	(void)put("conf.d/3.txt", "[queue]\nsize = 3\n");
	(void)put("conf.d/.9.conf", "[queue]\nsize = 9\n");
	ck_assert_int_eq(conf_read(c, put("main.conf", "[queue]\nsize = 7\n"
	    "batch = 7\ndelay = 7ms\n"), false, hear, NULL, &e), 0);
	(void)snprintf(path, sizeof(path), "%s/conf.d", dir);
	ck_assert_int_eq(conf_read_dir(c, path, hear, NULL, &e), 0);
	ck_assert_uint_eq(c->queue_size, 2);
	ck_assert_uint_eq(c->queue_batch, 4);
	ck_assert_int_eq(c->queue_delay_ns, 7 * MS);
	ck_assert_int_eq(conf_set(c, "queue.size=9", &e), 0);
	ck_assert_uint_eq(c->queue_size, 9);
	ck_assert_int_eq(conf_set(c, "queue.size=0", &e), -1);
	ck_assert_str_eq(e.text, "queue.size: \"0\": want a number from 1 to "
	    "1000000");
	ck_assert_int_eq(conf_set(c, "queue", &e), -1);
	/* Every file of the folder is read to its end. */
	(void)put("conf.d/1.conf", "[queue]\nsize = x\nbatch = x\n");
	(void)put("conf.d/3.conf", "[queue]\nsize = 8\n");
	ck_assert_int_eq(conf_read_dir(c, path, hear, NULL, &e), -1);
	ck_assert_int_eq(n_said, 2);
	ck_assert_uint_eq(c->queue_size, 8);
	conf_free(c);
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		const char	*text;
		bool		 good;
	} cases[] = {
		{ "127.0.0.1:8000", true }, { "[::1]:8000", true },
		{ ":8000", true }, { "*:8000", true }, { "name:0", true },
		{ "unix:/run/x", true }, { "unix:x", false },
		{ "unix:", false }, { "127.0.0.1", false },
		{ "127.0.0.1:", false }, { "127.0.0.1:http", false },
		{ "127.0.0.1:65536", false }, { "127.0.0.1:-1", false },
		{ "127.0.0.1: 1", false }, { "::1:8000", false },
	};
	struct conf *c = conf_new();
	char text[300];
	struct err e;

	for (size_t i = 0; i < nitems(cases); i++) {
		(void)snprintf(text, sizeof(text), "server.listen=\"%s\"",
		    cases[i].text);
		ck_assert_msg((conf_set(c, text, &e) == 0) == cases[i].good,
		    "%s", cases[i].text);
	}
	ck_assert_int_eq(conf_set(c, "server.listen=", &e), -1);
	ck_assert_str_eq(e.text, "server.listen: \"\": want 1 to 64 addresses");
	(void)snprintf(text, sizeof(text), "server.listen=unix:/%0200d", 0);
	ck_assert_int_eq(conf_set(c, text, &e), -1);
	conf_free(c);
}
END_TEST

static void
read_file(struct buf *b, const char *path)
{
	FILE *f = fopen(path, "r");
	int c;

	ck_assert_msg(f != NULL, "%s", path);
	while ((c = getc(f)) != EOF)
		ck_assert(buf_add(b, (char[]){ (char)c }, 1));
	(void)fclose(f);
}

/*
 * The default is written back as it reads: nothing in the file is out of date.
 */
START_TEST(the_tree_holds_what_is_printed)
{
	const char *tree = getenv("srcdir") != NULL ? getenv("srcdir") : SRCDIR;
	static const char *const places[][2] = {
		{ LOCALSTATEDIR "/", "/var/" }, { DATADIR "/", "/usr/share/" },
	};
	char path[PATH_MAX], *at;
	struct buf b, file, text;

	(void)snprintf(path, sizeof(path), "%s/conf/clinferd.conf", tree);
	buf_init(&file, 1 << 20);
	read_file(&file, path);
	buf_init(&b, 1 << 20);
	ck_assert(conf_print(&b));
	/* The tree's file is made for Debian's folders. */
	buf_init(&text, 1 << 20);
	for (at = b.data; *at != '\0';) {
		size_t i = 0;

		while (i < nitems(places) && strncmp(at, places[i][0],
		    strlen(places[i][0])) != 0)
			i++;
		if (i == nitems(places)) {
			ck_assert(buf_add(&text, at++, 1));
			continue;
		}
		ck_assert(buf_str(&text, places[i][1]));
		at += strlen(places[i][0]);
	}
	ck_assert_msg(strcmp(text.data, file.data) == 0, "conf/clinferd.conf "
	    "is out of date: clinferd --print-config, with /var and "
	    "/usr/share");
	buf_done(&text);
	buf_done(&b);
	buf_done(&file);
}
END_TEST

/* Of mdoc: an item for each key of the file, no line a macro by chance. */
START_TEST(the_man_page_has_every_key)
{
	struct buf file, page, built;
	char *rest, *line, want[80];
	int keys = 0;

	buf_init(&file, 1 << 20);
	buf_init(&page, 1 << 20);
	ck_assert(conf_print(&file) && conf_print_mdoc(&page));
	rest = file.data;
	while ((line = strsep(&rest, "\n")) != NULL) {
		size_t n = strcspn(line, " ");

		if (line[0] != '#' || strncmp(line + n, " =", 2) != 0 ||
		    n < 2)
			continue;
		(void)snprintf(want, sizeof(want), "\n.It Cm %.*s\n",
		    (int)n - 1, line + 1);
		ck_assert_msg(strstr(page.data, want) != NULL, "%s", want);
		keys++;
	}
	ck_assert_int_gt(keys, 30);
	/* All of it is in the page. */
	buf_init(&built, 1 << 20);
	read_file(&built, "clinferd.conf.5");
	ck_assert_ptr_nonnull(strstr(built.data, page.data));
	buf_done(&built);
	rest = page.data;
	while ((line = strsep(&rest, "\n")) != NULL)
		ck_assert_msg(*line != '\'' && (*line != '.' ||
		    strncmp(line, ".It Cm", 6) == 0 ||
		    strncmp(line, ".Ss Section ", 12) == 0 ||
		    strncmp(line, ".Ql ", 4) == 0 ||
		    strcmp(line, ".Bl -tag -width Ds") == 0 ||
		    strcmp(line, ".El") == 0), "%s", line);
	buf_done(&file);
	buf_done(&page);
}
END_TEST

START_TEST(a_reload_takes_what_may_change)
{
	struct conf *a = conf_new(), *b = conf_new();
	struct err e;

	ck_assert_int_eq(conf_set(b, "queue.size=5", &e), 0);
	ck_assert_int_eq(conf_set(b, "server.listen=x:1", &e), 0);
	ck_assert_int_eq(conf_set(b, "server.user=me", &e), 0);
	ck_assert_int_eq(conf_set(b, "log.level=debug", &e), 0);
	conf_reload(a, b, hear, NULL);
	conf_free(b);
	ck_assert_uint_eq(a->queue_size, 5);
	ck_assert_str_eq(a->log_level, "debug");
	ck_assert_str_eq(a->server_listen.v[0], "x:1");
	ck_assert_str_eq(a->server_user, "_clinferd");
	ck_assert_int_eq(n_said, 4);
	ck_assert_str_eq(said[1], "server.user changed: needs a restart");
	conf_free(a);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("conf");
	TCase *c = tcase_create("conf");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, every_kind_of_value);
	tcase_add_test(c, every_mistake_is_named);
	tcase_add_test(c, a_file_that_is_none);
	tcase_add_test(c, lines_as_people_write_them);
	tcase_add_test(c, the_last_word_wins);
	tcase_add_test(c, addresses);
	tcase_add_test(c, the_tree_holds_what_is_printed);
	tcase_add_test(c, the_man_page_has_every_key);
	tcase_add_test(c, a_reload_takes_what_may_change);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return suite_run(suite());
}
