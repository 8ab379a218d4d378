/* Files that are written whole or not at all, on a real disk. */
#define _GNU_SOURCE /* unshare, and what -std=c11 hides */

#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

#include "base/error.h"
#include "base/file.h"
#include "base/path.h"
#include "base/source.h"
#include "base/text.h"

enum { GOOD = 42, SOMEBODY = 4321, SOMEBODY_ELSE = 4322 /* users and groups */ };

/* ------------------------------------------------------------------------------------------- a folder for each test -- */

static char folder[512], before[512];

static int make_folder(void **state)
{
  const char *base = getenv("TMPDIR");
  (void)state;
  umask(022);
  snprintf(folder, sizeof folder, "%s/stepimg.XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
  return mkdtemp(folder) != NULL && getcwd(before, sizeof before) != NULL && chmod(folder, 0755) == 0 ? 0 : -1;
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
  return chdir(before) == 0 ? nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

/* A path in the folder; good for the next seven. */
static const char *in_folder(const char *name)
{
  static char paths[8][sizeof folder + 300];
  static size_t next;
  char *path = paths[next++ % COUNT_OF(paths)];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static void write_plainly(const char *path, const char *text, mode_t mode)
{
  int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
  assert_int_equal(fchmod(descriptor, mode), 0);
  close(descriptor);
}

static void assert_holds(const char *path, const char *text)
{
  char found[256];
  int descriptor = open(path, O_RDONLY);
  assert_true(descriptor >= 0);
  ssize_t length = read(descriptor, found, sizeof found - 1);
  assert_true(length >= 0);
  close(descriptor);
  found[length] = '\0';
  assert_string_equal(found, text);
}

static struct stat look_at(const char *path)
{
  struct stat there;
  assert_int_equal(lstat(path, &there), 0);
  return there;
}

static mode_t mode_of(const char *path)
{
  return look_at(path).st_mode & 07777;
}

static size_t count_names(const char *path)
{
  size_t count = 0;
  DIR *directory = opendir(path);
  assert_non_null(directory);
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(directory);
  return count;
}

/* ----------------------------------------------------------------------------------------- what is asked of a file -- */

static struct file open_good(const char *path)
{
  struct file file;
  struct stepimg_error error;
  error_clear(&error);
  if (file_open(&file, path, &error) != STEPIMG_OK)
    fail_msg("%s", error.message);
  return file;
}

static void write_good(struct file *file, const char *text)
{
  struct stepimg_error error;
  error_clear(&error);
  assert_int_equal(file_write(file, text, strlen(text), &error), STEPIMG_OK);
}

static void close_good(struct file *file)
{
  struct stepimg_error error;
  error_clear(&error);
  assert_int_equal(file_close(file, &error), STEPIMG_OK);
}

static void commit_good(struct file *file)
{
  struct stepimg_error error;
  char *kept = file->path;
  error_clear(&error);
  close_good(file);
  if (file_commit(file, &kept, &error) != STEPIMG_OK)
    fail_msg("%s", error.message);
  assert_null(kept);
  assert_null(file->path);
}

static void save(const char *path, const char *text)
{
  struct file file = open_good(path);
  write_good(&file, text);
  commit_good(&file);
}

static void save_plainly(const char *path, const char *text, enum stepimg_kind wanted)
{
  struct file file;
  struct stepimg_error error;
  error_clear(&error);
  assert_int_equal(file_open_plain(&file, path, &error), STEPIMG_OK);
  enum stepimg_kind kind = file_write(&file, text, strlen(text), &error);
  assert_int_equal(file_complete(&file, kind, &error), wanted);
  assert_null(file.path);
}

static void assert_refused(const char *path, const char *reason)
{
  struct file file;
  struct stepimg_error error;
  error_clear(&error);
  assert_int_equal(file_open(&file, path, &error), STEPIMG_IO);
  assert_int_equal(error.kind, STEPIMG_IO);
  assert_contains(error.message, "cannot be written: ");
  assert_contains(error.message, reason);
  assert_null(file.path);
  assert_int_equal(file.descriptor, -1);
  file_abort(&file);
}

/* Runs a part of a test in a process of its own, which may change what all others share; skipped where it may not. */
static void apart(bool (*part)(void))
{
  pid_t child = fork();
  int status;
  assert_true(child >= 0);
  if (child == 0) {
    alarm(60);
    bool ran = part(); /* a failed assertion ends it otherwise */
    _exit(ran ? GOOD : GOOD + 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == GOOD + 1)
    skip();
  assert_int_equal(WEXITSTATUS(status), GOOD);
}

/* Instead of an assertion in a process of its own. */
static void want(bool truth, int line)
{
  if (truth)
    return;
  fprintf(stderr, "%s:%d: it is not so\n", __FILE__, line);
  _exit(1);
}
#define WANT(truth) want((truth), __LINE__)

/* -------------------------------------------------------------------------------------------------------- whole -- */

static void the_old_file_stays_until_the_new_one_is_whole(void **state)
{
  const char *path = in_folder("picture.png");
  (void)state;
  write_plainly(path, "old", 0644);
  struct file file = open_good(path);
  assert_true((fcntl(file.descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  assert_string_equal(strrchr(file.temporary, '.'), ".part");
  assert_int_equal(count_names(folder), 2);
  write_good(&file, "ne");
  write_good(&file, "w");
  assert_holds(path, "old");
  assert_holds(file.temporary, "new");
  commit_good(&file);
  assert_holds(path, "new");
  assert_int_equal(count_names(folder), 1);
  file_abort(&file);
  assert_holds(path, "new");
}

static void what_is_aborted_leaves_nothing(void **state)
{
  const char *path = in_folder("picture.png");
  (void)state;
  for (int closed = 0; closed < 2; closed++) {
    struct file file = open_good(path);
    write_good(&file, "new");
    if (closed)
      close_good(&file);
    assert_int_equal(count_names(folder), 1);
    file_abort(&file);
    file_abort(&file);
    assert_int_equal(count_names(folder), 0);
  }
}

static void it_can_be_written_anew(void **state)
{
  struct stepimg_error error;
  struct file file = open_good(in_folder("picture.png"));
  (void)state;
  error_clear(&error);
  write_good(&file, "a long beginning");
  assert_int_equal(file_restart(&file, &error), STEPIMG_OK);
  write_good(&file, "short");
  commit_good(&file);
  assert_holds(in_folder("picture.png"), "short");
}

static void many_at_once_do_not_meet(void **state)
{
  struct file files[50];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(files); i++)
    files[i] = open_good(in_folder("picture.png"));
  assert_int_equal(count_names(folder), COUNT_OF(files));
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    write_good(&files[i], i + 1 < COUNT_OF(files) ? "one" : "last");
    commit_good(&files[i]);
  }
  assert_holds(in_folder("picture.png"), "last");
  assert_int_equal(count_names(folder), 1);
}

/* -------------------------------------------------------------------------------------------------------- paths -- */

static void assert_resolved(const char *path, const char *wanted)
{
  struct stepimg_error error;
  char *resolved;
  error_clear(&error);
  assert_int_equal(file_resolve(path, &resolved, &error), STEPIMG_OK);
  assert_string_equal(resolved, wanted);
  free(resolved);
}

static void a_path_means_what_it_meant_when_it_was_given(void **state)
{
  char here[sizeof folder], wanted[2 * sizeof folder], *resolved;
  struct stepimg_error error;
  (void)state;
  error_clear(&error);
  assert_int_equal(chdir(folder), 0);
  assert_non_null(getcwd(here, sizeof here)); /* the folder's name may lead over a link */
  snprintf(wanted, sizeof wanted, "%s/picture.png", here);
  assert_int_equal(file_resolve("picture.png", &resolved, &error), STEPIMG_OK);
  assert_int_equal(chdir("/"), 0);
  save(resolved, "new");
  assert_holds(in_folder("picture.png"), "new");
  assert_string_equal(resolved, wanted);
  free(resolved);
  assert_resolved("a/../b", "/a/../b");
  assert_resolved("/picture.png", "/picture.png");
  assert_resolved("", "");
}

static void a_deep_working_directory_is_one_too(void **state)
{
  char name[201], here[1024 + sizeof folder], wanted[sizeof here + 2];
  (void)state;
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  assert_int_equal(chdir(folder), 0);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(mkdir(name, 0700), 0);
    assert_int_equal(chdir(name), 0);
  }
  assert_non_null(getcwd(here, sizeof here));
  assert_true(strlen(here) > 800);
  snprintf(wanted, sizeof wanted, "%s/y", here);
  assert_resolved("y", wanted);
}

static void a_working_directory_that_is_gone_is_an_error(void **state)
{
  struct stepimg_error error;
  char *resolved = folder;
  (void)state;
  error_clear(&error);
  assert_int_equal(mkdir(in_folder("gone"), 0700), 0);
  assert_int_equal(chdir(in_folder("gone")), 0);
  assert_int_equal(rmdir(in_folder("gone")), 0);
  assert_int_equal(file_resolve("picture.png", &resolved, &error), STEPIMG_IO);
  assert_null(resolved);
  assert_contains(error.message, "\"picture.png\" cannot be written: ");
  assert_resolved("/picture.png", "/picture.png");
}

static void names_may_be_as_long_as_the_system_takes_them(void **state)
{
  char name[257];
  (void)state;
  memset(name, 'x', sizeof name - 1);
  name[255] = '\0';
  save(in_folder(name), "new");
  assert_holds(in_folder(name), "new");
  assert_int_equal(count_names(folder), 1);
  name[255] = 'x';
  name[256] = '\0';
  assert_refused(in_folder(name), "File name too long");
}

static void of_a_long_path_both_ends_are_shown(void **state)
{
  char shown[320], path[1000];
  (void)state;
  for (size_t cut = 0; cut < 4; cut++) {
    size_t characters, at;
    memcpy(path, "/homes/", 7);
    for (size_t i = 6 + cut / 2; i + 2 < sizeof path; i += 2)
      memcpy(path + i, "\xc3\xa4", 3);
    snprintf(path + 900 + cut / 2, 32, "%s/tower.png", cut % 2 == 0 ? "" : "x");
    path_show(shown, sizeof shown, path);
    assert_int_equal(strncmp(shown, "\"/homes", 7), 0);
    assert_contains(shown, "...\xc3\xa4");
    assert_contains(shown, "/tower.png\"");
    assert_true(strlen(shown) < sizeof shown && text_count(shown, strlen(shown), &characters, &at));
  }
  assert_string_equal(path_show(shown, sizeof shown, "/a/b"), "\"/a/b\"");
  assert_string_equal(path_show(shown, 16, "/abcdefgh"), "\"/abcdefgh\"");
  assert_string_equal(path_show(shown, 16, "/abcdefghijklmn"), "\"/a...ghijklmn\"");
}

/* -------------------------------------------------------------------------------------------------------- links -- */

static void assert_link(const char *path)
{
  assert_true(S_ISLNK(look_at(path).st_mode));
}

static void a_link_is_followed_and_stays(void **state)
{
  (void)state;
  assert_int_equal(mkdir(in_folder("there"), 0700), 0);
  write_plainly(in_folder("there/picture.png"), "old", 0640);
  assert_int_equal(symlink("there/picture.png", in_folder("relative")), 0);
  assert_int_equal(symlink(in_folder("there/picture.png"), in_folder("absolute")), 0);
  assert_int_equal(symlink("../relative", in_folder("there/chain")), 0);
  assert_int_equal(symlink("there", in_folder("way")), 0);
  static const char *const names[] = {"relative", "absolute", "there/chain", "way/chain", "way/picture.png"};
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    save(in_folder(names[i]), names[i]);
    assert_holds(in_folder("there/picture.png"), names[i]);
    assert_int_equal(mode_of(in_folder("there/picture.png")), 0640);
    assert_true(S_ISREG(look_at(in_folder("there/picture.png")).st_mode));
  }
  assert_link(in_folder("relative"));
  assert_link(in_folder("absolute"));
  assert_link(in_folder("there/chain"));
  assert_int_equal(count_names(in_folder("there")), 2);
  assert_int_equal(count_names(folder), 4);
}

static void a_link_to_nothing_names_a_new_file(void **state)
{
  (void)state;
  assert_int_equal(mkdir(in_folder("there"), 0700), 0);
  assert_int_equal(symlink("there/new.png", in_folder("link")), 0);
  assert_int_equal(symlink("nowhere/new.png", in_folder("lost")), 0);
  save(in_folder("link"), "new");
  assert_link(in_folder("link"));
  assert_holds(in_folder("there/new.png"), "new");
  assert_refused(in_folder("lost"), "no file can be made in its folder: No such file or directory");
}

static void links_are_followed_as_far_as_the_system_does(void **state)
{
  char name[16], target[16];
  (void)state;
  for (int i = 1; i <= 50; i++) {
    snprintf(name, sizeof name, "%d", i);
    snprintf(target, sizeof target, "%d", i - 1);
    assert_int_equal(symlink(target, in_folder(name)), 0);
  }
  save(in_folder("30"), "new");
  assert_holds(in_folder("0"), "new");
  assert_refused(in_folder("50"), "");
  assert_int_equal(unlink(in_folder("0")), 0);
  save(in_folder("30"), "newer"); /* to a file that is not there yet */
  assert_holds(in_folder("0"), "newer");
  assert_int_equal(symlink("round", in_folder("round")), 0);
  assert_refused(in_folder("round"), "");
}

/* ----------------------------------------------------------------------------------------------- what is refused -- */

static void make_socket(const char *path)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_true(descriptor >= 0);
  assert_true(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path));
  assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
  close(descriptor);
}

static void what_is_no_regular_file_is_refused(void **state)
{
  (void)state;
  assert_int_equal(mkdir(in_folder("directory"), 0700), 0);
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  make_socket(in_folder("socket"));
  assert_int_equal(symlink("/dev/null", in_folder("link")), 0);
  assert_refused("/dev/null", "\"/dev/null\" cannot be written: it is no regular file");
  assert_refused(in_folder("pipe"), "it is no regular file");
  assert_refused(in_folder("socket"), "it is no regular file");
  assert_refused(in_folder("link"), "it is no regular file");
  assert_refused(folder, "it is a directory");
  assert_refused(in_folder("directory/"), "it is a directory");
  assert_refused("/", "it is a directory");
  assert_int_equal(count_names(folder), 4);
  assert_int_equal(count_names(in_folder("directory")), 0);
}

static void what_has_no_folder_is_refused(void **state)
{
  (void)state;
  write_plainly(in_folder("file"), "old", 0644);
  assert_refused("", "No such file or directory");
  assert_refused(in_folder("none/picture.png"), "no file can be made in its folder: No such file or directory");
  assert_refused(in_folder("none/"), "No such file or directory");
  assert_refused(in_folder("file/picture.png"), "Not a directory");
  assert_refused(in_folder("file/"), "Not a directory");
  assert_int_equal(count_names(folder), 1);
}

static bool folder_without_a_right(void)
{
  if (geteuid() == 0 && seteuid(SOMEBODY) != 0)
    return false;
  assert_refused(in_folder("picture.png"), "no file can be made in its folder: Permission denied");
  return true;
}

static void a_folder_that_may_not_be_written_is_an_error(void **state)
{
  (void)state;
  assert_int_equal(chmod(folder, 0555), 0);
  apart(folder_without_a_right);
  assert_int_equal(chmod(folder, 0755), 0);
}

/* A link in /proc that says less than it does: the file has no name any more. */
static void a_link_that_does_not_lead_to_its_file_is_refused(void **state)
{
  char path[64];
  (void)state;
  if (access("/proc/self/fd", X_OK) != 0)
    skip();
  int descriptor = open(in_folder("gone"), O_RDWR | O_CREAT, 0600);
  assert_true(descriptor >= 0);
  assert_int_equal(unlink(in_folder("gone")), 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  assert_refused(path, "the link to it cannot be followed");
  write_plainly(in_folder("gone (deleted)"), "another", 0600); /* as the link says */
  assert_refused(path, "the link to it cannot be followed");
  close(descriptor);
  assert_int_equal(count_names(folder), 1);
}

/* --------------------------------------------------------------------------------------------------------- modes -- */

static void a_file_keeps_its_mode(void **state)
{
  static const mode_t modes[] = {0600, 0644, 0640, 0666, 0755, 0400};
  const char *path = in_folder("picture.png");
  (void)state;
  for (size_t i = 0; i < COUNT_OF(modes); i++) {
    write_plainly(path, "old", modes[i]);
    struct file file = open_good(path);
    assert_int_equal(mode_of(file.temporary) & ~modes[i], 0);
    write_good(&file, "new");
    commit_good(&file);
    assert_int_equal(mode_of(path), modes[i]);
    assert_int_equal(unlink(path), 0);
  }
  write_plainly(path, "old", 04755); /* what a picture holds is not to run as its owner */
  save(path, "new");
  assert_int_equal(mode_of(path), 0755);
}

static void a_new_file_is_as_open_as_all_new_ones(void **state)
{
  (void)state;
  umask(027);
  save(in_folder("one"), "new");
  umask(0);
  save(in_folder("other"), "new");
  umask(022);
  assert_int_equal(mode_of(in_folder("one")), 0640);
  assert_int_equal(mode_of(in_folder("other")), 0666);
}

static void root_leaves_a_file_to_its_owner(void **state)
{
  const char *path = in_folder("picture.png");
  (void)state;
  if (geteuid() != 0)
    skip();
  write_plainly(path, "old", 0600);
  assert_int_equal(chown(path, SOMEBODY, SOMEBODY_ELSE), 0);
  save(path, "new");
  struct stat there = look_at(path);
  assert_int_equal(there.st_uid, SOMEBODY);
  assert_int_equal(there.st_gid, SOMEBODY_ELSE);
  assert_int_equal(there.st_mode & 07777, 0600);
}

/* The file belongs to a group that this user is not in: whoever shares the user's group gains nothing. */
static bool another_group(void)
{
  const char *path = in_folder("picture.png");
  if (geteuid() != 0 || chown(folder, SOMEBODY, SOMEBODY) != 0 || chown(path, SOMEBODY, SOMEBODY_ELSE) != 0 ||
      setegid(SOMEBODY) != 0 || seteuid(SOMEBODY) != 0)
    return false;
  save(path, "new");
  struct stat there = look_at(path);
  WANT(there.st_uid == SOMEBODY && there.st_gid == SOMEBODY);
  WANT((there.st_mode & 07777) == 0644); /* what all others may */
  return true;
}

static void another_group_gains_no_right(void **state)
{
  (void)state;
  write_plainly(in_folder("picture.png"), "old", 0664);
  apart(another_group);
}

/* ---------------------------------------------------------------------------------------------------- full disks -- */

enum { SIZE_LIMIT = 100 * 1000 };
static char block[300 * 1000];

/* Fails to write a large file in the folder, and leaves nothing there. */
static void fail_to_write(const char *reason)
{
  struct stepimg_error error;
  struct file file = open_good(in_folder("picture.png"));
  sigset_t pending, blocked;
  error_clear(&error);
  WANT(file_write(&file, block, sizeof block, &error) == STEPIMG_IO);
  WANT(strstr(error.message, reason) != NULL && strstr(error.message, "picture.png\" cannot be written") != NULL);
  file_abort(&file);
  WANT(stepimg_write_file(in_folder("picture.png"), block, sizeof block, &error) == STEPIMG_IO);
  WANT(count_names(folder) == 0);
  sigpending(&pending);
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  WANT(sigismember(&pending, SIGXFSZ) == 0 && sigismember(&blocked, SIGXFSZ) == 0);
}

static bool limited(void)
{
  struct rlimit limit = {SIZE_LIMIT, SIZE_LIMIT};
  WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  WANT(signal(SIGXFSZ, SIG_DFL) != SIG_ERR); /* it would end the process */
  fail_to_write("File too large");
  WANT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
  fail_to_write("File too large");
  struct stepimg_error error;
  WANT(stepimg_write_file(in_folder("small"), "new", 3, &error) == STEPIMG_OK);
  return true;
}

static void beyond_the_limit_of_a_files_size_is_an_error_and_no_signal(void **state)
{
  (void)state;
  apart(limited);
}

/* A host that waits for the signal itself still finds it. */
static bool pending_before(void)
{
  struct rlimit limit = {SIZE_LIMIT, SIZE_LIMIT};
  struct stepimg_error error;
  sigset_t limits, pending;
  sigemptyset(&limits);
  sigaddset(&limits, SIGXFSZ);
  WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  WANT(pthread_sigmask(SIG_BLOCK, &limits, NULL) == 0 && raise(SIGXFSZ) == 0);
  WANT(stepimg_write_file(in_folder("picture.png"), block, sizeof block, &error) == STEPIMG_IO);
  sigpending(&pending);
  WANT(sigismember(&pending, SIGXFSZ) == 1);
  return true;
}

static void a_signal_of_the_hosts_own_stays(void **state)
{
  (void)state;
  apart(pending_before);
}

static bool small_disk(void)
{
#if defined(__linux__)
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, "") != 0 ||
      mount("tmpfs", folder, "tmpfs", 0, "size=128k") != 0)
    return false;
  fail_to_write("No space left on device");
  struct stepimg_error error;
  WANT(stepimg_write_file(in_folder("small"), "new", 3, &error) == STEPIMG_OK); /* the room is free again */
  return true;
#else
  return false;
#endif
}

