/* Format and dimensions: nothing is read beyond the end, and more bytes do not change what fewer have told. */
#include "sniff.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  enum stepimg_format known = STEPIMG_UNKNOWN;
  uint32_t known_width = 0, known_height = 0;
  size_t step = size < 256 ? 1 : size / 256;
  for (size_t length = 0; length <= size; length += step) {
    uint32_t width = 1, height = 1;
    unsigned char *bytes = exact_copy(data, length);
    enum stepimg_format format = sniff(bytes, length, &width, &height);
    free(bytes);
    CHECK(format != STEPIMG_UNKNOWN || (width == 0 && height == 0));
    CHECK((format == STEPIMG_UNKNOWN) == (stepimg_format_name(format) == NULL));
    CHECK(known == STEPIMG_UNKNOWN || format == known);
    CHECK((known_width == 0 && known_height == 0) || (width == known_width && height == known_height));
    known = format;
    known_width = width;
    known_height = height;
  }
  return 0;
}
