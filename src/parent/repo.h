/*
 * repo: what lies in the model repositories, as data.
 *
 *	DIR/<model>/<version>/model.onnx, optionally DIR/<model>/config.pbtxt
 *	DIR/<model>.onnx		version 1, for people without versions
 *
 * The first repository that has a name wins, and in it the folder.  Only names,
 * config.pbtxt and label files are read here; the models themselves are the
 * workers' business.
 */
#ifndef PARENT_REPO_H
#define PARENT_REPO_H

#include <stdint.h>

#include "base/err.h"
#include "parent/conf.h"
#include "parent/modelconf.h"

#define REPO_MODELS_MAX		10000
#define REPO_VERSIONS_MAX	1000
#define REPO_CONFIG_MAX		((size_t)1 << 20)

struct repo_version {
	int64_t		 number;
	char		*dir;		/* holds file */
	char		*file;
	/* differs when its files, the config or labels did change */
	uint64_t	 stamp;
};

struct repo_model {
	/* those the policy chooses, newest first */
	struct repo_version *version;
	uint32_t	 n;
	struct model_config *config;
};

/* Names of all models, sorted, each once.  conf_list_free() it. */
int		 repo_names(const struct conf_list *dirs,
		    struct conf_list *names, conf_report *warn, void *arg,
		    struct err *);

/* ERR_NOT_FOUND: there is none such; else *err says what is wrong with it. */
int		 repo_read(const struct conf_list *dirs, const char *name,
		    struct repo_model *, conf_report *warn, void *arg,
		    struct err *);
void		 repo_model_done(struct repo_model *);

enum repo_there {
	REPO_THERE,
	REPO_ABSENT,	/* every repository can be read, and none has it */
	REPO_UNKNOWN,	/* one cannot be read now */
};

/*
 * Is there a model of that name?  *stamp then differs when anything of it has
 * changed: a version, configuration, labels.  Costs a few system calls a file.
 */
enum repo_there	 repo_stamp(const struct conf_list *dirs, const char *name,
		    uint64_t *stamp);

/* A version's number from the name of its folder; 0: it is none. */
int64_t		 repo_version_number(const char *name);

#endif