static void a_full_disk_is_an_error_that_leaves_nothing(void **state)
{
  (void)state;
  apart(small_disk);
}

/* ------------------------------------------------------------------------------------------- what a system may do -- */

static void ring(int number)
{
  (void)number;
}

/* The file's descriptor is a pipe that somebody reads slowly, and signals come all the time: writes that are cut short
   and such that wrote nothing. */
static void every_byte_is_written_whatever_interrupts(void **state)
{
  struct sigaction action = {.sa_handler = ring}, old;
  struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  struct stepimg_error error;
  struct file file = open_good(in_folder("picture.png"));
  int ends[2], status;
  (void)state;
  error_clear(&error);
  for (size_t i = 0; i < sizeof block; i++)
    block[i] = (char)(i % 251);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    size_t count = 0;
    unsigned char byte[4096];
    close(ends[1]);
    for (ssize_t length; (length = read(ends[0], byte, sizeof byte)) > 0; usleep(3000))
      for (ssize_t i = 0; i < length; i++, count++)
        if (byte[i] != count % 251)
          _exit(1);
    _exit(count == sizeof block ? GOOD : 2);
  }
  close(ends[0]);
  close(file.descriptor);
  file.descriptor = ends[1];
  assert_int_equal(sigaction(SIGALRM, &action, &old), 0); /* without SA_RESTART */
  assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
  enum stepimg_kind kind = file_write(&file, block, sizeof block, &error);
  assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
  assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
  assert_int_equal(kind, STEPIMG_OK);
  file_abort(&file);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == GOOD);
}

