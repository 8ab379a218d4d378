/*
 * stepimg: pictures from StepFun's image generation service, without ever holding the caller's thread.
 *
 * This header is the whole public face of the core, for C and C++. The core knows no Lua: the caller hands it a request
 * body and gets back what the answer says, as plain values, with its pictures decoded. In short, for one picture:
 *
 *   stepimg_options_init, stepimg_options_from_environment (the key), stepimg_client_new
 *   stepimg_check (what is wrong with the parameters), stepimg_body (the JSON), stepimg_submit
 *   stepimg_job_wait, or in a loop of one's own stepimg_queue_first and stepimg_job_fetch
 *   stepimg_job_outcome, stepimg_payload_bytes, stepimg_job_free, stepimg_client_free
 *
 * examples/c/picture.c is a whole program.
 *
 * Threads. A client and its jobs belong to the thread that made the client (the host's thread); every function here is
 * called there, but for those that say "Any thread", stepimg_check, stepimg_is_sent, stepimg_validate and the look-ups
 * that take no client. Each client has one I/O thread of its own, which starts with the first job, ends when it had
 * nothing to do for a minute, and ends with the client; nobody waits for that but the process's end. In a child that fork
 * has made, a client of its parent's is of no use: what is asked of it fails or does nothing, and its jobs count as
 * cancelled. Different clients may live in different threads at the same time.
 *
 * Errors. A function that can fail returns an enum stepimg_kind, STEPIMG_OK (0) on success, and fills the struct
 * stepimg_error it was given. Out-parameters are cleared first. STEPIMG_NOMEM is the one kind that is not among those
 * users are promised: the binding raises it.
 *
 * Units. Times are seconds (double), sizes are bytes, texts are UTF-8.
 */
#ifndef STEPIMG_H
#define STEPIMG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEPIMG_VERSION "0.1.0"

#if defined(__GNUC__)
#define STEPIMG_API __attribute__((visibility("default")))
#else
#define STEPIMG_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that runs, which may be newer than this header: one of the same soname has the same types and
   functions. Static. Any thread. */
STEPIMG_API const char *stepimg_version(void);

/* ------------------------------------------------------------------------------------------------------- errors -- */

enum stepimg_kind {
  STEPIMG_OK = 0,
  STEPIMG_INVALID,    /* a parameter breaks a rule; nothing was sent */
  STEPIMG_AUTH,       /* no key, 401, or a 403 of the service */
  STEPIMG_BILLING,    /* 402, or a 429 that says that the balance is used up */
  STEPIMG_MODERATION, /* 451 */
  STEPIMG_RATE_LIMIT, /* 429 */
  STEPIMG_SERVER,     /* 5xx */
  STEPIMG_REQUEST,    /* any other 4xx */
  STEPIMG_NETWORK,    /* no connection, TLS refused, connection lost, body cut short */
  STEPIMG_TIMEOUT,    /* too slow */
  STEPIMG_PROTOCOL,   /* an answer that is not what the service promises */
  STEPIMG_CANCELLED,  /* cancelled, or the client was closed */
  STEPIMG_BUDGET,     /* the client's budget is used up; nothing was sent */
  STEPIMG_IO,         /* the picture could not be written to disk */
  STEPIMG_NOMEM       /* malloc failed */
};

/* Why a value is refused. */
enum stepimg_reason {
  STEPIMG_REASON_NONE,
  STEPIMG_REASON_MISSING, /* it is required */
  STEPIMG_REASON_UNKNOWN, /* there is no parameter of this name */
  STEPIMG_REASON_TYPE,    /* a string for a number, 8.5 for an integer */
  STEPIMG_REASON_RANGE,   /* below min or above max */
  STEPIMG_REASON_CHOICE,  /* none of the values that are offered */
  STEPIMG_REASON_LENGTH,  /* empty, or more than max characters */
  STEPIMG_REASON_TEXT,    /* not UTF-8, or with a NUL byte in it */
  STEPIMG_REASON_PAIR,    /* it contradicts another parameter, or lacks the one that goes with it */
  STEPIMG_REASON_IMAGE    /* no picture that can be edited, or too large a one */
};

