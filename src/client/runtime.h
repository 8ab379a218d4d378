/*
 * libcurl's start-up and the process's end: the only state that is global. exit() runs OpenSSL's clean-up, and a
 * transfer that is still under way then crashes; so the threads that are alive are known here and ended first.
 */
#ifndef STEPIMG_RUNTIME_H
#define STEPIMG_RUNTIME_H

#include <stdbool.h>

struct stepimg_client;

/* A client whose thread is alive. Embedded in it; zeroed at first. */
struct runtime_entry {
  struct stepimg_client *client;
  struct runtime_entry *next, **back; /* back: NULL while not listed */
};

/* Starts libcurl, once in a process. Any thread. False: it cannot be started. */
bool runtime_start(void);
void runtime_add(struct runtime_entry *entry);
/* True: it was listed, and it is now the caller who joins the thread or detaches it. */
bool runtime_remove(struct runtime_entry *entry);

#endif
