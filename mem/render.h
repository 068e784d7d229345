/* SPDX-License-Identifier: MIT */
/* From a region tree to a flat view. */
#ifndef MEM_RENDER_H
#define MEM_RENDER_H

#include "mem/space.h"

/* A new view of the tree, with one reference. */
struct view *view_render(const struct region *root, bool ports);

#endif
