/* SPDX-License-Identifier: MIT */
#ifndef HW_PC_BOARDS_H
#define HW_PC_BOARDS_H

#include "hw/pc/board.h"

extern const struct board_type board_isapc;
extern const struct board_type board_none;
extern const struct board_type board_pc;

#endif
