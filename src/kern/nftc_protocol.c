/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/nftc_protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/time.h"

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

/* Both ends are non-blocking in effect: nothing waits past the deadline. */
static int wait_for(int fd, short events, int64_t deadline, struct err *e)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int timeout = -1, ready;

	if (deadline != NFTC_FOREVER) {
		int64_t left = deadline - time_now_ms();

		if (left < 0)
			left = 0;
		timeout = left > INT32_MAX ? INT32_MAX : (int)left;
	}
	ready = poll(&poll_fd, 1, timeout);
	if (ready < 0 && errno != EINTR)
		return err_sys(e, "meshapply-nftc: poll");
	if (!ready)
		return err_set(e, ERR_FAILED,
			       "meshapply-nftc did not answer in time");
	return 0;
}

static int send_some(int fd, const void *data, size_t size, int pass,
		     int64_t deadline, size_t *sent, struct err *e)
{
	union control control;
	struct iovec part = { (void *)(uintptr_t)data, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t got;

	memset(&control, 0, sizeof(control));
	if (pass >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(pass));
		memcpy(CMSG_DATA(&control.align), &pass, sizeof(pass));
	}
	*sent = 0;
	if (wait_for(fd, POLLOUT, deadline, e) < 0)
		return -1;
	got = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (got >= 0)
		*sent = (size_t)got;
	else if (errno == EPIPE || errno == ECONNRESET)
		return err_set(e, ERR_UNAVAILABLE, "meshapply-nftc is gone");
	else if (errno != EINTR && errno != EAGAIN)
		return err_sys(e, "meshapply-nftc: sending");
	return 0;
}

static int send_all(int fd, const void *data, size_t size, int pass,
		    int64_t deadline, struct err *e)
{
	const char *at = data;

	while (size) {
		size_t sent;

		if (send_some(fd, at, size, pass, deadline, &sent, e) < 0)
			return -1;
		if (sent)
			pass = -1;
		at += sent;
		size -= sent;
	}
	return 0;
}

int nftc_put(int fd, enum nftc_kind kind, struct str payload, int fd_to_pass,
	     int64_t deadline, struct err *e)
{
	struct nftc_frame frame = { kind, (uint32_t)payload.size };

	if (payload.size > NFTC_FRAME_MAX)
		return err_set(e, ERR_FAILED, "meshapply-nftc: %zu bytes are "
			       "too much", payload.size);
	if (send_all(fd, &frame, sizeof(frame), fd_to_pass, deadline, e) < 0)
		return -1;
	return send_all(fd, payload.data, payload.size, -1, deadline, e);
}

static void take_passed(struct msghdr *message, int *passed)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(passed, CMSG_DATA(c), sizeof(int));
}

static int receive_some(int fd, void *data, size_t size, int *passed,
			int64_t deadline, size_t *received, struct err *e)
{
	union control control;
	struct iovec part = { data, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t got;

	if (passed) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	*received = 0;
	if (wait_for(fd, POLLIN, deadline, e) < 0)
		return -1;
	got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got > 0) {
		*received = (size_t)got;
		if (passed && *passed < 0)
			take_passed(&message, passed);
		return 0;
	}
	if (!got || errno == ECONNRESET)
		return err_set(e, ERR_UNAVAILABLE, "meshapply-nftc is gone");
	if (errno != EINTR && errno != EAGAIN)
		return err_sys(e, "meshapply-nftc: receiving");
	return 0;
}

static int receive_all(int fd, void *data, size_t size, int *passed,
		       int64_t deadline, struct err *e)
{
	char *at = data;

	while (size) {
		size_t got;

		if (receive_some(fd, at, size, passed, deadline, &got, e) < 0)
			return -1;
		at += got;
		size -= got;
	}
	return 0;
}

int nftc_get_head(int fd, struct nftc_frame *frame, int *passed,
		  int64_t deadline, struct err *e)
{
	if (passed)
		*passed = -1;
	if (receive_all(fd, frame, sizeof(*frame), passed, deadline, e) < 0)
		return -1;
	if (frame->size > NFTC_FRAME_MAX)
		return err_set(e, ERR_FAILED,
			       "meshapply-nftc: malformed frame");
	return 0;
}

int nftc_get_payload(int fd, void *buffer, size_t size, int64_t deadline,
		     struct err *e)
{
	return receive_all(fd, buffer, size, NULL, deadline, e);
}
