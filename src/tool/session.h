/* session: a device and an engine in this process, as the options say. */
#ifndef TOOL_SESSION_H
#define TOOL_SESSION_H

#include "engine/engine.h"
#include "ocl/ocl.h"

struct session_options {
	struct ocl_options	 ocl;
	struct engine_options	 engine;
};

struct session {
	struct ocl	*ocl;
	struct engine	*engine;
};

/*
 * Options that run, check and bench have in common, as rows for getopt_long():
 * --device, --kernels, --cache, --lanes, --force, --host-only, --no-fusion,
 * --nan-fill, --self-check (always on in run and bench, as in the daemon; check
 * shall see what is wrong).
 */
#define SESSION_SHORT	"d:"
#define SESSION_LONG							\
	{ "device", required_argument, NULL, 'd' },			\
	{ "kernels", required_argument, NULL, 0x101 },			\
	{ "cache", required_argument, NULL, 0x102 },			\
	{ "lanes", required_argument, NULL, 0x103 },			\
	{ "force", required_argument, NULL, 0x104 },			\
	{ "host-only", no_argument, NULL, 0x105 },			\
	{ "no-fusion", no_argument, NULL, 0x106 },			\
	{ "nan-fill", no_argument, NULL, 0x107 },			\
	{ "self-check", no_argument, NULL, 0x108 }

/* False if opt is none of those, or its argument is wrong. */
bool	 session_option(struct session_options *, int opt, const char *arg);

int	 session_open(struct session *, const struct session_options *,
	    struct err *);
void	 session_close(struct session *);

#endif
