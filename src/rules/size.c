#include "rules/size.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "rules/flaw.h"
#include "rules/value.h"

bool size_transpose(char out[SIZE_MAX_NAME], const char *text, size_t length)
{
  const char *x = memchr(text, 'x', length);
  if (x == NULL || length > SIZE_MAX_NAME - 2)
    return false;
  snprintf(out, SIZE_MAX_NAME, "%.*sx%.*s", (int)(text + length - x - 1), x + 1, (int)(x - text), text);
  return true;
}

/* Reads up to five digits at *at, without a zero in front. */
static bool read_side(const char *text, size_t length, size_t *at)
{
  unsigned number = 0;
  size_t start = *at;
  while (*at < length && *at - start < 5 && text[*at] >= '0' && text[*at] <= '9')
    number = number * 10 + (unsigned)(text[(*at)++] - '0');
  return *at > start && text[start] != '0' && number <= 65535;
}

bool size_is_pair(const char *text, size_t length)
{
  size_t at = 0;
  return read_side(text, length, &at) && at < length && text[at++] == 'x' && read_side(text, length, &at) &&
         at == length;
}

void size_print(char out[SIZE_MAX_NAME], int64_t width, int64_t height)
{
  snprintf(out, SIZE_MAX_NAME, "%lldx%lld", (long long)height, (long long)width);
}

const struct stepimg_size *size_find(const struct stepimg_model *model, int64_t width, int64_t height)
{
  for (size_t i = 0; i < model->size_count; i++)
    if (model->sizes[i].width == width && model->sizes[i].height == height)
      return &model->sizes[i];
  return NULL;
}

const char *size_list(char out[SIZE_LIST_MAX], const struct stepimg_model *model)
{
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; i < model->size_count && used < SIZE_LIST_MAX; i++)
    used += (size_t)snprintf(out + used, SIZE_LIST_MAX - used, "%s%d x %d", i > 0 ? ", " : "", model->sizes[i].width,
                             model->sizes[i].height);
  return out;
}

/* A decimal number without sign or exponent, at most nine digits on each side of a point: strtod would read the locale's.
   Negative: there is none at *at. */
static double read_decimal(const char *text, size_t length, size_t *at)
{
  enum { DIGITS = 9 };
  double number = 0, unit = 1;
  size_t start = *at;
  for (; *at < length && text[*at] >= '0' && text[*at] <= '9'; ++*at)
    number = number * 10 + (text[*at] - '0');
  if (*at == start || *at - start > DIGITS)
    return -1;
  if (*at == length || text[*at] != '.')
    return number;
  for (start = ++*at; *at < length && text[*at] >= '0' && text[*at] <= '9'; ++*at) {
    number = number * 10 + (text[*at] - '0');
    unit *= 10;
  }
  return *at == start || *at - start > DIGITS ? -1 : number / unit;
}

/* Width / height of "16:9"; 0: the text is none. */
static double read_ratio(const char *text, size_t length)
{
  size_t at = 0;
  double width = read_decimal(text, length, &at);
  if (width <= 0 || at == length || text[at++] != ':')
    return 0;
  double height = read_decimal(text, length, &at);
  return height > 0 && at == length ? width / height : 0;
}

bool size_ratio(const struct stepimg_rule *rule, const struct stepimg_value *value, double *ratio,
                struct stepimg_flaw *flaw)
{
  char shown[TEXT_QUOTE_MAX];
  *ratio = 0;
  if (value_number(value, ratio))
    return value_check_range(rule, *ratio, text_number(shown, *ratio, 0), flaw);
  if (!value_check_text(rule, value, flaw))
    return false;
  const char *text = value->as.string.data;
  size_t length = value->as.string.length;
  *ratio = read_ratio(text, length);
  text_quote(shown, text, length);
  if (*ratio <= 0)
    return flaw_set(flaw, rule, STEPIMG_REASON_CHOICE,
                    "%s is no aspect; give width:height, as in \"16:9\", or width / height as a number", shown);
  return value_check_range(rule, *ratio, shown, flaw);
}

const struct stepimg_size *size_nearest(const struct stepimg_model *model, double ratio, double *off)
{
  const double same = 1e-9; /* what rounding may add */
  const struct stepimg_size *best = NULL;
  double least = INFINITY;
  for (size_t i = 0; i < model->size_count; i++) {
    const struct stepimg_size *size = &model->sizes[i];
    double distance = fabs(log((double)size->width / size->height) - log(ratio));
    bool larger = best != NULL && (int64_t)size->width * size->height > (int64_t)best->width * best->height;
    if (distance < least - same || (larger && distance < least + same)) {
      best = size;
      least = distance;
    }
  }
  *off = best != NULL ? exp(least) - 1 : 0;
  return best;
}