/* "missing", "unknown" … as users see them; "" for STEPIMG_REASON_NONE. Static. */
STEPIMG_API const char *stepimg_reason_name(enum stepimg_reason reason);

/* Needs no release. Texts are cut at a character's end when they are too long for their place. */
struct stepimg_error {
  enum stepimg_kind kind;
  enum stepimg_reason reason; /* why, with STEPIMG_INVALID, where a rule is broken */
  int status;                 /* HTTP status; 0: no answer arrived */
  int attempts;               /* requests that were begun for this job */
  bool maybe_billed;          /* the service may have made and billed a picture that the caller does not get */
  bool wrong_type;            /* with STEPIMG_INVALID: the value has the wrong type, or the name is unknown */
  double retry_after;         /* seconds the server asked to wait; negative: it did not say */
  char field[64];             /* the parameter or option at fault; "": none */
  char request_id[128];       /* X-Request-Id of the service's last answer, if that came; of a success too. "": none */
  char type[64], code[64];    /* the server's own words for it; "": it has none */
  char message[1024];         /* a sentence for the person who reads it; with a field, starts with its name */
  unsigned words_at;          /* where in message "; the service says: …" begins; 0: the server said nothing */
};

/* "invalid", "auth" … as users see them; static. */
STEPIMG_API const char *stepimg_kind_name(enum stepimg_kind kind);

/* -------------------------------------------------------------------------------------------- values and rules -- */

enum stepimg_format { STEPIMG_UNKNOWN, STEPIMG_PNG, STEPIMG_JPEG, STEPIMG_WEBP, STEPIMG_GIF, STEPIMG_AVIF };

/* "png", "jpeg" …; NULL for STEPIMG_UNKNOWN. */
STEPIMG_API const char *stepimg_format_name(enum stepimg_format format);

/* STEPIMG_ASPECT is a rule's type alone: its values are strings and numbers. */
enum stepimg_type {
  STEPIMG_OTHER,
  STEPIMG_STRING,
  STEPIMG_INTEGER,
  STEPIMG_NUMBER,
  STEPIMG_BOOLEAN,
  STEPIMG_IMAGE,
  STEPIMG_ASPECT
};

/* "string", "integer" … as users see them; "any" for STEPIMG_OTHER. Static. */
STEPIMG_API const char *stepimg_type_name(enum stepimg_type type);

/* A value as the caller gave it; borrowed for the call. A host with one number type passes STEPIMG_NUMBER: an integral
   number serves as an integer. */
struct stepimg_value {
  enum stepimg_type type;
  union {
    struct {
      const char *data; /* length bytes and a NUL behind them */
      size_t length;
    } string;
    int64_t integer;
    double number;
    bool boolean;
    struct {
      const char *bytes; /* NULL: it lies in a file that nobody has read yet */
      size_t length;
      enum stepimg_format format; /* as the bytes tell; STEPIMG_UNKNOWN: no picture, or not known without the bytes */
      uint32_t width, height;     /* pixels; 0: not known */
    } image;
    const char *type_name; /* STEPIMG_OTHER: what the host calls it, "table" */
  } as;
};

/* The values of a text, which is borrowed, and of numbers. Any thread. */
STEPIMG_API struct stepimg_value stepimg_string_value(const char *text);
STEPIMG_API struct stepimg_value stepimg_integer_value(int64_t integer);
STEPIMG_API struct stepimg_value stepimg_number_value(double number);
STEPIMG_API struct stepimg_value stepimg_boolean_value(bool boolean);
/* The value of a picture given by its bytes, which it borrows: their format and size are read from them. Never reads
   beyond length. Any thread. */
STEPIMG_API struct stepimg_value stepimg_image_value(const char *bytes, size_t length);

