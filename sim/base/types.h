/*
 * types - the words the whole program speaks: address spaces as distinct types, so that the
 * compiler refuses to mix them, and time as unsigned 64-bit picoseconds (213 days).
 */
#ifndef SIM_BASE_TYPES_H
#define SIM_BASE_TYPES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	uint64_t a;
} iova_t; /* what a device puts on the bus */

typedef struct {
	uint64_t a;
} hpa_t; /* host physical address */

typedef struct {
	uint16_t bdf;
} rid_t; /* PCIe requester id: bus 15:8, device 7:3, function 2:0 */

typedef uint64_t sim_time; /* picoseconds since the start of the run */
#define SIM_TIME_NEVER UINT64_MAX

#define PS  ((sim_time)1)
#define NS  (1000 * PS)
#define US  (1000 * NS)
#define MS  (1000 * US)
#define SEC (1000 * MS)

typedef uint32_t cycles_t; /* of the clock named by context */

#define PAGE_LG2  12u
#define PAGE_SIZE ((uint64_t)1 << PAGE_LG2)

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
