/*
 * measure COMMAND…: runs a command and, when it has ended well, prints what it cost in one line: seconds of CPU in all its
 * threads, seconds by the clock, and the most memory it held, in KiB. All contenders are measured by this one program.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int count, char **words)
{
  struct rusage usage;
  int status;
  double start = now();
  if (count < 2)
    return 2;
  pid_t child = fork();
  if (child == 0) {
    execvp(words[1], words + 1);
    perror(words[1]);
    _exit(127);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
      getrusage(RUSAGE_CHILDREN, &usage) != 0)
    return 1;
  printf("%.6f %.6f %ld\n", seconds(usage.ru_utime) + seconds(usage.ru_stime), now() - start, usage.ru_maxrss);
  return 0;
}