struct stepimg_param {
  const char *name; /* NUL-terminated */
  struct stepimg_value value;
};

/* One row of the catalogue: what is true of one parameter of one model. Static data. */
struct stepimg_rule {
  const char *name;
  enum stepimg_type type;
  const char *description; /* a sentence for a form or a manual */
  bool required;
  bool own;   /* stepimg's own: the service never sees this name */
  bool shape; /* one of several ways to say how large the picture is to be. They exclude each other, except width and
                 height, which go together. Where a picture is edited they have no effect and are not sent. */
  bool has_default;
  /* Integers, numbers and aspects (width / height): both inclusive. Strings: max characters, 0 for no bound. Images: max
     pixels on each side, 0 for no bound. */
  double min, max;
  const char *const *choices;  /* strings: the allowed values, NULL-terminated; NULL: any */
  const char *const *examples; /* aspects: what a form may offer, NULL-terminated; NULL: nothing */
  const char *meaning;         /* with choices: what such a value says, for error texts; NULL: its name says it */
  struct stepimg_value server_default; /* what the service takes when the parameter is not sent */
  const char *sent_default;            /* what stepimg sends when the caller gave nothing; NULL: nothing */
};

/* A size that a model offers: how its parameter size spells it, and what that means. */
struct stepimg_size {
  const char *name;
  int width, height; /* pixels */
};

struct stepimg_model {
  const char *name;
  const struct stepimg_rule *rules; /* in the order in which a form shows them */
  size_t rule_count;
  /* The choices of its parameter size, in the same order; none: any size may be asked. */
  const struct stepimg_size *sizes;
  size_t size_count;
};

/* The models this version knows, the default one first. Source: the reference pages of POST /images/generations and
   POST /images/edits. */
STEPIMG_API const struct stepimg_model *stepimg_models(size_t *count);

struct stepimg_flaw {
  char field[64]; /* the parameter; "": its name is no text */
  enum stepimg_reason reason;
  char message[512]; /* a sentence that starts with the field and says what to do */
  /* The row that is broken, static; where width and height are not offered, that of size. NULL: none is. */
  const struct stepimg_rule *rule;
};

enum { STEPIMG_MAX_FLAWS = 32, STEPIMG_MAX_WARNINGS = 8 };

/* The model's first, as the other rules are its own; then unknown names, by the alphabet; then those of the form in its
   order; one a parameter. What has no room is left out: at most half are unknown names. */
struct stepimg_flaws {
  size_t count;
  struct stepimg_flaw all[STEPIMG_MAX_FLAWS];
};

/* What is valid, but not what it seems. */
struct stepimg_warning {
  char field[32]; /* the parameter it is about */
  char message[224];
};

/* What a checked set of parameters means. Borrows from the parameters it was made of. */
struct stepimg_checked {
  const struct stepimg_model *rules; /* whose rows they were checked by */
  const char *model;                 /* as it goes on the wire; NUL-terminated */
  const char *response_format;       /* likewise; NULL: not sent */
  char size[32]; /* "HEIGHTxWIDTH" where width and height, or aspect, were given in its stead; else "" */
  bool edits;    /* there is an image: it goes to the endpoint for edits */
  size_t warning_count;
  struct stepimg_warning warnings[STEPIMG_MAX_WARNINGS]; /* in the order of the form */
};

/* Checks one request's parameters: every rule of the catalogue, what excludes each other, unknown names. True: checked
   says what to send, and flaws is empty. False: flaws holds every one of them.
   model is the client's: the default where none is among the parameters; NULL: the catalogue's first. One that the
   catalogue does not know is checked by the first one's rules, its sizes aside. strict false lets through all other
   models, which have no rules but that text is text, and unknown names. */
STEPIMG_API bool stepimg_check(const struct stepimg_param *params, size_t count, const char *model, bool strict,
                               struct stepimg_checked *checked, struct stepimg_flaws *flaws);

