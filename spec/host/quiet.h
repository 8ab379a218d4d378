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

/* Waits for the end of all threads but this one. */
static inline bool is_quiet(void)
{
  return comes_to("/proc/self/task", 3);
}

#endif