static void what_close_says_counts(void **state)
{
  struct stepimg_error error;
  struct file file = open_good(in_folder("picture.png"));
  (void)state;
  error_clear(&error);
  close(file.descriptor); /* by somebody who mistook it for one of its own */
  assert_int_equal(file_write(&file, "new", 3, &error), STEPIMG_IO);
  assert_int_equal(file_restart(&file, &error), STEPIMG_IO);
  error_clear(&error);
  assert_int_equal(file_close(&file, &error), STEPIMG_IO);
  assert_contains(error.message, "Bad file descriptor");
  file_abort(&file);
  assert_int_equal(count_names(folder), 0);
}

/* --------------------------------------------------------------------------------------------------- no place left -- */

/* The file that could not be put in its place is whole, and named. */
static void assert_kept(struct file *file, const char *reason)
{
  struct stepimg_error error;
  char *kept = NULL;
  error_clear(&error);
  close_good(file);
  assert_int_equal(file_commit(file, &kept, &error), STEPIMG_IO);
  assert_int_equal(error.kind, STEPIMG_IO);
  assert_non_null(kept);
  assert_contains(error.message, "picture.png");
  assert_contains(error.message, reason);
  assert_contains(error.message, kept);
  file_abort(file);
  assert_holds(kept, "new");
  assert_int_equal(unlink(kept), 0);
  free(kept);
}

