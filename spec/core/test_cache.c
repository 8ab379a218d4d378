/* A cache on a real disk: what is kept is found, or is none. */
#define _GNU_SOURCE /* unshare, and what -std=c11 hides */

#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

#include "base/error.h"
#include "client/cache.h"

enum { GOOD = 42, SKIPPED, SOMEBODY = 4321, MOST = 1024 * 1024 };

/* ------------------------------------------------------------------------------------------- a folder for each test -- */

static char folder[512];

static int make_folder(void **state)
{
  const char *base = getenv("TMPDIR");
  (void)state;
  umask(022);
  snprintf(folder, sizeof folder, "%s/stepimg.XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
  return mkdtemp(folder) != NULL && chmod(folder, 0755) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
  (void)status;
  (void)type;
  (void)place;
  return remove(path);
}

static int remove_folder(void **state)
{
  (void)state;
  return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static size_t count_names(void)
{
  size_t count = 0;
  DIR *directory = opendir(folder);
  assert_non_null(directory);
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(directory);
  return count;
}

/* The path of the first entry's file with that end. */
static const char *find_file(const char *end)
{
  static char path[sizeof folder + 300];
  DIR *directory = opendir(folder);
  assert_non_null(directory);
  path[0] = '\0';
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
    if (strstr(entry->d_name, end) != NULL)
      snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
  closedir(directory);
  return path;
}

/* ------------------------------------------------------------------------------------------------ jobs and answers -- */

static struct cache *cache_of(const char *body)
{
  struct stepimg_request request = {.body = body, .length = strlen(body), .call = {.cache = folder, .download = true}};
  struct stepimg_error error;
  struct cache *cache;
  error_clear(&error);
  if (cache_new(&cache, &request, &error) != STEPIMG_OK)
    fail_msg("%s", error.message);
  return cache;
}

static const char body[] = "{\"prompt\":\"x\",\"seed\":7}";

/* The bytes of a GIF of that size. */
static unsigned char *gif_of(size_t size, unsigned char filling)
{
  static const unsigned char start[] = "GIF89a\x10\0\x08\0\x81\0";
  unsigned char *bytes = malloc(size);
  assert_non_null(bytes);
  memset(bytes, filling, size);
  memcpy(bytes, start, sizeof start);
  bytes[size - 1] = 0x3b;
  return bytes;
}

/* What a server might have said; the picture as base64. save: NULL, or where it goes. */
static void answer_with(struct answer *answer, const char *entry, size_t size, unsigned char filling, const char *save)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  struct stepimg_error error;
  assert_true(size % 3 == 0);
  unsigned char *bytes = gif_of(size, filling);
  char *json = malloc(size / 3 * 4 + 512);
  assert_non_null(json);
  int used = snprintf(json, 512, "{\"id\":\"an id\",\"created\":5,\"data\":[{%s\"b64_json\":\"", entry);
  char *at = json + used;
  for (size_t i = 0; i < size; i += 3) {
    unsigned group = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6)
      *at++ = alphabet[group >> shift & 63];
  }
  memcpy(at, "\"}]}", 4);
  error_clear(&error);
  answer_init(answer, MOST, NULL, NULL);
  if (save != NULL)
    assert_int_equal(answer_save(answer, save, save, &error), STEPIMG_OK);
  assert_true(answer_begin(answer, ANSWER_ENVELOPE, -1, NULL));
  assert_true(answer_write(answer, json, (size_t)(at - json) + 4));
  assert_true(answer_end(answer, false, ""));
  free(bytes);
  free(json);
}

/* Keeps it and returns the complaint, which lives until the next one. */
static const char *keep(const char *request, const char *entry, size_t size, unsigned char filling, bool damaged)
{
  static char complaint[sizeof((struct cache *)0)->complaint];
  struct answer answer;
  struct cache *cache = cache_of(request);
  cache->damaged = damaged;
  answer_with(&answer, entry, size, filling, NULL);
  cache_keep(cache, NULL, &answer);
  memcpy(complaint, cache->complaint, sizeof complaint);
  answer_free(&answer);
  cache_free(cache);
  return complaint;
}

/* Looks for it; where it is there it is to be that picture. */
static enum cache_found look(size_t size, unsigned char filling)
{
  struct kept kept;
  struct cache *cache = cache_of(body);
  enum cache_found found = cache_find(cache, NULL, MOST, &kept);
  assert_null(found == CACHE_THERE ? NULL : kept.path);
  if (found == CACHE_THERE) {
    struct answer answer;
    answer_init(&answer, MOST, NULL, NULL);
    found = cache_read(cache, &kept, &answer);
    assert_int_equal(cache->hit, found == CACHE_THERE);
    assert_int_equal(cache->damaged, found == CACHE_MISSING);
    if (found == CACHE_THERE) {
      size_t length;
      unsigned char *wanted = gif_of(size, filling);
      const struct stepimg_image *image = answer.envelope.images;
      const unsigned char *bytes = stepimg_payload_bytes(image->payload, &length);
      assert_int_equal(length, size);
      assert_memory_equal(bytes, wanted, size);
      assert_string_equal(answer.envelope.id, "an id");
      assert_int_equal(answer.envelope.created, 5);
      assert_int_equal(image->seed, 7);
      assert_int_equal(image->format, STEPIMG_GIF);
      assert_int_equal(image->width, 16);
      free(wanted);
    }
    answer_free(&answer);
  }
  cache_free(cache);
  return found;
}

