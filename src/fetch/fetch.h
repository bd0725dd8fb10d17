/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tasks of meshapply-fetch, each done without any right. */
#pragma once

/*
 * Can a TCP connection to PORT of HOST be made, at any of its addresses?  It is
 * closed at once, nothing is sent.  0: yes; 1: no, and why is printed.
 */
int fetch_connect(const char *host, const char *port);

/*
 * Send two packets by the link DEVICE to each of COUNT addresses, so that a
 * tunnel has something to carry: UDP, one byte, to the port discard (RFC 863),
 * and ICMP echo, where that is allowed.  0: within seconds one of the addresses
 * has answered, or refused, by that link; 1: none has; 64: one of them is no
 * address.
 */
int fetch_touch(const char *device, char *const *addresses, int count);

/*
 * Read a request from standard input, fetch what it asks for, write the answer
 * (input/fetch_wire.h).  Ends the program, but for an error before anything
 * was fetched, which is printed: 1.
 */
int fetch_documents(void);
