/*
 * Envelope splitter: a streaming scanner over the service's answer. String values at data[*].b64_json go to the
 * payload callback, unescaped; data[*].url is copied to it as well and stays in the envelope; all else is handed to the
 * envelope callback untouched, with "" in a payload's place. It does not judge whether the answer is JSON: whoever
 * reads the envelope does.
 *
 * It keeps no text: its memory is this struct, whatever the answer's size.
 */
#ifndef STEPIMG_SPLITTER_H
#define STEPIMG_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>

enum splitter_event {
  SPLITTER_ENVELOPE,      /* bytes of the envelope */
  SPLITTER_PICTURE_BEGIN, /* no bytes: a string at data[index].b64_json starts */
  SPLITTER_PICTURE,       /* its text, unescaped, in pieces */
  SPLITTER_PICTURE_END,   /* no bytes */
  SPLITTER_URL_BEGIN,     /* the same three for data[index].url */
  SPLITTER_URL,
  SPLITTER_URL_END
};

/* Takes the bytes, which are the splitter's. False stops the splitter for good. */
typedef bool splitter_sink(void *context, enum splitter_event event, size_t index, const char *bytes, size_t length);

/* Takes what it knows to be a picture's text from the front of bytes, which may go on beyond that text's end, and returns
   how many it took: no quote and no backslash. What it leaves of the text comes as SPLITTER_PICTURE. So whoever looks at
   each byte anyway spares the splitter a search for the end. */
typedef size_t splitter_reader(void *context, const char *bytes, size_t length);

enum { SPLITTER_KEY_MAX = 16 }; /* longer than every key that matters */

struct splitter {
  splitter_sink *sink;
  splitter_reader *reader; /* NULL: none */
  void *context;
  int state;
  int string;       /* what the current string is: a key, a picture, a link, or any other */
  unsigned depth;   /* open brackets */
  unsigned matched; /* how many of the outer brackets lie on the path {"data":[{ */
  size_t index;     /* place in data, from 0 */
  bool expect_key;  /* the next string of this object is a key */
  bool whole;       /* the outermost bracket was closed, and nothing but blanks came since */
  bool broken;      /* a sink said no, or an escape in a payload was no escape */
  char key[SPLITTER_KEY_MAX];
  size_t key_length; /* SPLITTER_KEY_MAX: longer than the buffer */
  char escape[4];    /* the digits of \uXXXX read so far */
  unsigned escape_length;
};

void splitter_init(struct splitter *splitter, splitter_sink *sink, splitter_reader *reader, void *context);

/* Feeds the next piece, of any length. False when a sink said no or a payload's text is broken; again false then on. */
bool splitter_feed(struct splitter *splitter, const char *bytes, size_t length);

#endif
