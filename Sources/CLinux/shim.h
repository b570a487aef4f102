#ifndef XMPP_BRIDGE_CLINUX_SHIM_H
#define XMPP_BRIDGE_CLINUX_SHIM_H

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Calls of Linux alone, which Swift does not import. Numbers stand where a header has a name for _GNU_SOURCE only. */

enum { xb_splice_nonblock = 2, xb_set_pipe_size = 1031, xb_get_pipe_size = 1032 };

/* Copies what a pipe holds into another, and leaves it there (tee(2)). */
static inline ssize_t xb_tee(int from, int to, size_t length) {
    return syscall(SYS_tee, from, to, length, xb_splice_nonblock);
}

/* Moves what a pipe holds elsewhere (splice(2)). */
static inline ssize_t xb_splice(int from, int to, size_t length) {
    return syscall(SYS_splice, from, 0, to, 0, length, xb_splice_nonblock);
}

static inline int xb_pipe_size(int pipe) { return fcntl(pipe, xb_get_pipe_size); }
static inline int xb_resize_pipe(int pipe, int bytes) { return fcntl(pipe, xb_set_pipe_size, bytes); }

/* How many bytes can be read at once. */
static inline int xb_readable(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}

/* An epoll that is readable once something new has come to the descriptor; negative where it cannot be made. */
static inline int xb_watch_news(int descriptor) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    if (epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        close(epoll);
        return -1;
    }
    return epoll;
}

/* Takes note of the news. */
static inline void xb_take_news(int epoll) {
    struct epoll_event event;
    (void)epoll_wait(epoll, &event, 1, 0);
}

#endif
