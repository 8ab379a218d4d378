#include "payload/number.h"

static const int64_t LARGEST = (int64_t)1 << 53;

bool number_whole(const char *text, size_t length, int64_t *number)
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
  *number = negative ? -value : value;
  return true;
}