/* ----------------------------------------------------------------------------------------------------------- tests -- */

static void what_is_kept_is_found(void **state)
{
  (void)state;
  assert_int_equal(look(300, 'a'), CACHE_MISSING);
  assert_string_equal(keep(body, "\"seed\":7,", 300, 'a', false), "");
  assert_int_equal(count_names(), 2);
  assert_int_equal(look(300, 'a'), CACHE_THERE);
  assert_string_equal(keep("{\"prompt\":\"y\"}", "\"seed\":7,", 300000, 'b', false), ""); /* the seed that it got */
  assert_int_equal(count_names(), 4);
  assert_int_equal(look(300, 'a'), CACHE_THERE);
}

static void what_is_none_is_not_kept(void **state)
{
  (void)state;
  assert_string_equal(keep("{\"prompt\":\"y\"}", "", 300, 'b', false), ""); /* no seed at all */
  assert_string_equal(keep(body, "\"finish_reason\":\"content_filtered\",", 300, 'b', false), "");
  assert_int_equal(count_names(), 0);
}

/* Of two that write one entry, one after the other or at once. */
static void the_first_one_stays_unless_it_is_damaged(void **state)
{
  (void)state;
  keep(body, "\"seed\":7,", 300, 'a', false);
  assert_string_equal(keep(body, "\"seed\":7,", 600, 'b', false), "");
  assert_int_equal(look(300, 'a'), CACHE_THERE);
  assert_string_equal(keep(body, "\"seed\":7,", 600, 'b', true), "");
  assert_int_equal(look(600, 'b'), CACHE_THERE);
  assert_int_equal(count_names(), 2);
  /* One's picture with the other's JSON, as large as it is. */
  char other[sizeof folder + 300];
  snprintf(other, sizeof other, "%s/other", folder);
  assert_int_equal(rename(find_file(".json"), other), 0);
  keep(body, "\"seed\":7,", 600, 'c', false);
  assert_int_equal(look(600, 'c'), CACHE_THERE);
  assert_int_equal(rename(other, find_file(".json")), 0);
  assert_int_equal(look(600, 'c'), CACHE_MISSING);
}

static void a_saved_picture_goes_to_both_places(void **state)
{
  struct answer answer;
  struct stepimg_error error;
  struct cache *cache = cache_of(body);
  char path[sizeof folder + 16];
  (void)state;
  error_clear(&error);
  snprintf(path, sizeof path, "%s/saved", folder);
  answer_with(&answer, "\"seed\":7,", 300000, 'a', path);
  assert_null(answer.envelope.images->payload);
  cache_keep(cache, NULL, &answer);
  assert_string_equal(cache->complaint, "");
  assert_int_equal(answer_store(&answer, &error), STEPIMG_OK);
  answer_free(&answer);
  cache_free(cache);
  assert_int_equal(count_names(), 3);
  assert_int_equal(look(300000, 'a'), CACHE_THERE);
}

static bool say_no(void *context, size_t at, char *out, size_t length)
{
  (void)context;
  (void)at;
  (void)out;
  (void)length;
  return false;
}

static void a_picture_to_edit_that_is_gone_is_told(void **state)
{
  const struct form form = {.length = 5, .read = say_no};
  struct kept kept;
  struct answer answer;
  struct cache *cache = cache_of(body);
  (void)state;
  assert_int_equal(cache_find(cache, &form, MOST, &kept), CACHE_GONE);
  answer_with(&answer, "\"seed\":7,", 300, 'a', NULL);
  cache_keep(cache, &form, &answer);
  assert_string_equal(cache->complaint, "");
  assert_int_equal(count_names(), 0);
  answer_free(&answer);
  cache_free(cache);
}

static void what_is_larger_than_an_answer_may_be_is_not_read(void **state)
{
  struct kept kept;
  struct cache *cache = cache_of(body);
  (void)state;
  keep(body, "\"seed\":7,", 300, 'a', false);
  assert_int_equal(cache_find(cache, NULL, 299, &kept), CACHE_MISSING);
  assert_int_equal(cache_find(cache, NULL, 300, &kept), CACHE_THERE);
  cache_let_go(&kept);
  cache_free(cache);
}

/* Every byte of both files, changed and cut away: never another picture. A change in what the JSON says besides is its
   writer's. */
