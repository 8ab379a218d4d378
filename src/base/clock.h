/* Time that is never set back. Any thread. */
#ifndef STEPIMG_CLOCK_H
#define STEPIMG_CLOCK_H

/* Longer than anyone waits, and a moment that every clock type can hold. */
#define CLOCK_FOREVER 1e9

/* Seconds; its start says nothing. Whether it goes on while the machine is suspended is the system's choice. */
double clock_now(void);

/* Seconds for which the machine was suspended since it was started; 0 where the system does not tell. Exact to
   milliseconds: where it has grown by more, connections from before are dead. */
double clock_suspended(void);

#endif
