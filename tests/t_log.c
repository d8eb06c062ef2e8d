/* Logging: what a line may hold, where it goes, how often. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_journal.h"
#include "base/log_limit.h"
#include "base/log_text.h"
#include "base/size.h"
#include "suite.h"

static char	dir[64];
static int	line_end;	/* what standard error writes comes here */
static int	journal = -1;
static struct sockaddr_un address;

static void
setup(void)
{
	int ends[2];

	(void)snprintf(dir, sizeof(dir), "/tmp/t_log.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	line_end = ends[0];
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	address.sun_family = AF_UNIX;
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
	    "%s/journal", dir);
}

static void
teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
open_journal(void)
{
	log_open(LOG_TO_JOURNAL, "prog");
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(journal, (struct sockaddr *)&address,
	    sizeof(address)), 0);
	journal_open(address.sun_path, "prog");
}

/* What came; "" if nothing did. */
static const char *
got(int fd)
{
	static char text[16384];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(lines)
{
	log_info("main", "started: pid=%d", 7);
	ck_assert_str_eq(got(line_end), "info: main: started: pid=7\n");
	log_debug("main", "not now");
	ck_assert_str_eq(got(line_end), "");
	log_error("main", "a\nb\033[31m\x7f\x9b%s", "\xc2\x9b \xff ü ✓");
	ck_assert_str_eq(got(line_end), "error: main: a\\x0ab\\x1b[31m\\x7f"
	    "\\x9b\\xc2\\x9b \\xff ü ✓\n");
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	char text[9000];
	const char *line;

	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_warn("main", "%s", text);
	line = got(line_end);
	ck_assert_uint_le(strlen(line), 2200);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	/* A character is cut whole or not at all. */
	for (size_t i = 1; i < 9; i++) {
		char out[64];

		log_text_escape(out, i + 5, "üüüü");
		ck_assert_msg(strstr("üüüü", out) != NULL, "%s", out);
	}
}
END_TEST

START_TEST(values)
{
	static const struct {
		const char	*value, *want;
	} cases[] = {
		{ "digits", "digits" }, { "ü/x-1.2:3", "ü/x-1.2:3" },
		{ "", "\"\"" }, { "a b", "\"a b\"" }, { "a=b", "\"a=b\"" },
		{ "a\"b\\", "\"a\\\"b\\\\\"" }, { "a\nb", "\"a\\x0ab\"" },
		{ "\033]0;x\007", "\"\\x1b]0;x\\x07\"" },
		{ "\xff", "\"\\xff\"" },
	};
	char out[LOG_VALUE], text[4000];

	for (size_t i = 0; i < nitems(cases); i++)
		ck_assert_str_eq(log_quote(out, cases[i].value),
		    cases[i].want);
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_quote(out, text);
	ck_assert_uint_lt(strlen(out), LOG_VALUE);
	ck_assert_str_eq(out + strlen(out) - 4, "...\"");
	/* A line keeps what was quoted as it is. */
	log_info("main", "x: model=%s", log_quote(out, "a\n\"b"));
	ck_assert_str_eq(got(line_end),
	    "info: main: x: model=\"a\\x0a\\\"b\"\n");
}
END_TEST

START_TEST(levels_of_areas)
{
	struct err e;
	struct buf b;

	log_set_level(LOG_LV_WARN);
	ck_assert_int_eq(log_area("model=debug", true, &e), 0);
	ck_assert_int_eq(log_area("worker=error", true, &e), 0);
	ck_assert_int_eq(log_area("http=debug", false, &e), 0);
	ck_assert(log_on("model", LOG_LV_DEBUG));
	ck_assert(!log_on("main", LOG_LV_INFO));
	ck_assert(!log_on("http", LOG_LV_INFO));
	ck_assert(log_on("worker/12", LOG_LV_ERROR));
	ck_assert(!log_on("worker/12", LOG_LV_WARN));
	log_set_level(LOG_LV_INFO);
	ck_assert(!log_on("model", LOG_LV_DEBUG));
	ck_assert(log_on("worker/12", LOG_LV_INFO));
	ck_assert_int_eq(log_area("modle=debug", false, &e), -1);
	ck_assert_int_eq(log_area("model", false, &e), -1);
	ck_assert_int_eq(log_area("model=loud", false, &e), -1);
	ck_assert_int_eq(log_area("=debug", false, &e), -1);
	buf_init(&b, 4096);
	ck_assert(log_areas(&b));
	ck_assert_msg(strstr(e.text, b.data) != NULL, "%s", e.text);
	buf_done(&b);
}
END_TEST

START_TEST(the_journal_gets_fields)
{
	char pid[32], q[LOG_VALUE], want[512];
	const char *text;

	open_journal();
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	log_warn("model", "loaded: model=%s ms=3 note_2=%s rest model=evil",
	    log_quote(q, "a\nPRIORITY=0 \"b\\"), "x");
	text = got(journal);
	(void)snprintf(want, sizeof(want), "MESSAGE=model: loaded: model="
	    "\"a\\x0aPRIORITY=0 \\\"b\\\\\" ms=3 note_2=x rest model=evil\n"
	    "PRIORITY=4\nSYSLOG_IDENTIFIER=prog\nSYSLOG_PID=%s\n"
	    "CLINFERD_AREA=model\n"
	    "CLINFERD_MODEL=a\\x0aPRIORITY=0 \"b\\\n"
	    "CLINFERD_MS=3\nCLINFERD_NOTE_2=x\n", pid);
	ck_assert_str_eq(text, want);
	log_error("worker/0", "peer=1.2.3.4:5 status=200");
	text = got(journal);
	ck_assert_ptr_nonnull(strstr(text, "\nPRIORITY=3\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nCLINFERD_AREA=worker/0\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nCLINFERD_STATUS=200\n"));
	/* Words of others are no fields. */
	log_info("main", "%s", "it says model=x and y=z");
	ck_assert_ptr_null(strstr(got(journal), "CLINFERD_MODEL"));
	ck_assert_str_eq(got(line_end), "");
}
END_TEST

START_TEST(every_field_is_a_line)
{
	char out[JOURNAL_MAX], text[2048];
	size_t n;

	for (size_t seed = 1; seed < 2000; seed++) {
		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = "ab=\"\\ _9:"[(seed * 7919 + i * i * seed) %
			    10];
		text[seed % sizeof(text)] = '\0';
		text[sizeof(text) - 1] = '\0';
		n = journal_entry(out, "p", 6, "main", text);
		ck_assert_uint_lt(n, JOURNAL_MAX);
		out[n] = '\0';
		for (char *rest = out, *line; *rest != '\0';) {
			line = strsep(&rest, "\n");
			ck_assert_ptr_nonnull(rest);
			ck_assert_msg(strncmp(line, "CLINFERD_", 9) == 0 ||
			    strncmp(line, "SYSLOG_", 7) == 0 ||
			    strncmp(line, "MESSAGE=", 8) == 0 ||
			    strcmp(line, "PRIORITY=6") == 0, "%s", line);
			ck_assert_ptr_nonnull(strchr(line, '='));
		}
	}
}
END_TEST

START_TEST(without_a_journal_there_is_standard_error)
{
	open_journal();
	(void)close(journal);
	(void)unlink(address.sun_path);
	log_warn("main", "hello");
	ck_assert_str_eq(got(line_end), "<4>warn: main: hello\n");
	/* A journal that takes nothing does not hold us up. */
	open_journal();
	for (int i = 0; i < 3000 && *got(line_end) == '\0'; i++)
		log_warn("access", "hello");
	log_warn("access", "hello");
	ck_assert_str_eq(got(line_end), "<4>warn: access: hello\n");
	/* And there may be another one later. */
	(void)close(journal);
	(void)unlink(address.sun_path);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(journal, (struct sockaddr *)&address,
	    sizeof(address)), 0);
	log_warn("main", "again");
	ck_assert_ptr_nonnull(strstr(got(journal), "MESSAGE=main: again\n"));
}
END_TEST

