#include "payload/number.h"

#include <math.h>

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

enum number_part number_next(enum number_part part, char c)
{
  bool point = c == '.', e = c == 'e' || c == 'E';
  switch (part) {
  case NUMBER_NONE:
    return c == '-' ? NUMBER_MINUS : c == '0' ? NUMBER_ZERO : is_digit(c) ? NUMBER_INTEGER : NUMBER_NONE;
  case NUMBER_MINUS:
    return c == '0' ? NUMBER_ZERO : is_digit(c) ? NUMBER_INTEGER : NUMBER_NONE;
  case NUMBER_ZERO:
    return point ? NUMBER_POINT : e ? NUMBER_E : NUMBER_NONE;
  case NUMBER_INTEGER:
    return is_digit(c) ? NUMBER_INTEGER : point ? NUMBER_POINT : e ? NUMBER_E : NUMBER_NONE;
  case NUMBER_POINT:
    return is_digit(c) ? NUMBER_FRACTION : NUMBER_NONE;
  case NUMBER_FRACTION:
    return is_digit(c) ? NUMBER_FRACTION : e ? NUMBER_E : NUMBER_NONE;
  case NUMBER_E:
    return c == '+' || c == '-' ? NUMBER_SIGN : is_digit(c) ? NUMBER_EXPONENT : NUMBER_NONE;
  default:
    return is_digit(c) ? NUMBER_EXPONENT : NUMBER_NONE;
  }
}

bool number_is_whole(enum number_part part)
{
  return part == NUMBER_ZERO || part == NUMBER_INTEGER || part == NUMBER_FRACTION || part == NUMBER_EXPONENT;
}

static const int64_t LARGEST = (int64_t)1 << 53;

bool number_integer(const char *text, size_t length, int64_t *integer)
{
  enum { FAR = 1000 };
  int64_t value = 0;
  long exponent = 0, zeros = 0, power = 0; /* value * 10^exponent, with zeros behind it that are not in it yet */
  bool fraction = false, negative = length > 0 && text[0] == '-', down = false;
  size_t at = negative ? 1 : 0;
  for (; at < length && text[at] != 'e' && text[at] != 'E'; at++) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    exponent -= fraction;
    zeros++;
    if (text[at] == '0')
      continue;
    for (; zeros > 0; zeros--) {
      if (value > LARGEST)
        return false;
      value *= 10;
    }
    value += text[at] - '0';
  }
  for (at++; at < length; at++) {
    down = down || text[at] == '-';
    if (text[at] >= '0' && text[at] <= '9' && power < FAR)
      power = power * 10 + (text[at] - '0');
  }
  exponent += zeros + (down ? -power : power);
  if (value != 0 && (exponent > FAR || exponent < -FAR))
    return false;
  for (; value != 0 && exponent > 0 && value <= LARGEST; exponent--)
    value *= 10;
  for (; value != 0 && exponent < 0 && value % 10 == 0; exponent++)
    value /= 10;
  if (value > LARGEST || (value != 0 && exponent != 0))
    return false;
  *integer = negative ? -value : value;
  return true;
}

double number_real(const char *text, size_t length)
{
  enum { DIGITS = 17, FAR = 1000 };
  double value = 0;
  long exponent = 0, power = 0;
  int digits = 0;
  bool fraction = false, down = false;
  size_t at = length > 0 && text[0] == '-' ? 1 : 0;
  for (; at < length && text[at] != 'e' && text[at] != 'E'; at++) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    if (digits < DIGITS) {
      value = value * 10 + (text[at] - '0');
      digits += value > 0;
      exponent -= fraction;
    } else
      exponent += !fraction;
  }
  for (at++; at < length; at++) {
    down = down || text[at] == '-';
    if (text[at] >= '0' && text[at] <= '9' && power < FAR)
      power = power * 10 + (text[at] - '0');
  }
  exponent += down ? -power : power;
  if (value == 0) /* whatever its exponent: pow would be infinite */
    return value;
  value = exponent < 0 ? value / pow(10, (double)-exponent) : value * pow(10, (double)exponent);
  return text[0] == '-' ? -value : value;
}