/* Whether a parameter goes to the service under its own name, as it was given. Those that do not are said by checked's
   model, response_format and size, are the picture to edit, or have no effect. */
STEPIMG_API bool stepimg_is_sent(const struct stepimg_checked *checked, const char *name);

/* What stepimg_submit takes as the body of a request that edits no picture: the checked parameters as JSON. As snprintf does,
   puts at most size bytes into out, a NUL the last of them, and returns how long the whole is without it: 0 and a size of 0
   ask for that. What JSON cannot say (STEPIMG_OTHER, a number that is infinite or none) is left out. Any thread. */
STEPIMG_API size_t stepimg_body(const struct stepimg_param *params, size_t count, const struct stepimg_checked *checked,
                                char *out, size_t size);

/* stepimg_check with the catalogue's default model, and of the flaws the first one alone. Fails with STEPIMG_INVALID. */
STEPIMG_API enum stepimg_kind stepimg_validate(const struct stepimg_param *params, size_t count, bool strict,
                                               struct stepimg_checked *checked, struct stepimg_error *error);

/* Writes a finite number as JSON has it, whatever the locale: as few digits as read back as the same number, a whole one
   without a point. Any thread. */
enum { STEPIMG_NUMBER_MAX = 32 };
STEPIMG_API const char *stepimg_number(char out[STEPIMG_NUMBER_MAX], double number);

/* Whether a text may stand in JSON: RFC 3629, no surrogates, no overlong forms. Any thread. */
STEPIMG_API bool stepimg_is_utf8(const char *text, size_t length);

/* Seconds of a clock that is never set back; its start says nothing. Any thread. */
STEPIMG_API double stepimg_now(void);

/* ------------------------------------------------------------------------------------------------------ options -- */

/* How one call is to be made. Filled by stepimg_options_init with the client's defaults; plain data, copied freely. */
struct stepimg_call {
  double timeout;       /* seconds for one attempt */
  double deadline;      /* seconds for the whole job, from submit, with its queueing and repeats; 0: none */
  double stall_timeout; /* seconds without a byte while an answer or a picture arrives */
  int retries;          /* how often an attempt may be repeated */
  bool download;        /* fetch the picture when the answer holds a link to it */
  const char *cache; /* folder where pictures are kept and looked for; NULL or "": none. Borrowed: of one call until it
                           is submitted, of stepimg_client_call_defaults as long as the client lives */
};

/* How a client works. Make it with stepimg_options_init, change it with stepimg_options_set, and release it with
   stepimg_options_clear, which also wipes the key. Strings are owned, NULL where not given. */
struct stepimg_options {
  char *api_key;
  char *base_url;
  char *proxy;
  char *ca_file;
  char *user_agent;
  char *model;    /* what a request asks for that names none; stepimg_check's model */
  char *cache;    /* call's */
  char **headers; /* "Name: value" */
  size_t header_count;
  int max_concurrent;      /* requests at once */
  int requests_per_minute; /* 0: no limit */
  int budget;             /* requests that may cost money, repeats included, in the client's life; negative: no limit */
  double connect_timeout; /* seconds */
  size_t max_response_bytes;
  bool strict;
  bool allow_http;              /* base_url may be http beyond loopback */
  bool base_url_of_environment; /* STEP_BASE_URL: what is wrong with it is told under that name */
  struct stepimg_call call;     /* defaults of every call */
};

enum stepimg_scope { STEPIMG_CLIENT_OPTION = 1, STEPIMG_CALL_OPTION = 2 };

/* Sets defaults; acquires nothing. */
STEPIMG_API void stepimg_options_init(struct stepimg_options *options);
/* Idempotent; accepts the half-built. Leaves the struct as stepimg_options_init does. */
STEPIMG_API void stepimg_options_clear(struct stepimg_options *options);
/* Sets one option by name; a call's option sets the client's default. Copies the value. Fails with STEPIMG_INVALID
   (error->wrong_type tells a programmer's mistake from a bad value) or STEPIMG_NOMEM. */
