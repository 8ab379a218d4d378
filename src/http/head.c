#include "http/head.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* The value of a header line that has that name, without the blanks around it; NULL: it has another. */
static const char *value_of(const char *line, size_t length, const char *name, size_t *value_length)
{
  size_t name_length = strlen(name);
  if (length <= name_length || line[name_length] != ':' || !text_starts_with(line, name))
    return NULL;
  const char *value = line + name_length + 1, *end = line + length;
  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  while (end > value && (unsigned char)end[-1] <= ' ')
    end--;
  *value_length = (size_t)(end - value);
  return value;
}

/* Copies it, as far as there is room. True if the line has that name. */
static bool match(const char *line, size_t length, const char *name, char *out, size_t size)
{
  size_t value_length;
  const char *value = value_of(line, length, name, &value_length);
  if (value != NULL)
    text_copy(out, size, value, value_length);
  return value != NULL;
}

/* The first Location counts. False: out of memory. */
static bool match_location(struct head *head, const char *line, size_t length)
{
  size_t size;
  const char *value = value_of(line, length, "location", &size);
  if (value == NULL || size == 0 || head->location != NULL || memchr(value, '\0', size) != NULL)
    return true;
  head->location = text_join(value, size, "");
  return head->location != NULL;
}

enum head_flaw head_read(struct head *head, const char *line, size_t length)
{
  char coding[16] = "", ray[2];
  if (length > HEAD_MAX - head->bytes)
    return HEAD_TOO_LARGE;
  if (length >= 5 && text_starts_with(line, "HTTP/")) { /* what came before it was interim */
    size_t bytes = head->bytes;
    head_clear(head);
    head->bytes = bytes;
  }
  head->bytes += length;
  if (length > 0 && (line[0] == '\r' || line[0] == '\n'))
    head->complete = true;
  match(line, length, "x-request-id", head->request_id, sizeof head->request_id);
  match(line, length, "content-type", head->content_type, sizeof head->content_type);
  if (match(line, length, "transfer-encoding", coding, sizeof coding) && text_starts_with(coding, "chunked"))
    head->chunked = true;
  if (match(line, length, "content-encoding", coding, sizeof coding) && coding[0] != '\0' &&
      text_distance(coding, "identity") != 0)
    head->coded = true;
  head->cloudflare = match(line, length, "cf-ray", ray, sizeof ray) || head->cloudflare;
  match(line, length, "retry-after", head->asked.wait, sizeof head->asked.wait);
  match(line, length, "retry-after-ms", head->asked.milliseconds, sizeof head->asked.milliseconds);
  match(line, length, "date", head->asked.date, sizeof head->asked.date);
  return match_location(head, line, length) ? HEAD_FINE : HEAD_NO_MEMORY;
}

void head_clear(struct head *head)
{
  free(head->location);
  memset(head, 0, sizeof *head);
}
