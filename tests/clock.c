/* A clock that jumps: loaded before the C library, it moves the time of day, and only that, by ten
   years forward or back at every question. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const long jumps[] = {0, 315360000, -315360000};
static unsigned asked;

int clock_gettime(clockid_t which, struct timespec *told)
{
    int failed = syscall(SYS_clock_gettime, which, told);
    if (!failed && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        told->tv_sec += jumps[__sync_fetch_and_add(&asked, 1) % 3];
    return failed;
}

time_t time(time_t *kept)
{
    struct timespec told;
    clock_gettime(CLOCK_REALTIME, &told);
    if (kept)
        *kept = told.tv_sec;
    return told.tv_sec;
}

int gettimeofday(struct timeval *told, void *zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    told->tv_sec = now.tv_sec;
    told->tv_usec = now.tv_nsec / 1000;
    return 0;
}