STEPIMG_API enum stepimg_kind stepimg_options_set(struct stepimg_options *options, const char *name,
                                                  const struct stepimg_value *value, struct stepimg_error *error);
/* Adds a header that goes to the API's host and to no other. */
STEPIMG_API enum stepimg_kind stepimg_options_add_header(struct stepimg_options *options, const char *name,
                                                         const struct stepimg_value *value,
                                                         struct stepimg_error *error);
/* Takes from the environment what was not given: STEP_API_KEY and STEP_BASE_URL. */
STEPIMG_API enum stepimg_kind stepimg_options_from_environment(struct stepimg_options *options,
                                                               struct stepimg_error *error);
/* The names of all options that stepimg_options_set or, with call, stepimg_call_set knows; NULL from count on. Static. */
STEPIMG_API const char *stepimg_option_name(size_t index, bool call);
/* Sets one option of a single call by name. Borrows the text of cache. Fails as stepimg_options_set does. */
STEPIMG_API enum stepimg_kind stepimg_call_set(struct stepimg_call *call, const char *name,
                                               const struct stepimg_value *value, struct stepimg_error *error);

/* ------------------------------------------------------------------------------------------ clients and their jobs -- */

typedef struct stepimg_client stepimg_client;
typedef struct stepimg_job stepimg_job;

/* Makes a client. Takes over what options owns (and leaves it cleared), also when it fails. Starts no thread and opens
   nothing. Fails with STEPIMG_INVALID (an unusable base_url, proxy or ca_file), STEPIMG_NETWORK (libcurl cannot start),
   STEPIMG_IO (a relative path, and no working directory) or STEPIMG_NOMEM. */
STEPIMG_API enum stepimg_kind stepimg_client_new(struct stepimg_options *options, stepimg_client **client,
                                                 struct stepimg_error *error);
/* Ends each unfinished job as stepimg_job_cancel does, and waits for nothing. The I/O thread then ends by itself, and wipes
   the core's copies of the key, the headers and the proxy's password. The host's own copies are the host's to wipe, and
   libcurl leaves some of the requests it sent in memory that it freed. Idempotent. Jobs stay readable. */
STEPIMG_API void stepimg_client_close(stepimg_client *client);
/* Closes and releases. NULL is fine. Jobs may outlive their client. */
STEPIMG_API void stepimg_client_free(stepimg_client *client);
/* The options a client was made with: the defaults for its calls. */
STEPIMG_API const struct stepimg_call *stepimg_client_call_defaults(const stepimg_client *client);
STEPIMG_API bool stepimg_client_is_strict(const stepimg_client *client);
STEPIMG_API int stepimg_client_max_concurrent(const stepimg_client *client);

/* What a client did since it was made. Questions, which cost nothing, count in the last two of the first group alone. */
struct stepimg_stats {
  int64_t submitted;               /* jobs that stepimg_submit took */
  int64_t done, failed, cancelled; /* how those of them that have ended did */
  int64_t cached;                  /* of done: without a request */
  int64_t requests;                /* POSTs begun */
  int64_t repeats;                 /* of these: after one that failed */
  int64_t downloads;               /* GETs of pictures begun, their redirects and repeats too, also libcurl's own */
  int64_t maybe_billed;            /* of failed and cancelled: those whose error says so */
  int64_t bytes_received;          /* of all bodies, errors' too; without their compression */
  int64_t connections;             /* made anew, to the service, to pictures' hosts and to proxies */

  int64_t queued;      /* now: jobs that wait for their turn or before a repeat */
  int64_t in_flight;   /* now: the other jobs that have not ended */
  int64_t budget_left; /* now: POSTs that may still be begun; negative: there is no budget */
};

/* All of one moment, except for the bytes, downloads, connections and the budget, which change meanwhile. In a child after
   fork all are 0, and there is no budget. */
STEPIMG_API void stepimg_client_stats(stepimg_client *client, struct stepimg_stats *stats);

