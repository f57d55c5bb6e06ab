/*
 * Before any other header, in every file.  The C library promises the compiler that programs
 * never pass NULL for a name or a place; in functions that stand in front of its own that would
 * take away every check for it.  But games pass NULL, and are answered with an error.
 */
#ifndef NITROPILOT_PROMISES_H
#define NITROPILOT_PROMISES_H

#undef _FORTIFY_SOURCE /* its inline functions bear the names that we define */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <features.h>
#undef __nonnull
#define __nonnull(parameters)
#undef __attribute_nonnull__
#define __attribute_nonnull__(parameters)

#endif