static void a_file_that_finds_no_place_is_kept_and_named(void **state)
{
  const char *path = in_folder("picture.png");
  (void)state;
  struct file file = open_good(path);
  write_good(&file, "new");
  assert_int_equal(mkdir(path, 0700), 0);
  assert_kept(&file, "Is a directory");
  assert_int_equal(rmdir(path), 0);

  file = open_good(path);
  write_good(&file, "new");
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_kept(&file, "File exists");
  assert_true(S_ISFIFO(look_at(path).st_mode));
}

static void so_it_is_where_nobody_asks_for_its_name(void **state)
{
  struct stepimg_error error;
  const char *path = in_folder("picture.png");
  struct file file = open_good(path);
  (void)state;
  error_clear(&error);
  write_good(&file, "new");
  close_good(&file);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(file_commit(&file, NULL, &error), STEPIMG_IO);
  assert_int_equal(count_names(folder), 2);
}

static void a_file_that_somebody_took_away_is_not_promised(void **state)
{
  struct stepimg_error error;
  char *kept = folder;
  struct file file = open_good(in_folder("picture.png"));
  (void)state;
  error_clear(&error);
  write_good(&file, "new");
  close_good(&file);
  assert_int_equal(unlink(file.temporary), 0);
  assert_int_equal(file_commit(&file, &kept, &error), STEPIMG_IO);
  assert_null(kept);
  assert_contains(error.message, "cannot be written: No such file or directory");
}

