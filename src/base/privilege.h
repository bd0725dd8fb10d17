/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this process may do.  It gives up what it has no use for itself;
 * programs that it starts get what the kernel gives them anew (execve(2)): for
 * root all but what is filtered here, for any other user no more than this.
 */
#pragma once

/*
 * At the start: of the capabilities stay those to configure the network, to
 * enter a namespace of it, to look at who runs this, and to look after files
 * that are the service's user's.  System calls that neither this program nor
 * any that it starts has a use for fail from here on (EPERM), as far as the
 * kernel filters.
 */
void privilege_trim(void);

/*
 * Once the sockets are open: no other namespace is entered any more, and no
 * other process looked at.
 */
void privilege_settle(void);

/*
 * In a user namespace of our own, where we need not be root: programs that are
 * started have CAP_NET_ADMIN as well.
 */
void privilege_hand_on(void);

/*
 * For a program without any capability that talks with strangers: from here on
 * it can start threads, but neither a process nor a program, signals and
 * traces nobody, listens for nobody, enters no namespace, and has sockets of
 * the internet, of this machine and of netlink alone.  As far as the kernel
 * filters.
 */
void privilege_seclude(void);
