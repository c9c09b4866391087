/* A disk that fails: loaded before the C library (LD_PRELOAD), it counts what the process does to the
   files under one folder, and lets the n-th of it fail. `disk_faults.py` arms it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char under[4096];
static long fail_at = 0, fail_for = 0, count = 0;
static int fail_errno = 0;

/* From the `at`-th write on, `times` of them fail with `error`. at 0: none fails, all are counted. */
void faulty_disk_arm(const char *folder, long at, long times, int error) {
    snprintf(under, sizeof under, "%s", folder);
    fail_at = at;
    fail_for = times;
    fail_errno = error;
    count = 0;
}

long faulty_disk_disarm(void) {
    under[0] = 0;
    return count;
}

static int fails(const char *path) {
    if (!under[0] || !path || strncmp(path, under, strlen(under)) != 0) return 0;
    count++;
    if (!fail_at || count < fail_at || count >= fail_at + fail_for) return 0;
    errno = fail_errno;
    return 1;
}

static int fd_fails(int fd) {
    char link[64], path[4096];
    if (!under[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return fails(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    return fd_fails(fd) ? -1 : REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return fd_fails(fd) ? -1 : REAL(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    return fd_fails(fd) ? -1 : REAL(pwrite64)(fd, data, size, at);
}
int fsync(int fd) { return fd_fails(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fd_fails(fd) ? -1 : REAL(fdatasync)(fd); }
int ftruncate(int fd, off_t size) { return fd_fails(fd) ? -1 : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return fd_fails(fd) ? -1 : REAL(ftruncate64)(fd, size); }
int posix_fallocate(int fd, off_t at, off_t size) {
    return fd_fails(fd) ? fail_errno : REAL(posix_fallocate)(fd, at, size);
}
int posix_fallocate64(int fd, off64_t at, off64_t size) {
    return fd_fails(fd) ? fail_errno : REAL(posix_fallocate64)(fd, at, size);
}
int rename(const char *from, const char *to) { return fails(to) ? -1 : REAL(rename)(from, to); }
int link(const char *from, const char *to) { return fails(to) ? -1 : REAL(link)(from, to); }
int mkdir(const char *path, mode_t mode) { return fails(path) ? -1 : REAL(mkdir)(path, mode); }

static mode_t mode_of(int flags, va_list rest) { return flags & O_CREAT ? va_arg(rest, mode_t) : 0; }

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return flags & O_CREAT && fails(path) ? -1 : REAL(open)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return flags & O_CREAT && fails(path) ? -1 : REAL(open64)(path, flags, mode);
}
