/* SPDX-License-Identifier: MIT */
/*
 * Between the machine and the process of -netdev user: messages on a socket
 * of type SOCK_SEQPACKET, whose first byte says what they are. Each side takes
 * the other one's for hostile.
 */
#ifndef NET_USER_PROTO_H
#define NET_USER_PROTO_H

#include "net/net.h"

enum user_message {
    USER_FRAME = 'F',   /* both ways: a frame follows */
    USER_ADD = 'A',     /* to the process: a hostfwd= text */
    USER_REMOVE = 'R',  /* likewise, its part before the dash */
    USER_INFO = 'I',    /* likewise: nothing follows */
    USER_ANSWER = 'O',  /* back: done; or text */
    USER_ERROR = 'E',   /* back: an error's text */
    USER_RESTART = 'D', /* back: it died, another one has taken over */
};

enum { USER_MESSAGE_MAX = 1 + NET_PACKET_MAX, USER_BATCH = 32 };

#endif