/* Where finished jobs wait to be fetched. Each client has one of its own; a caller who wants to keep some jobs apart
   makes another. */
typedef struct stepimg_queue stepimg_queue;

/* A picture's bytes: constant, counted, shared by who holds them. Any thread. */
typedef struct stepimg_payload stepimg_payload;

STEPIMG_API const unsigned char *stepimg_payload_bytes(const stepimg_payload *payload, size_t *length);
/* One more holder. Returns payload. */
STEPIMG_API stepimg_payload *stepimg_payload_hold(stepimg_payload *payload);
/* One holder less; the last one frees. NULL is fine. To give megabytes back to the system takes longer than a frame
   should wait: while the client runs, its I/O thread does it. */
STEPIMG_API void stepimg_payload_release(stepimg_payload *payload);

/* A text of a form; not always with a NUL behind it. An edit has one for the model and one for the response format of what
   was checked, and one for each parameter that stepimg_is_sent; numbers as stepimg_number writes them, "true", "false". */
struct stepimg_field {
  const char *name; /* NUL-terminated, without control characters */
  const char *text;
  size_t length;
};

/* A request to edit a picture: it goes to the endpoint for edits, as a form. The picture is one of the three. */
struct stepimg_edit {
  const struct stepimg_field *fields; /* the other parameters; copied */
  size_t field_count;
  stepimg_payload *payload; /* held until the job has ended */
  const char *path;         /* a file, which the I/O thread reads. Copied; means what it means now */
  const char *bytes;        /* the host's, and not copied: they stay what they are until the job has an outcome */
  size_t length;
};

/* What a request is for. But for pictures they cost nothing and are repeated freely; they wait for no turn, and are in no
   limit or budget, but do wait while the service wants a rest. */
enum stepimg_question {
  STEPIMG_PICTURE,
  STEPIMG_ACCOUNT, /* whose the key is */
  STEPIMG_MODELS   /* what the key may use */
};

/* Zeroed where nothing is said, except for call: that is stepimg_client_call_defaults, and what stepimg_call_set has changed. */
struct stepimg_request {
  enum stepimg_question question; /* with another than STEPIMG_PICTURE no body and no edit are used */
  const char *body;               /* JSON; copied. Not used where edit is given */
  size_t length;
  const struct stepimg_edit *edit; /* NULL: no picture is edited */
  const char *save;     /* path of a file that the first picture goes to as it arrives; NULL: memory. Copied. */
  stepimg_queue *queue; /* where the job goes when it is finished; NULL: nowhere, it is only waited for */
  void *tag;            /* the host's own, for stepimg_job_tag */
  struct stepimg_call call;
};

/* Queues a request; never blocks on the network or the disk. *job is the caller's, to be released with stepimg_job_free.
   With a cache and a seed the I/O thread first looks whether the picture was kept; STEPIMG_BUDGET is then the job's
   failure. Fails with STEPIMG_AUTH (no key), STEPIMG_BUDGET, STEPIMG_CANCELLED (the client is closed), STEPIMG_INVALID (a
   field's name; a body for a cache that is no JSON object), STEPIMG_IO (there is no working directory), STEPIMG_NETWORK (no
   descriptor, or no thread, is left for the I/O thread) or STEPIMG_NOMEM. */
STEPIMG_API enum stepimg_kind stepimg_submit(stepimg_client *client, const struct stepimg_request *request,
                                             stepimg_job **job, struct stepimg_error *error);

