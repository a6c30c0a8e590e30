#include "tests/support/child.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bug.h"

static void read_all(int fd, char *text, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1 && (got = read(fd, text + n, size - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
}

struct child_end child_run(void (*fn)(void *arg), void *arg)
{
	struct child_end end = { 0 };
	int fd[2], status;
	pid_t pid;

	fflush(NULL);
	BUG_ON(pipe(fd) != 0);
	pid = fork();
	BUG_ON(pid < 0);
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		fn(arg);
		_exit(0);
	}
	close(fd[1]);
	read_all(fd[0], end.text, sizeof(end.text));
	close(fd[0]);
	BUG_ON(waitpid(pid, &status, 0) != pid);
	end.exited = WIFEXITED(status);
	end.code = end.exited ? WEXITSTATUS(status) : -1;
	return end;
}
