/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The password of a key: of a file, or asked for; never an argument. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/signed.h"

#define PASSWORD_MAX 1024	/* bytes, as minisign's */
#define TERMINAL "/dev/tty"

static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP };

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
	caught = number;
}

/* Up to the end of the line; -1 and errno, EINTR after a signal of ours. */
static ssize_t read_line(int fd, char *text, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = caught ? -1 : read(fd, text + used, 1);

		if (caught)
			errno = EINTR;
		if (n < 0 && (caught || errno != EINTR))
			return -1;
		if (n < 0)
			continue;
		if (!n || text[used] == '\n')
			break;
		used++;
	}
	return (ssize_t)used;
}

/* Without an echo, which comes back whatever ends this. */
static ssize_t read_hidden(int fd, char *text, size_t size)
{
	struct sigaction old[array_size(ending)];
	struct sigaction catching = { .sa_handler = catch_signal };
	struct termios before, hidden;
	ssize_t n;

	caught = 0;
	if (tcgetattr(fd, &before))
		return -1;
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	for (size_t i = 0; i < array_size(ending); i++)
		sigaction(ending[i], &catching, &old[i]);
	n = tcsetattr(fd, TCSAFLUSH, &hidden) ? -1 :
		read_line(fd, text, size);
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	for (size_t i = 0; i < array_size(ending); i++)
		sigaction(ending[i], &old[i], NULL);
	if (caught)
		raise((int)caught);
	return n;
}

static int ask(struct session *s, const char *name, struct str *out,
	       struct err *e)
{
	cleanup_fd int fd = open(TERMINAL, O_RDWR | O_CLOEXEC | O_NOCTTY);
	const char *prompt = arena_printf(s->arena, "Password of %s: ",
					  str_show(s->arena, str_of(name),
						   SIZE_MAX));
	char *text = arena_alloc(s->secrets, PASSWORD_MAX);
	ssize_t n = -1;

	if (fd < 0)
		return err_set(e, ERR_USAGE, "%s wants a password, and there "
			       "is no terminal to ask for it at: give "
			       "--password-file", name);
	/* Who has stopped it and comes back is asked again. */
	do {
		if (write(fd, prompt, strlen(prompt)) < 0)
			return err_sys(e, "write to %s", TERMINAL);
		n = read_hidden(fd, text, PASSWORD_MAX);
	} while (n < 0 && caught == SIGTSTP);
	if (n < 0)
		return err_sys(e, "read the password of %s", name);
	*out = (struct str){ text, (size_t)n };
	return 0;
}

int password_read(struct session *s, const char *name, struct str *out,
		  struct err *e)
{
	const char *file = s->options->password_file;
	struct str text;

	if (!file)
		return ask(s, name, out, e);
	if (file_read_secret_path(file, PASSWORD_MAX, s->secrets, &text, e))
		return err_wrap(e, "password");
	/* Of a file that is not empty it is the first line. */
	if (!str_next(&text, '\n', out))
		*out = text;
	if (str_ends(*out, "\r"))
		out->size--;
	return 0;
}