/* The client's own queue; it lives as long as the client. */
STEPIMG_API stepimg_queue *stepimg_client_queue(stepimg_client *client);
/* Another one, for jobs of this client. Released with stepimg_queue_free, also after the client. NULL: no memory. */
STEPIMG_API stepimg_queue *stepimg_queue_new(void);
STEPIMG_API void stepimg_queue_free(stepimg_queue *queue);
/* The job that finished first; NULL: none is finished. It stays until it is fetched or released. */
STEPIMG_API stepimg_job *stepimg_queue_first(stepimg_client *client, stepimg_queue *queue);
/* What the request had as its tag. */
STEPIMG_API void *stepimg_job_tag(const stepimg_job *job);
/* Takes a job off its queue, if it is finished and there. Returns whether it was. */
STEPIMG_API bool stepimg_job_fetch(stepimg_job *job);
/* Blocks until a job has finished, at most so many seconds. Returns whether one has. */
STEPIMG_API bool stepimg_queue_wait(stepimg_client *client, stepimg_queue *queue, double seconds);
/* Jobs that were submitted to the queue and neither fetched nor released. */
STEPIMG_API size_t stepimg_queue_pending(stepimg_client *client, const stepimg_queue *queue);
/* Those of them that are finished. */
STEPIMG_API size_t stepimg_queue_finished(stepimg_client *client, const stepimg_queue *queue);
/* A descriptor that is readable while the queue holds a finished job; the queue's. Negative: there is none to be had. */
STEPIMG_API int stepimg_queue_fd(stepimg_client *client, stepimg_queue *queue);

/* Blocks until the job is finished, at most so many seconds. Returns whether it is. */
STEPIMG_API bool stepimg_job_wait(stepimg_job *job, double seconds);
/* Ends a job. True: it has ended as STEPIMG_CANCELLED. False: it had ended, or its file is just being put in place and it
   ends as it would have. Waits for nothing. */
STEPIMG_API bool stepimg_job_cancel(stepimg_job *job);
/* Releases the caller's hold; cancels a job that is still going. NULL is fine. */
STEPIMG_API void stepimg_job_free(stepimg_job *job);

enum stepimg_phase {
  STEPIMG_QUEUED,
  STEPIMG_CONNECTING,
  STEPIMG_SENDING,
  STEPIMG_WAITING,
  STEPIMG_RECEIVING,
  STEPIMG_DONE
};

enum stepimg_state { STEPIMG_STATE_QUEUED, STEPIMG_STATE_RUNNING, STEPIMG_STATE_RETRYING, STEPIMG_STATE_FINISHED };

struct stepimg_progress {
  enum stepimg_state state;
  enum stepimg_phase phase;
  int64_t sent, to_send;   /* bytes of the request's body, of an edit those of its picture; of a download 0 */
  int64_t received, total; /* bytes of the body now arriving; total 0: not told */
  double elapsed;          /* seconds since submit, until the end */
  int attempt;             /* from 1; 0: none begun yet */
};

STEPIMG_API void stepimg_job_progress(stepimg_job *job, struct stepimg_progress *progress);

enum { STEPIMG_MAX_IMAGES = 16 }; /* an answer with more of them is refused */

/* One entry of the answer's data. Every text of the server's is UTF-8 without control characters, bounded, and shows no
   key. */
struct stepimg_image {
  bool has_seed;
  int64_t seed;
  const char *finish_reason; /* NULL: none; "content_filtered": the filter stopped it, and the picture may be missing */
  const char *url;           /* its link; NULL: none */
  const char *path;          /* the file it was saved to, as the request named it; NULL: none */
  stepimg_payload *payload;  /* the outcome's hold; NULL: none came, or it was saved */
  enum stepimg_format format; /* read from the bytes, as are width and height; 0 where unknown */
  uint32_t width, height;
};

/* What an account holds, in its currency; NAN: not told. */
struct stepimg_account {
  const char *type; /* "prepaid", "postpaid"; NULL: not told */
  double balance, total_cash_balance, total_voucher_balance;
};

/* Seconds; negative: not known, as it did not come to that. The three in the middle are of the last request to the service,
   and are counted from its beginning. */
struct stepimg_timing {
  double queued;     /* from submit until the first request began */
  double connect;    /* until TCP stood, to a proxy where there is one; 0 on a kept connection */
  double tls;        /* until TLS stood; 0 on a kept connection, and without TLS */
  double first_byte; /* until the first of the answer's headers came */
  double total;      /* from submit to the end */
};

