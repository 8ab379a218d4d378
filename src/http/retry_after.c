#include "http/retry_after.h"

#include <curl/curl.h>
#include <stdbool.h>

/* Longer is meant by nobody: it is a date of year 9999, the seconds since 1970, or a number that was not looked at. */
static const double LONGEST = 24 * 3600;

static const double NONE = -1;

static double meant(double seconds)
{
  return seconds > 0 && seconds <= LONGEST ? seconds : NONE;
}

static bool is_digit(char byte)
{
  return byte >= '0' && byte <= '9';
}

/* Digits, with a fraction or without, and nothing else. The C library's readers would take signs, exponents, hexadecimal
   and the locale's point, too. */
static double read_number(const char *text)
{
  double value = 0, place = 1;
  if (!is_digit(*text))
    return NONE;
  for (; is_digit(*text); text++)
    value = value * 10 + (*text - '0');
  if (*text == '.')
    for (text++; is_digit(*text); text++)
      value += (*text - '0') * (place /= 10);
  return *text == '\0' ? value : NONE;
}

static double read_date(const char *text, const char *date, time_t now)
{
  time_t then = curl_getdate(text, NULL), there = curl_getdate(date, NULL);
  return then < 0 ? NONE : difftime(then, there >= 0 ? there : now);
}

double retry_after(const struct retry_after *asked, time_t now)
{
  double seconds = meant(read_number(asked->milliseconds) / 1000);
  if (seconds < 0)
    seconds = meant(read_number(asked->wait));
  if (seconds < 0 && !is_digit(asked->wait[0]))
    seconds = meant(read_date(asked->wait, asked->date, now));
  return seconds;
}
