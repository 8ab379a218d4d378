#include "payload/facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "payload/number.h"
#include "payload/scanner.h"

enum path { TYPE, BALANCE, CASH, VOUCHER, DATA, MODEL };

static const struct scanner_path paths[] = {
    [TYPE] = {{"type"}, false},
    [BALANCE] = {{"balance"}, false},
    [CASH] = {{"total_cash_balance"}, false},
    [VOUCHER] = {{"total_voucher_balance"}, false},
    [DATA] = {{"data"}, false},
    [MODEL] = {{"data", "[]", "id"}, false},
};

struct reader {
  struct facts *facts;
  const char *key;
  bool is_list; /* data is one */
  bool no_memory;
  char text[FACTS_MAX_TEXT + 256]; /* with room in which the key may end that is to be hidden */
  size_t length;
};

/* The text that is complete, fit to be shown; the caller's to free. NULL: no memory. */
static char *take_text(struct reader *reader)
{
  for (size_t i = 0; i < reader->length; i++)
    if (reader->text[i] == '\0')
      reader->text[i] = '\1';
  secret_hide(reader->text, reader->length, reader->key);
  size_t length = text_cut(reader->text, reader->length, FACTS_MAX_TEXT);
  char *copy = text_join(reader->text, length, "");
  if (copy != NULL)
    text_clean(copy, length);
  else
    reader->no_memory = true;
  return copy;
}

static void add_model(struct reader *reader)
{
  struct facts *facts = reader->facts;
  if (reader->length == 0 || facts->model_count >= FACTS_MAX_MODELS)
    return;
  char *name = take_text(reader);
  char **models = name != NULL ? realloc(facts->models, (facts->model_count + 1) * sizeof *models) : NULL;
  if (models == NULL) {
    free(name);
    reader->no_memory = true;
    return;
  }
  facts->models = models;
  models[facts->model_count++] = name;
}

static void take_number(struct reader *reader, enum path path, const char *bytes, size_t length)
{
  struct stepimg_account *account = reader->facts->account;
  double *place = path == BALANCE ? &account->balance
                  : path == CASH  ? &account->total_cash_balance
                                  : &account->total_voucher_balance;
  if (length > 0 && (path == BALANCE || path == CASH || path == VOUCHER))
    *place = number_real(bytes, length);
}

static bool take_value(void *context, enum scanner_event event, unsigned path, size_t index, const char *bytes,
                       size_t length)
{
  struct reader *reader = context;
  struct stepimg_account *account = reader->facts->account;
  size_t room = sizeof reader->text - reader->length;
  (void)index;
  switch (event) {
  case SCANNER_LIST:
    reader->is_list = reader->is_list || path == DATA;
    break;
  case SCANNER_TEXT_BEGIN:
    reader->length = 0;
    break;
  case SCANNER_TEXT:
    memcpy(reader->text + reader->length, bytes, length < room ? length : room);
    reader->length += length < room ? length : room;
    break;
  case SCANNER_TEXT_END:
    if (path == MODEL)
      add_model(reader);
    else if (path == TYPE && account->type == NULL)
      account->type = take_text(reader);
    break;
  case SCANNER_NUMBER:
    take_number(reader, (enum path)path, bytes, length);
    break;
  default:
    break;
  }
  return !reader->no_memory;
}

bool facts_is_object(const struct buffer *body)
{
  size_t at = text_mark_length((const char *)body->bytes, body->length); /* as the scanner has it */
  while (at < body->length && (body->bytes[at] == ' ' || (body->bytes[at] >= '\t' && body->bytes[at] <= '\r')))
    at++;
  return at < body->length && body->bytes[at] == '{';
}

static const char *scan(struct reader *reader, bool account, const struct buffer *body)
{
  struct scanner scanner;
  scanner_init(&scanner, paths, sizeof paths / sizeof *paths, take_value, NULL, reader);
  if (!scanner_feed(&scanner, (const char *)body->bytes, body->length) || !scanner_end(&scanner))
    return "the answer is not the JSON it should be";
  if (account && isnan(reader->facts->account->balance))
    return "the answer is no account: it has no balance";
  return account || reader->is_list ? NULL : "the answer is no list of models";
}

enum stepimg_kind facts_read(struct facts *facts, bool account, const struct buffer *body, const char *key,
                             const char **why)
{
  struct reader reader = {.facts = facts, .key = key};
  facts_free(facts);
  facts->account = malloc(sizeof *facts->account);
  if (facts->account != NULL) {
    *facts->account = (struct stepimg_account){NULL, NAN, NAN, NAN};
    *why = scan(&reader, account, body);
  }
  if (facts->account == NULL || reader.no_memory) {
    *why = "not enough memory for the answer";
    return STEPIMG_NOMEM;
  }
  if (!account) {
    free((char *)facts->account->type);
    free(facts->account);
    facts->account = NULL;
  }
  return *why == NULL ? STEPIMG_OK : STEPIMG_PROTOCOL;
}

void facts_free(struct facts *facts)
{
  if (facts->account != NULL)
    free((char *)facts->account->type);
  free(facts->account);
  for (size_t i = 0; i < facts->model_count; i++)
    free(facts->models[i]);
  free(facts->models);
  memset(facts, 0, sizeof *facts);
}

void facts_give(struct facts *facts, struct stepimg_outcome *outcome)
{
  outcome->account = facts->account;
  outcome->models = (const char *const *)facts->models;
  outcome->model_count = facts->model_count;
  memset(facts, 0, sizeof *facts);
}

void facts_take_back(struct stepimg_outcome *outcome)
{
  struct facts facts = {(struct stepimg_account *)outcome->account, (char **)outcome->models, outcome->model_count};
  facts_free(&facts);
  outcome->account = NULL;
  outcome->models = NULL;
  outcome->model_count = 0;
}
