#include "payload/jpeg.h"

enum { START = 2, FILL = 0xff, END_OF_IMAGE = 0xd9, START_OF_SCAN = 0xda };

/* SOF0 to SOF15, except for DHT, JPG and DAC, which share the range. */
static bool is_frame(unsigned marker)
{
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static uint32_t big16(const unsigned char *bytes)
{
  return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* One more byte of a segment's head is there. */
static void look(struct jpeg *jpeg)
{
  const unsigned char *head = jpeg->head;
  switch (jpeg->held) {
  case 1:
    jpeg->done = head[0] != FILL;
    break;
  case 2:
    if (head[1] == FILL) { /* any number of them may stand before a marker */
      jpeg->next++;
      jpeg->held = 1;
    }
    jpeg->done = head[1] == END_OF_IMAGE || head[1] == START_OF_SCAN;
    break;
  case 4:
    if (is_frame(head[1]))
      break;
    jpeg->done = big16(head + 2) < 2;
    jpeg->next += 2 + big16(head + 2);
    jpeg->held = 0;
    break;
  case sizeof jpeg->head:
    jpeg->height = big16(head + 5);
    jpeg->width = big16(head + 7);
    jpeg->done = true;
    break;
  default:
    break;
  }
}

void jpeg_feed(struct jpeg *jpeg, const unsigned char *bytes, size_t length)
{
  size_t taken = 0;
  if (jpeg->next == 0)
    jpeg->next = START;
  while (!jpeg->done && taken < length) {
    if (jpeg->at < jpeg->next) {
      uint64_t away = jpeg->next - jpeg->at;
      size_t step = away < length - taken ? (size_t)away : length - taken;
      jpeg->at += step;
      taken += step;
      continue;
    }
    jpeg->head[jpeg->held++] = bytes[taken++];
    jpeg->at++;
    look(jpeg);
  }
}
