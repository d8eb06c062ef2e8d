/* file: models and their data on disk. */
#ifndef TOOL_FILE_H
#define TOOL_FILE_H

#include "model/graph.h"

struct model_file {
	char		*path;		/* of the .onnx itself */
	/* descriptor of the folder it lies in */
	int		 folder;
	void		*bytes;		/* malloc'ed; NULL once given away */
	size_t		 n;
	/* external data, from that folder only */
	struct model_source source;
};

/* A whole file into malloc'ed memory. */
int	 file_read(const char *path, void **bytes, size_t *n, struct err *);

/*
 * MODEL of the command line: a file, a folder with model.onnx in it, or a
 * folder of a model repository, whose newest version counts.
 */
int	 model_file_open(struct model_file *, const char *model, struct err *);
void	 model_file_close(struct model_file *);

#endif
