/*
 * The I/O thread: takes jobs from the client's inbox, keeps max_concurrent of them going, repeats what may be repeated,
 * and sleeps while there is nothing to do. It ends when its client stops, or when it had nothing to do for a minute; the
 * next job starts another one.
 */
#ifndef STEPIMG_WORKER_H
#define STEPIMG_WORKER_H

#include "client/shared.h"

/* Starts the I/O thread of a client that has none. The lock is held. Fails, in a way that may pass, with STEPIMG_NETWORK:
   the process has no thread or no descriptor left. */
enum stepimg_kind worker_start(stepimg_client *client, struct stepimg_error *error);

#endif
