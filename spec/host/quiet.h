/* What the C hosts of the specs share: the end of threads that nobody waits for. */
#ifndef QUIET_H
#define QUIET_H

#include <dirent.h>
#include <stdbool.h>
#include <time.h>

/* Entries of a folder of /proc, its two dots included; -1: there is none. */
static inline int entries(const char *path)
{
  int count = 0;
  DIR *folder = opendir(path);
  if (folder == NULL)
    return -1;
  while (readdir(folder) != NULL)
    count++;
  closedir(folder);
  return count;
}

static inline void pause_for(double seconds)
{
  struct timespec time = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&time, NULL);
}

/* Waits until the folder has no more entries than that. False: it took too long. */
static inline bool comes_to(const char *path, int count)
{
  for (int i = 0; i < 2000 && entries(path) > count; i++)
    pause_for(0.01);
  return entries(path) <= count;
}

#if defined(__SANITIZE_THREAD__)
enum { THREADS_OF_TOOLS = 1 }; /* which it starts with the first of ours */
#else
enum { THREADS_OF_TOOLS = 0 };
#endif

/* Waits until there are no more threads than there were, before the first of ours. */
static inline bool threads_come_to(int before)
{
  return comes_to("/proc/self/task", before + THREADS_OF_TOOLS);
}

/* Waits for the end of all threads but this one. */
static inline bool is_quiet(void)
{
  return threads_come_to(3);
}

#endif
