/*
 * model_folder: a repository with one model, and what lies around it.
 *
 *	m/1/model		"good"
 *	m/1/untyped		"bare"
 *	m/1/large		over 64 bytes
 *	m/1/weights		"0123456789"
 *	m/1/up, away		links out of it: to secret, to /etc/passwd
 *	m/1/beside		a link to model
 *	secret			not the model's business
 */
#ifndef TESTS_MODEL_FOLDER_H
#define TESTS_MODEL_FOLDER_H

extern char	folder[];		/* its path */
extern int	dir;			/* the same, open */

void		 make_folder(void);
void		 remove_folder(void);

/* Below dir; its folders are there. */
void		 write_file(const char *name, const char *text);

#endif