START_TEST(the_stream_of_the_journal)
{
	char text[64];
	struct stat st;

	(void)unsetenv("JOURNAL_STREAM");
	ck_assert(!journal_is(STDERR_FILENO));
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(text, sizeof(text), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	(void)setenv("JOURNAL_STREAM", text, 1);
	ck_assert(journal_is(STDERR_FILENO));
	ck_assert(!journal_is(STDIN_FILENO));
	text[0] = text[0] == '1' ? '2' : '1';
	(void)setenv("JOURNAL_STREAM", text, 1);
	ck_assert(!journal_is(STDERR_FILENO));
	(void)setenv("JOURNAL_STREAM", "nonsense", 1);
	ck_assert(!journal_is(STDERR_FILENO));
}
END_TEST

START_TEST(a_flood_is_dammed)
{
	const char *fmt = "x", *other = "y";
	int64_t now = 1000 * NS_PER_S;
	uint64_t dropped;
	int n = 0;

	for (int i = 0; i < 10 * LOG_BURST; i++)
		n += log_limit(fmt, "main", now, &dropped);
	ck_assert_int_eq(n, LOG_BURST);
	/* Others are not: another call, another area. */
	ck_assert(log_limit(other, "main", now, &dropped));
	ck_assert(log_limit(fmt, "model", now, &dropped));
	now += NS_PER_S;
	ck_assert(log_limit(fmt, "main", now, &dropped));
	ck_assert_uint_eq(dropped, 9 * LOG_BURST);
	for (int i = 0, k = 0; i < LOG_BURST; i++, n = k)
		k += log_limit(fmt, "main", now, &dropped);
	ck_assert_int_eq(n, LOG_PER_SECOND - 1);
	now += 1000 * NS_PER_S;
	ck_assert(log_limit(fmt, "main", now, &dropped));
}
END_TEST

START_TEST(a_flood_is_counted)
{
	int n = 0;

	for (int i = 0; i < 2 * LOG_BURST; i++) {
		log_warn("main", "again");
		n += *got(line_end) != '\0';
	}
	ck_assert_int_ge(n, LOG_BURST);
	ck_assert_int_lt(n, 2 * LOG_BURST);
	(void)usleep(1000000 / LOG_PER_SECOND * 2);
	log_warn("main", "again");
	ck_assert_ptr_nonnull(strstr(got(line_end),
	    "warn: main: said too much: lines="));
	for (int i = 0; i < 3 * LOG_BURST; i++) {
		log_info("access", "wanted");
		ck_assert_str_ne(got(line_end), "");
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("log");
	TCase *c = tcase_create("log");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, lines);
	tcase_add_test(c, a_long_line_is_cut);
	tcase_add_test(c, values);
	tcase_add_test(c, levels_of_areas);
	tcase_add_test(c, the_journal_gets_fields);
	tcase_add_test(c, every_field_is_a_line);
	tcase_add_test(c, without_a_journal_there_is_standard_error);
	tcase_add_test(c, the_stream_of_the_journal);
	tcase_add_test(c, a_flood_is_dammed);
	tcase_add_test(c, a_flood_is_counted);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return suite_run(suite());
}
