/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was noted, as bytes and back, and compared with what is there now. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/trace_private.h"

struct header {
	uint32_t kind, flags;
	uint64_t name, bytes;	/* sizes */
};

static size_t padded(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static void pad(struct sbuf *out)
{
	static const char zero[8];

	sbuf_add(out, zero, padded(out->size) - out->size);
}

void trace_item_begin(struct sbuf *out, enum trace_kind kind,
		      unsigned int flags, struct str name)
{
	struct header header = { kind, flags, name.size, 0 };

	sbuf_add(out, &header, sizeof(header));
	sbuf_str(out, name);
	sbuf_putc(out, '\0');
	pad(out);
}

void trace_item_end(struct sbuf *out, size_t item, size_t bytes)
{
	uint64_t size = out->size - bytes;

	memcpy(out->data + item + offsetof(struct header, bytes), &size,
	       sizeof(size));
	pad(out);
}

/* SIZE bytes off REST, and what they are padded with. */
static bool take(struct str *rest, uint64_t size, struct str *out)
{
	size_t whole;

	if (size > rest->size)
		return false;
	whole = padded((size_t)size);
	if (whole > rest->size)
		return false;
	*out = (struct str){ rest->data, (size_t)size };
	rest->data += whole;
	rest->size -= whole;
	return true;
}

int trace_next(struct str *rest, struct trace_item *out)
{
	struct str left = *rest, name, bytes;
	struct header header;

	if (!left.size)
		return 0;
	if (left.size < sizeof(header))
		return -1;
	memcpy(&header, left.data, sizeof(header));
	left.data += sizeof(header);
	left.size -= sizeof(header);
	if (header.kind < TRACE_HEAD || header.kind > TRACE_END ||
	    header.name >= SIZE_MAX ||
	    !take(&left, header.name + 1, &name) || name.data[header.name] ||
	    !take(&left, header.bytes, &bytes))
		return -1;
	name.size--;
	*out = (struct trace_item){ (enum trace_kind)header.kind,
				    header.flags, name, bytes };
	*rest = left;
	return 1;
}

void trace_seen_of(const struct stat *st, int number, unsigned int flags,
		   struct trace_seen *out)
{
	*out = (struct trace_seen){ 0 };
	if (!st) {
		out->number = number;
		return;
	}
	out->mode = st->st_mode & S_IFMT;
	if (flags & TRACE_IDENTITY) {
		out->device = (uint64_t)st->st_dev;
		out->inode = (uint64_t)st->st_ino;
	}
	if (flags & TRACE_ACCESS) {
		out->mode = st->st_mode;
		out->uid = st->st_uid;
		out->gid = st->st_gid;
	}
	if (flags & TRACE_TIMES) {
		out->size = (uint64_t)st->st_size;
		out->modified[0] = st->st_mtim.tv_sec;
		out->modified[1] = st->st_mtim.tv_nsec;
		out->changed[0] = st->st_ctim.tv_sec;
		out->changed[1] = st->st_ctim.tv_nsec;
	}
}

static bool place_holds(const struct trace_item *item)
{
	int how = item->flags & TRACE_FOLLOWS ? 0 : AT_SYMLINK_NOFOLLOW;
	struct trace_seen seen;
	struct stat st;

	if (fstatat(AT_FDCWD, item->name.data, &st, how))
		trace_seen_of(NULL, errno, item->flags, &seen);
	else
		trace_seen_of(&st, 0, item->flags, &seen);
	return item->bytes.size == sizeof(seen) &&
		!memcmp(item->bytes.data, &seen, sizeof(seen));
}

/*
 * Only of files are the bytes noted.  What is a pipe now is not even opened:
 * whoever writes to it waits for the one who reads.
 */
static int open_again(const struct trace_item *item)
{
	int how = item->flags & TRACE_FOLLOWS ? 0 : AT_SYMLINK_NOFOLLOW;
	struct stat st;

	if (fstatat(AT_FDCWD, item->name.data, &st, how) ||
	    !S_ISREG(st.st_mode))
		return -1;
	return open(item->name.data, O_RDONLY | O_CLOEXEC | O_NOCTTY |
		    O_NONBLOCK | (item->flags & TRACE_FOLLOWS ? 0 :
				  O_NOFOLLOW));
}

/* What is read is known when it is as long, and no byte longer. */
static bool file_holds(const struct trace_item *item, char *buffer,
		       size_t size)
{
	cleanup_fd int fd = open_again(item);
	struct str left = item->bytes;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		size_t most = left.size < size ? left.size + 1 : size;

		n = read(fd, buffer, most);
		if (n < 0 || (size_t)n > left.size ||
		    memcmp(buffer, left.data, (size_t)n) != 0)
			return false;
		left.data += n;
		left.size -= (size_t)n;
		/* There was room for one more, which did not come. */
		if (!left.size && (size_t)n < most)
			return true;
	}
	return !n && !left.size;
}

static bool secret_holds(const struct trace_item *item, char *buffer,
			 size_t size)
{
	cleanup_fd int fd = open_again(item);
	struct trace_secret secret;
	crypto_generichash_state state;
	struct stat st;
	size_t left;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	crypto_generichash_init(&state, NULL, 0, TRACE_DIGEST);
	left = (size_t)st.st_size;
	while (left && (n = read(fd, buffer, left < size ? left : size)) > 0) {
		crypto_generichash_update(&state, (unsigned char *)buffer,
					  (size_t)n);
		left -= (size_t)n;
	}
	trace_seen_of(&st, 0, TRACE_ACCESS, &secret.seen);
	crypto_generichash_final(&state, secret.digest,
				 sizeof(secret.digest));
	return n >= 0 && item->bytes.size == sizeof(secret) &&
		!memcmp(item->bytes.data, &secret, sizeof(secret));
}

bool trace_holds(const struct trace_item *item, void *buffer, size_t size)
{
	switch (item->kind) {
	case TRACE_PLACE:
		return place_holds(item);
	case TRACE_FILE:
		return file_holds(item, buffer, size);
	case TRACE_SECRET:
		return secret_holds(item, buffer, size);
	case TRACE_HEAD:
	case TRACE_HEARD:
	case TRACE_END:
		return false;
	}
	return false;
}
