/*
 * A streaming scanner of JSON (RFC 8259). It judges every byte of a text that arrives in pieces, and reports the values
 * at the paths it was asked for. It keeps no text: its memory is this struct, whatever the answer's size.
 *
 * It is strict, except for what loses a paid picture to nobody's profit: a byte order mark before the text, half of a
 * surrogate pair in a string (reported as U+FFFD), control characters in a string other than NUL, and bytes that are no
 * UTF-8 in a string (reported as they are).
 */
#ifndef STEPIMG_SCANNER_H
#define STEPIMG_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "payload/escape.h"
#include "payload/number.h"

enum {
  SCANNER_MAX_STEPS = 5,    /* the longest path */
  SCANNER_MAX_PATHS = 64,   /* paths at most */
  SCANNER_MAX_DEPTH = 1000, /* brackets open at once, at most */
  SCANNER_MAX_KEY = 32,     /* longer than every key that a path may name */
  SCANNER_MAX_NUMBER = 64   /* characters of a number that are reported */
};

/* Where a value stands: keys from the outermost object inwards, "[]" for each entry of a list, "*" for each entry of a
   list or an object; no step at all for the outermost value itself. Static data. */
struct scanner_path {
  const char *steps[SCANNER_MAX_STEPS]; /* NULL behind the last, where there are fewer */
  bool payload; /* its text may be megabytes: it goes to the reader and is no part of the envelope */
};

enum scanner_event {
  SCANNER_OBJECT, /* the value is an object, as are the next six: no bytes. What is in it has paths of its own */
  SCANNER_LIST,
  SCANNER_TRUE,
  SCANNER_FALSE,
  SCANNER_NULL,
  SCANNER_TEXT_BEGIN,
  SCANNER_TEXT_END,
  SCANNER_TEXT,    /* the next piece of its text, unescaped */
  SCANNER_NUMBER,  /* the number as it was written; no bytes: it is longer than SCANNER_MAX_NUMBER */
  SCANNER_ENVELOPE /* bytes of the document as they came, except for payloads' texts; path and index say nothing */
};

/* Takes a value at a path; where several fit, at the first of them. index is the entry's place in the outermost list
   around the value, from 0. The bytes are the scanner's. False stops it for good. */
typedef bool scanner_sink(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes,
                          size_t length);

/* Takes what it knows to be a payload's text from the front of bytes, which may go on beyond that text's end, and
   returns how many it took: no quote and no backslash. What it leaves comes as SCANNER_TEXT. So whoever looks at each
   byte anyway spares the scanner a search for the end. */
typedef size_t scanner_reader(void *context, const char *bytes, size_t length);

struct scanner {
  const struct scanner_path *paths;
  unsigned path_count;
  scanner_sink *sink;
  scanner_reader *reader; /* NULL: none */
  void *context;
  uint64_t at;                                      /* bytes judged: where the flaw is */
  const char *flaw;                                 /* NULL: none so far */
  bool stopped;                                     /* by the sink, or by a flaw */
  int state, string;                                /* what is expected next, and what the current string is */
  unsigned depth;                                   /* open brackets */
  unsigned char objects[SCANNER_MAX_DEPTH / 8 + 1]; /* a bit for each: whether it is an object's */
  uint64_t fits[SCANNER_MAX_STEPS + 1];             /* by depth: the paths that lead into that bracket */
  uint64_t here;                                    /* the paths that lead to the value that comes next */
  unsigned lists;                                   /* depth of the outermost list; 0: in none */
  size_t index;                                     /* place in it */
  unsigned path;                                    /* of the current string */
  const char *word;                                 /* what is left of true, false or null */
  enum scanner_event word_event;                    /* which of them it is */
  enum number_part number;                          /* how far a number came */
  char token[SCANNER_MAX_NUMBER];                   /* a key or a number */
  size_t token_length;                              /* beyond the buffer: it did not fit */
  struct escape escape;                             /* of the current string */
};

void scanner_init(struct scanner *scanner, const struct scanner_path *paths, unsigned count, scanner_sink *sink,
                  scanner_reader *reader, void *context);

/* Feeds the next piece, of any length. False when the sink said no or the text is no JSON; again false then on. */
bool scanner_feed(struct scanner *scanner, const char *bytes, size_t length);
/* The text has ended. False: it is not whole, or was flawed before. */
bool scanner_end(struct scanner *scanner);
/* Whether what came is whole by an end of its own, as all but a number is, so that only white space may follow. */
bool scanner_is_whole(const struct scanner *scanner);

/* Whether the current string is a payload's: a flaw found in it is that payload's. */
bool scanner_in_payload(const struct scanner *scanner);

#endif