static void no_damage_gives_another_picture(void **state)
{
  enum { SIZE = 60 };
  char bytes[ENTRY_MAX], path[sizeof folder + 300];
  (void)state;
  keep(body, "\"seed\":7,", SIZE, 'a', false);
  for (int file = 0; file < 2; file++) {
    snprintf(path, sizeof path, "%s", find_file(file == 0 ? ".png" : ".json"));
    int descriptor = open(path, O_RDWR);
    ssize_t length = read(descriptor, bytes, sizeof bytes);
    assert_true(length > 0 && length < ENTRY_MAX);
    for (ssize_t i = 0; i < length; i++) {
      const char *told = file == 1 ? strstr(bytes, "\"id\"") : NULL, *end = file == 1 ? strstr(bytes, "}],") : NULL;
      const char *beside = file == 1 ? strstr(bytes, ",\"format\"") : NULL;
      bool free_text =
          (told != NULL && bytes + i >= told && bytes + i <= end) || (beside != NULL && bytes + i >= beside);
      char other = (char)(bytes[i] ^ 1);
      if (!free_text) {
        assert_int_equal(pwrite(descriptor, &other, 1, i), 1);
        if (look(SIZE, 'a') != CACHE_MISSING)
          fail_msg("%s: byte %zd", path, i);
        assert_int_equal(pwrite(descriptor, &bytes[i], 1, i), 1);
      }
    }
    for (ssize_t cut = length - 2; cut >= 0; cut -= 7) {
      assert_int_equal(ftruncate(descriptor, cut), 0);
      assert_int_equal(look(SIZE, 'a'), CACHE_MISSING);
    }
    assert_int_equal(pwrite(descriptor, bytes, (size_t)length, 0), length);
    close(descriptor);
    assert_int_equal(look(SIZE, 'a'), CACHE_THERE);
  }
}

/* In a process of its own, which may change what all others share. */
static void apart(void (*part)(void))
{
  pid_t child = fork();
  int status;
  assert_true(child >= 0);
  if (child == 0) {
    alarm(60);
    part(); /* which says how it went */
    _exit(GOOD);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == SKIPPED)
    skip();
  assert_int_equal(WEXITSTATUS(status), GOOD);
}

/* Instead of an assertion there. */
static void want(bool truth, int line)
{
  if (truth)
    return;
  fprintf(stderr, "%s:%d: it is not so\n", __FILE__, line);
  _exit(1);
}
#define WANT(truth) want((truth), __LINE__)

static void as_somebody_else(void)
{
  if (geteuid() == 0 && seteuid(SOMEBODY) != 0)
    _exit(SKIPPED);
  if (geteuid() != SOMEBODY && chmod(folder, 0555) != 0)
    _exit(SKIPPED);
  WANT(strstr(keep(body, "\"seed\":7,", 300, 'a', false), "Permission denied") != NULL);
  WANT(count_names() == 0);
}

static void a_folder_that_may_not_be_written_is_told(void **state)
{
  (void)state;
  apart(as_somebody_else);
  chmod(folder, 0755);
}

/* From a picture that does not fit, over one that leaves no room for its JSON, to both. */
static void on_a_small_disk(void)
{
  enum { DISK = 64 * 1024, PAGE = 4096 };
#if defined(__linux__)
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, "") != 0 ||
      mount("tmpfs", folder, "tmpfs", 0, "size=64k") != 0)
    _exit(SKIPPED);
#else
  _exit(SKIPPED);
#endif
  for (size_t pages = 20; pages >= 10; pages--) {
    size_t size = pages * PAGE - PAGE / 2, fits = pages * PAGE;
    const char *complaint = keep(body, "\"seed\":7,", size / 3 * 3, 'a', false);
    bool kept = complaint[0] == '\0';
    WANT(kept == (fits + PAGE <= DISK));
    WANT(kept || strstr(complaint, "No space left on device") != NULL);
    WANT(count_names() == (kept ? 2 : 0));
    WANT((look(size / 3 * 3, 'a') == CACHE_THERE) == kept);
    if (kept)
      return;
  }
  WANT(false);
}

static void a_full_disk_leaves_no_half_entry(void **state)
{
  (void)state;
  apart(on_a_small_disk);
}

int main(void)
{
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(what_is_kept_is_found),
      IN_A_FOLDER(what_is_none_is_not_kept),
      IN_A_FOLDER(the_first_one_stays_unless_it_is_damaged),
      IN_A_FOLDER(a_saved_picture_goes_to_both_places),
      IN_A_FOLDER(a_picture_to_edit_that_is_gone_is_told),
      IN_A_FOLDER(what_is_larger_than_an_answer_may_be_is_not_read),
      IN_A_FOLDER(no_damage_gives_another_picture),
      IN_A_FOLDER(a_folder_that_may_not_be_written_is_told),
      IN_A_FOLDER(a_full_disk_leaves_no_half_entry),
  };
  return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