enum { STEPIMG_MAX_HISTORY = 64 };

/* One request that was made for a job: to the service, or for a picture; each redirect of that is one too. It
   holds no key, no picture's link, and of the headers but one. */
struct stepimg_exchange {
  const struct stepimg_exchange *next; /* NULL: it is the last */
  const char *method;                  /* "POST", "GET"; static */
  const char *protocol;                /* "HTTP/1.1", "HTTP/2" …, of the answer; NULL: none came. Static */
  int status;                          /* of the answer; 0: none came, or it was cancelled before */
  enum stepimg_kind kind;              /* why it failed; STEPIMG_OK: it did not, or led elsewhere as it should */
  bool connected;                      /* it had a connection: reused tells which */
  bool reused;                         /* one that was there already */
  double waited;          /* seconds since the request before it, or since submit: for its turn, a back-off, the pace */
  double seconds;         /* that it took */
  int64_t bytes;          /* of the answer's body that came, an error's too; without its compression */
  const char *request_id; /* the answer's X-Request-Id, as other texts of a server's; NULL: none */
  const char *message;    /* with kind: a sentence for the person who reads it; NULL: none, or no memory */
};

/* How a job ended; constant. */
struct stepimg_outcome {
  struct stepimg_error error; /* kind STEPIMG_OK: it is done, and the rest says with what */
  const char *url;            /* where the picture lies, when only its download failed; NULL: nowhere */
  const char *path;           /* kind STEPIMG_IO: the finished file that could not be renamed; NULL: none */
  const char *id;             /* NULL: none */
  bool has_created;
  int64_t created; /* seconds since 1970 */
  struct stepimg_image *images;
  size_t image_count;                    /* in the order of the answer's data, those that were filtered too */
  const struct stepimg_account *account; /* NULL: it was not asked for */
  const char *const *models;             /* names; NULL: they were not asked for, or there are none */
  size_t model_count;
  struct stepimg_timing timing;
  /* The requests that were made for it, the first one first; NULL: none was. Of more than STEPIMG_MAX_HISTORY those in the
     middle are left out, but the last one to the service is not; so is one that there was no memory for. */
  const struct stepimg_exchange *history;
  size_t left_out;
  bool cached;                            /* the picture was kept in the call's cache: nothing was sent */
  const struct stepimg_warning *warnings; /* what went wrong beside; NULL: nothing */
  size_t warning_count;
};

/* NULL while the job is going. Then the job's. */
STEPIMG_API const struct stepimg_outcome *stepimg_job_outcome(stepimg_job *job);
/* Whether another unfinished job of this client was to save to the same path when this one was submitted: one of the two
   pictures replaces the other. */
STEPIMG_API bool stepimg_job_shares_path(const stepimg_job *job);

/* Writes a whole file or none: a temporary one beside it, then a rename. A link is followed, a file that was there keeps
   its mode, and what is no regular file is refused. Blocks on the disk. Fails with STEPIMG_IO or STEPIMG_NOMEM. */
STEPIMG_API enum stepimg_kind stepimg_write_file(const char *path, const void *bytes, size_t length,
                                                 struct stepimg_error *error);
/* The same with what is in the file from. */
STEPIMG_API enum stepimg_kind stepimg_copy_file(const char *from, const char *to, struct stepimg_error *error);

/* A number that is the same for two paths that lead to one file from this working directory, as far as their text tells:
   "a.png", "./a.png" and "b/../a.png", on Windows "A.png" too. Looks at no file, so it knows of no links. Any thread. */
STEPIMG_API uint64_t stepimg_path_key(const char *path);
/* What path means now, whatever becomes the working directory. As snprintf does, puts at most size bytes into out, a NUL the
   last of them, and returns how long the whole is without it. 0: it is empty, there is no working directory, or no memory.
   Looks at no file. Any thread. */
STEPIMG_API size_t stepimg_whole_path(const char *path, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
