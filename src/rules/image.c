#include "rules/image.h"

#include <string.h>

#include "rules/flaw.h"
#include "rules/value.h"

enum { NAME_MAX_LENGTH = 4096 /* no path is longer */ };

/* part is ASCII in lower case. */
static bool has_at(const char *bytes, size_t length, size_t at, const char *part)
{
  size_t size = strlen(part);
  if (at > length || length - at < size)
    return false;
  for (size_t i = 0; i < size; i++) {
    char c = bytes[at + i];
    if ((c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c) != part[i])
      return false;
  }
  return true;
}

static bool ends_like_a_file(const char *bytes, size_t length)
{
  static const char *const endings[] = {".png", ".jpg",  ".jpeg", ".jfif", ".webp", ".gif",
                                        ".bmp", ".tiff", ".tif",  ".avif", ".heic", ".svg"};
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    size_t size = strlen(endings[i]);
    if (length > size && has_at(bytes, length, length - size, endings[i]))
      return true;
  }
  return false;
}

/* What to do with a text that leads to a picture; else what was to be said. */
static const char *mistaken(const char *bytes, size_t length, const char *advice)
{
  if (has_at(bytes, length, 0, "https://") || has_at(bytes, length, 0, "http://"))
    return "the picture's bytes are expected, not its link; fetch it first";
  if (has_at(bytes, length, 0, "data:") || has_at(bytes, length, 0, "ivborw0kggo") || has_at(bytes, length, 0, "/9j/"))
    return "the picture's bytes are expected, not base64; decode it first";
  if (length <= NAME_MAX_LENGTH && memchr(bytes, '\0', length) == NULL && ends_like_a_file(bytes, length))
    return "the picture's bytes are expected, not a path; read the file first";
  return advice;
}

static bool no_picture(const struct stepimg_rule *rule, const char *bytes, size_t length, struct stepimg_flaw *flaw)
{
  const char *advice = "this is no PNG, JPEG, WebP or GIF; give the bytes of one";
  if (bytes != NULL) /* else nobody has read it, but its format is known */
    advice = length == 0 ? "it is empty; give the bytes of a PNG, JPEG, WebP or GIF" : mistaken(bytes, length, advice);
  return flaw_set(flaw, rule, STEPIMG_REASON_IMAGE, "%s", advice);
}

static bool is_editable(enum stepimg_format format)
{
  return format == STEPIMG_PNG || format == STEPIMG_JPEG || format == STEPIMG_WEBP || format == STEPIMG_GIF;
}

bool image_check(const struct stepimg_rule *rule, const struct stepimg_value *value, struct stepimg_flaw *flaw)
{
  if (value->type != STEPIMG_IMAGE)
    return value_wrong_type(rule, value, flaw);
  uint32_t width = value->as.image.width, height = value->as.image.height;
  bool unread = value->as.image.bytes == NULL && value->as.image.format == STEPIMG_UNKNOWN;
  if (!unread && !is_editable(value->as.image.format))
    return no_picture(rule, value->as.image.bytes, value->as.image.length, flaw);
  if (rule->max > 0 && (width > rule->max || height > rule->max))
    return flaw_set(flaw, rule, STEPIMG_REASON_IMAGE,
                    "the picture is %lu x %lu pixels; at most %.0f x %.0f are allowed, so make it smaller",
                    (unsigned long)width, (unsigned long)height, rule->max, rule->max);
  return true;
}
