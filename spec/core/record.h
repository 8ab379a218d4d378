/* What the tests of the scanner share: a sink that writes down what it is told, and a feeder in pieces. */
#ifndef RECORD_H
#define RECORD_H

#include "check.h"

#include <ctype.h>

#include "payload/scanner.h"

enum { PLACES = 4, RECORD_MAX = 4096 };

enum path { PICTURE, URL, PATHS };

static const struct scanner_path paths[PATHS] = {
    [PICTURE] = {{"data", "[]", "b64_json"}, true},
    [URL] = {{"data", "[]", "url"}, false},
};

struct text {
  char bytes[RECORD_MAX];
  size_t length;
};

struct record {
  struct text envelope, pictures[PLACES], links[PLACES];
  int open; /* the event that began the payload that has not ended; -1: none */
  size_t open_at;
  size_t calls, refuse_at; /* says no at this call; 0: never */
};

static inline void add(struct text *text, const char *bytes, size_t length)
{
  assert_true(length < RECORD_MAX - text->length);
  if (length > 0)
    memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static inline struct text *text_of(struct record *record, unsigned path, size_t index)
{
  assert_true(path < PATHS && index < PLACES);
  return path == PICTURE ? &record->pictures[index] : &record->links[index];
}

static inline bool take(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes,
                        size_t length)
{
  struct record *record = context;
  record->calls++;
  assert_true(record->refuse_at == 0 || record->calls <= record->refuse_at);
  switch (event) {
  case SCANNER_ENVELOPE:
    assert_true(length > 0);
    add(&record->envelope, bytes, length);
    break;
  case SCANNER_TEXT_BEGIN:
    assert_int_equal(record->open, -1);
    assert_int_equal(length, 0);
    record->open = (int)path;
    record->open_at = index;
    add(text_of(record, path, index), "<", 1);
    break;
  case SCANNER_TEXT:
    assert_int_equal(record->open, path);
    assert_int_equal(record->open_at, index);
    add(text_of(record, path, index), bytes, length);
    break;
  case SCANNER_TEXT_END:
    assert_int_equal(record->open, path);
    assert_int_equal(record->open_at, index);
    assert_int_equal(length, 0);
    record->open = -1;
    add(text_of(record, path, index), ">", 1);
    break;
  default: /* a value that is no text */
    assert_int_equal(record->open, -1);
    break;
  }
  return record->refuse_at == 0 || record->calls < record->refuse_at;
}

/* Takes letters and digits, and leaves all else to `take`. */
static inline size_t take_some(void *context, const char *bytes, size_t length)
{
  struct record *record = context;
  size_t taken = 0;
  assert_true(length > 0);
  assert_true(record->refuse_at == 0 || record->calls < record->refuse_at);
  assert_int_equal(record->open, PICTURE);
  while (taken < length && isalnum((unsigned char)bytes[taken]))
    taken++;
  add(&record->pictures[record->open_at], bytes, taken);
  return taken;
}

/* Feeds a text in pieces: one of `first` bytes, then of `chunk`. False as soon as the scanner says so, and it must then
   never say anything else, nor call the sink again. */
static inline bool feed(struct scanner *scanner, struct record *record, const char *in, size_t length, size_t first,
                        size_t chunk, scanner_reader *reader, size_t refuse_at)
{
  memset(record, 0, sizeof *record);
  record->open = -1;
  record->refuse_at = refuse_at;
  scanner_init(scanner, paths, PATHS, take, reader, record);
  for (size_t at = 0, size = first; at < length; at += size, size = chunk) {
    if (size > length - at)
      size = length - at;
    char *piece = exact_copy(in + at, size);
    bool good = scanner_feed(scanner, piece, size);
    free(piece);
    if (!good) {
      size_t calls = record->calls;
      const char *flaw = scanner->flaw;
      uint64_t place = scanner->at;
      assert_false(scanner_feed(scanner, in, length));
      assert_false(scanner_feed(scanner, "\"}", 2));
      assert_false(scanner_feed(scanner, "", 0));
      assert_false(scanner_end(scanner));
      assert_int_equal(record->calls, calls);
      assert_ptr_equal(scanner->flaw, flaw);
      assert_int_equal(scanner->at, place);
      return false;
    }
    assert_true(scanner_feed(scanner, "", 0));
    assert_int_equal(scanner->at, at + size);
  }
  return true;
}

static inline bool same(const struct text *text, const char *expected)
{
  size_t length = expected != NULL ? strlen(expected) : 0;
  return text->length == length && (length == 0 || memcmp(text->bytes, expected, length) == 0);
}

#endif
