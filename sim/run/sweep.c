#include "run/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "run/complain.h"
#include "run/folder.h"

#define STDERR_FILE "stderr.txt" /* removed when the point has ended */
#define TICK_MS     500

struct child {
	pid_t pid;
	size_t point;
};

struct state {
	const struct sweep *s;
	struct child *child; /* s->jobs */
	unsigned running;
	size_t next, done;
	int status;
	struct timespec started;
};

unsigned sweep_default_jobs(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > 0 ? (unsigned)n : 1;
}

static void show_progress(const struct state *st)
{
	struct timespec now;

	if (!st->s->progress)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(stderr, "\r%zu of %zu points done, %u running, %ld s ", st->done, st->s->plan->n,
		st->running, (long)(now.tv_sec - st->started.tv_sec));
}

static void clear_progress(const struct state *st)
{
	if (st->s->progress)
		fprintf(stderr, "\r%*s\r", 70, "");
}

/* ---- in the child ---- */

/* What it has to say goes to a file, so that the messages of points do not mix. */
static _Noreturn void run_child(const struct sweep *s, size_t i)
{
	char *dir = point_path(s->plan->points, i), *file = xasprintf("%s/%s", dir, STDERR_FILE);
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), rc;
	struct err err = { 0 };

	interrupt_child(s->interrupt);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
	rc = s->run(s->plan->conf[i], dir, &err);
	if (rc == RUN_REFUSED)
		complain(&err);
	fflush(NULL);
	_exit(rc);
}

/* ---- in the parent ---- */

static bool start_point(struct state *st, struct err *err)
{
	char *dir = point_path(st->s->plan->points, st->next);
	bool ok = folder_make(dir, err);
	pid_t pid = -1;

	free(dir);
	if (!ok)
		return false;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return err_set(err, "cannot start a process: %s", strerror(errno));
	if (pid == 0)
		run_child(st->s, st->next);
	st->child[st->running++] = (struct child){ pid, st->next++ };
	return true;
}

/* Pass on what the point said. */
static void relay_stderr(const struct state *st, size_t point)
{
	char *dir = point_path(st->s->plan->points, point), line[1024];
	char *file = xasprintf("%s/%s", dir, STDERR_FILE);
	FILE *in = fopen(file, "r");

	while (in && fgets(line, sizeof(line), in))
		fputs(line, stderr);
	if (in)
		fclose(in);
	unlink(file);
	free(file);
	free(dir);
}

static void point_failed(struct state *st, size_t point, int wstatus)
{
	char label[256];

	point_label(st->s->plan->points, point, label, sizeof(label));
	if (WIFSIGNALED(wstatus)) {
		fprintf(stderr, "iommusim: point %zu (%s) was killed by signal %d (%s)\n", point,
			label, WTERMSIG(wstatus), strsignal(WTERMSIG(wstatus)));
		st->status = EXIT_BUG;
	} else {
		fprintf(stderr, "iommusim: point %zu (%s) failed: no results are written\n", point,
			label);
		st->status = WEXITSTATUS(wstatus);
	}
}

static void point_ended(struct state *st, unsigned slot, int wstatus)
{
	size_t point = st->child[slot].point;

	st->child[slot] = st->child[--st->running];
	st->done++;
	clear_progress(st);
	relay_stderr(st, point);
	if (WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == RUN_OK)
		return;
	if (WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == RUN_BROKEN)
		st->status = RUN_BROKEN;
	else
		point_failed(st, point, wstatus);
}

static bool may_go_on(const struct state *st)
{
	return st->status == RUN_OK || st->status == RUN_BROKEN;
}

static void reap(struct state *st)
{
	unsigned slot = 0;

	while (slot < st->running && may_go_on(st)) {
		int wstatus;

		if (waitpid(st->child[slot].pid, &wstatus, WNOHANG) == st->child[slot].pid)
			point_ended(st, slot, wstatus);
		else
			slot++;
	}
}

static void stop_all(struct state *st)
{
	for (unsigned i = 0; i < st->running; i++)
		kill(st->child[i].pid, SIGKILL);
	for (unsigned i = 0; i < st->running; i++)
		waitpid(st->child[i].pid, NULL, 0);
	st->running = 0;
}

static void run_all(struct state *st)
{
	const size_t n = st->s->plan->n;
	struct err err;
	int sig;

	while (may_go_on(st) && (st->next < n || st->running > 0)) {
		while (st->next < n && st->running < st->s->jobs && may_go_on(st)) {
			if (!start_point(st, &err))
				st->status = complain(&err);
		}
		show_progress(st);
		sig = st->running ? interrupt_wait(TICK_MS) : 0;
		reap(st);
		if (sig)
			st->status = 128 + sig;
	}
	stop_all(st);
	clear_progress(st);
}

int sweep_run(const struct sweep *s)
{
	struct state st = { .s = s, .child = xcalloc(s->jobs, sizeof(*st.child)) };

	clock_gettime(CLOCK_MONOTONIC, &st.started);
	run_all(&st);
	free(st.child);
	return st.status;
}
