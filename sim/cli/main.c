#include "cli/cli.h"

int main(int argc, char **argv)
{
	int status = cli_main(argc, argv);

	/* A full disk behind a redirection must not look like success. */
	if (fflush(stdout) != 0 && status == 0) {
		perror("iommusim: error: cannot write the output");
		status = 2;
	}
	return status;
}
