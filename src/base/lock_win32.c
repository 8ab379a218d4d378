#include "base/lock.h"

#include <windows.h>

#include "base/clock.h"

_Static_assert(sizeof(SRWLOCK) == sizeof(void *) && sizeof(CONDITION_VARIABLE) == sizeof(void *), "struct lock");

static SRWLOCK *mutex_of(struct lock *lock)
{
  return (SRWLOCK *)&lock->mutex;
}

static CONDITION_VARIABLE *changed_of(struct lock *lock)
{
  return (CONDITION_VARIABLE *)&lock->changed;
}

bool lock_init(struct lock *lock)
{
  InitializeSRWLock(mutex_of(lock));
  InitializeConditionVariable(changed_of(lock));
  return true;
}

void lock_destroy(struct lock *lock)
{
  (void)lock;
}

void lock_acquire(struct lock *lock)
{
  AcquireSRWLockExclusive(mutex_of(lock));
}

void lock_release(struct lock *lock)
{
  ReleaseSRWLockExclusive(mutex_of(lock));
}

void lock_wait(struct lock *lock, double until)
{
  double left = (until - clock_now()) * 1000;
  DWORD wait = left <= 0 ? 0 : left >= 1e9 ? INFINITE : (DWORD)left + 1;
  SleepConditionVariableSRW(changed_of(lock), mutex_of(lock), wait, 0);
}

void lock_wake(struct lock *lock)
{
  WakeAllConditionVariable(changed_of(lock));
}
