/*
 * zframe - single zstd frames in memory, each with its content size and checksum: the blocks of binary
 * files. (textio reads whole compressed files as a stream.)
 */
#ifndef SIM_BASE_ZFRAME_H
#define SIM_BASE_ZFRAME_H
#include <stdbool.h>
#include <stddef.h>

struct zpack;
struct zunpack;

struct zpack *zpack_create(int level); /* 1 fast ... 19 small */
void zpack_destroy(struct zpack *z);
size_t zframe_bound(size_t n); /* most bytes that a frame of n bytes takes */
/* Returns the frame's bytes; room is at least zframe_bound(n). */
size_t zpack_frame(struct zpack *z, const void *from, size_t n, void *to, size_t room);

struct zunpack *zunpack_create(void);
void zunpack_destroy(struct zunpack *z);
/* Exactly one frame of zn bytes that holds exactly n, whether it says so or not. False: *why is what is wrong with it. */
bool zunpack_frame(
	struct zunpack *z, const void *from, size_t zn, void *to, size_t n, const char **why);

#endif
