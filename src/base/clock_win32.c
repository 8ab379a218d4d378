#include "base/clock.h"

#include <windows.h>

/* Of 100 ns, as Windows counts. */
static const double UNITS = 1e7;

double clock_now(void)
{
  LARGE_INTEGER frequency, now;
  QueryPerformanceFrequency(&frequency);
  QueryPerformanceCounter(&now);
  return (double)now.QuadPart / (double)frequency.QuadPart;
}

/* The time with and without suspends. Windows 10 is the first that has the former as exact as the latter. */
double clock_suspended(void)
{
  enum { TRIES = 3 };
  typedef void WINAPI query(ULONGLONG *);
  HMODULE kernel = GetModuleHandleW(L"kernelbase.dll");
  query *query_all = kernel != NULL ? (query *)(void (*)(void))GetProcAddress(kernel, "QueryInterruptTime") : NULL;
  double least = 0;
  /* This thread may lose the processor between the two clocks: the smallest difference is the truest. */
  for (int i = 0; i < TRIES && query_all != NULL; i++) {
    ULONGLONG running, always;
    if (!QueryUnbiasedInterruptTime(&running))
      return 0;
    query_all(&always);
    double difference = ((double)always - (double)running) / UNITS;
    if (i == 0 || difference < least)
      least = difference;
  }
  return least;
}