/* -------------------------------------------------------------------------------------------------------- copies -- */

static void copy_good(const char *from, const char *to)
{
  struct stepimg_error error;
  if (stepimg_copy_file(from, to, &error) != STEPIMG_OK)
    fail_msg("%s", error.message);
  assert_int_equal(error.kind, STEPIMG_OK);
}

static void a_copy_is_whole(void **state)
{
  static char copied[sizeof block + 1];
  struct stepimg_error error;
  (void)state;
  for (size_t i = 0; i < sizeof block; i++)
    block[i] = (char)(i * 7 % 253);
  assert_int_equal(stepimg_write_file(in_folder("one"), block, sizeof block, &error), STEPIMG_OK);
  write_plainly(in_folder("other"), "old", 0600);
  copy_good(in_folder("one"), in_folder("other"));
  copy_good(in_folder("one"), in_folder("one"));
  int descriptor = open(in_folder("other"), O_RDONLY);
  assert_int_equal(read(descriptor, copied, sizeof copied), sizeof block);
  close(descriptor);
  assert_memory_equal(copied, block, sizeof block);
  assert_int_equal(look_at(in_folder("one")).st_size, sizeof block);
  assert_int_equal(mode_of(in_folder("other")), 0600);
  write_plainly(in_folder("empty"), "", 0600);
  copy_good(in_folder("empty"), in_folder("one"));
  assert_holds(in_folder("one"), "");
  assert_int_equal(count_names(folder), 3);
}

