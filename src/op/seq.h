/* seq: values that hold values: sequences and optionals, on the host only. */
#ifndef OP_SEQ_H
#define OP_SEQ_H

#include "plan/val.h"

/* dst becomes a copy of src, whatever it is, with all its bytes. */
int	 seq_copy(struct view *, struct val *dst, const struct val *src,
	    struct err *);
/* dst becomes a sequence (optional) of n fresh, empty vals. */
int	 val_make(struct view *, struct val *dst, enum value_type, int n,
	    struct err *);

#endif
