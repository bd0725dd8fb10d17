/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tasks of meshapply-fetch, each done without any right. */
#pragma once

/*
 * Can a TCP connection to PORT of HOST be made, at any of its addresses?  It is
 * closed at once, nothing is sent.  0: yes; 1: no, and why is printed.
 */
int fetch_connect(const char *host, const char *port);

/*
 * Send a packet to each of COUNT addresses, so that a tunnel on the way has
 * something to carry: UDP, one byte, to the port discard (RFC 863).  0, or 1
 * if one of them is no address; whether it could be sent does not count.
 */
int fetch_touch(char *const *addresses, int count);