static void assert_no_copy(const char *from, const char *to, const char *reason)
{
  struct stepimg_error error;
  size_t count = count_names(folder);
  assert_int_equal(stepimg_copy_file(from, to, &error), STEPIMG_IO);
  assert_int_equal(error.kind, STEPIMG_IO);
  assert_contains(error.message, reason);
  assert_int_equal(count_names(folder), count);
}

static void a_copy_that_cannot_be_made_leaves_nothing(void **state)
{
  (void)state;
  write_plainly(in_folder("one"), "new", 0600);
  write_plainly(in_folder("other"), "old", 0600);
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  assert_no_copy(in_folder("none"), in_folder("other"), "none\" cannot be read: No such file or directory");
  assert_no_copy(folder, in_folder("other"), "cannot be read: Is a directory");
  assert_no_copy(in_folder("pipe"), in_folder("other"), "pipe\" cannot be read: it is no regular file");
  assert_no_copy(in_folder("one"), in_folder("none/x"), "cannot be written: no file can be made in its folder");
  assert_no_copy(in_folder("one"), folder, "it is a directory");
  assert_holds(in_folder("other"), "old");
}

/* --------------------------------------------------------------------------------------------- files of our own -- */

static void a_plain_file_takes_the_place_of_a_link(void **state)
{
  struct stepimg_error error;
  (void)state;
  write_plainly(in_folder("other"), "other", 0600);
  assert_int_equal(symlink("other", in_folder("one")), 0);
  save_plainly(in_folder("one"), "new", STEPIMG_OK);
  assert_true(S_ISREG(look_at(in_folder("one")).st_mode));
  assert_int_equal(mode_of(in_folder("one")), 0644);
  assert_holds(in_folder("one"), "new");
  assert_holds(in_folder("other"), "other");
  write_plainly(in_folder("one"), "old", 0);
  save_plainly(in_folder("one"), "new", STEPIMG_OK); /* nobody could read it otherwise */
  assert_int_equal(mode_of(in_folder("one")), 0644);
  assert_int_equal(mkdir(in_folder("folder"), 0700), 0);
  save_plainly(in_folder("folder"), "new", STEPIMG_IO);
  assert_int_equal(count_names(folder), 3);
  struct file file;
  error_clear(&error);
  assert_int_equal(file_open_plain(&file, in_folder("none/x"), &error), STEPIMG_IO);
  assert_contains(error.message, "no file can be made in its folder");
}

static void a_plain_source_is_no_link(void **state)
{
  struct source source;
  struct stepimg_error error;
  (void)state;
  write_plainly(in_folder("one"), "text", 0600);
  assert_int_equal(symlink("one", in_folder("link")), 0);
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  error_clear(&error);
  assert_int_equal(source_open(&source, in_folder("link"), &error), STEPIMG_OK);
  source_close(&source);
  assert_int_equal(source_open_plain(&source, in_folder("one"), &error), STEPIMG_OK);
  assert_int_equal(source.size, 4);
  source_close(&source);
  assert_int_equal(source_open_plain(&source, in_folder("link"), &error), STEPIMG_IO);
  assert_int_equal(source_open_plain(&source, in_folder("pipe"), &error), STEPIMG_IO);
  assert_int_equal(source_open_plain(&source, folder, &error), STEPIMG_IO);
}

int main(void)
{
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      IN_A_FOLDER(the_old_file_stays_until_the_new_one_is_whole),
      IN_A_FOLDER(what_is_aborted_leaves_nothing),
      IN_A_FOLDER(it_can_be_written_anew),
      IN_A_FOLDER(many_at_once_do_not_meet),
      IN_A_FOLDER(a_path_means_what_it_meant_when_it_was_given),
      IN_A_FOLDER(a_deep_working_directory_is_one_too),
      IN_A_FOLDER(a_working_directory_that_is_gone_is_an_error),
      IN_A_FOLDER(names_may_be_as_long_as_the_system_takes_them),
      cmocka_unit_test(of_a_long_path_both_ends_are_shown),
      IN_A_FOLDER(a_link_is_followed_and_stays),
      IN_A_FOLDER(a_link_to_nothing_names_a_new_file),
      IN_A_FOLDER(links_are_followed_as_far_as_the_system_does),
      IN_A_FOLDER(what_is_no_regular_file_is_refused),
      IN_A_FOLDER(what_has_no_folder_is_refused),
      IN_A_FOLDER(a_folder_that_may_not_be_written_is_an_error),
      IN_A_FOLDER(a_link_that_does_not_lead_to_its_file_is_refused),
      IN_A_FOLDER(a_file_keeps_its_mode),
      IN_A_FOLDER(a_new_file_is_as_open_as_all_new_ones),
      IN_A_FOLDER(root_leaves_a_file_to_its_owner),
      IN_A_FOLDER(another_group_gains_no_right),
      IN_A_FOLDER(beyond_the_limit_of_a_files_size_is_an_error_and_no_signal),
      IN_A_FOLDER(a_signal_of_the_hosts_own_stays),
      IN_A_FOLDER(a_full_disk_is_an_error_that_leaves_nothing),
      IN_A_FOLDER(every_byte_is_written_whatever_interrupts),
      IN_A_FOLDER(what_close_says_counts),
      IN_A_FOLDER(a_file_that_finds_no_place_is_kept_and_named),
      IN_A_FOLDER(so_it_is_where_nobody_asks_for_its_name),
      IN_A_FOLDER(a_file_that_somebody_took_away_is_not_promised),
      IN_A_FOLDER(a_copy_is_whole),
      IN_A_FOLDER(a_copy_that_cannot_be_made_leaves_nothing),
      IN_A_FOLDER(a_plain_file_takes_the_place_of_a_link),
      IN_A_FOLDER(a_plain_source_is_no_link),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
