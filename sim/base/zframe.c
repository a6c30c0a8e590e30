#include "base/zframe.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/bug.h"

struct zpack {
	ZSTD_CCtx *context;
};

struct zunpack {
	ZSTD_DCtx *context;
};

struct zpack *zpack_create(int level)
{
	struct zpack *z = xcalloc(1, sizeof(*z));

	z->context = ZSTD_createCCtx();
	BUG_ON(!z->context);
	ZSTD_CCtx_setParameter(z->context, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(z->context, ZSTD_c_checksumFlag, 1);
	return z;
}

void zpack_destroy(struct zpack *z)
{
	ZSTD_freeCCtx(z->context);
	free(z);
}

size_t zframe_bound(size_t n)
{
	return ZSTD_compressBound(n);
}

size_t zpack_frame(struct zpack *z, const void *from, size_t n, void *to, size_t room)
{
	size_t zn = ZSTD_compress2(z->context, to, room, from, n);

	BUG_ON(ZSTD_isError(zn));
	return zn;
}

struct zunpack *zunpack_create(void)
{
	struct zunpack *z = xcalloc(1, sizeof(*z));

	z->context = ZSTD_createDCtx();
	BUG_ON(!z->context);
	return z;
}

void zunpack_destroy(struct zunpack *z)
{
	ZSTD_freeDCtx(z->context);
	free(z);
}

bool zunpack_frame(
	struct zunpack *z, const void *from, size_t zn, void *to, size_t n, const char **why)
{
	unsigned long long said = ZSTD_getFrameContentSize(from, zn);
	size_t got;

	if ((said != n && said != ZSTD_CONTENTSIZE_UNKNOWN) ||
		ZSTD_findFrameCompressedSize(from, zn) != zn) {
		*why = "a frame of another size than announced";
		return false;
	}
	got = ZSTD_decompressDCtx(z->context, to, n, from, zn);
	if (!ZSTD_isError(got) && got == n)
		return true;
	*why = ZSTD_isError(got) ? ZSTD_getErrorName(got) : "a short frame";
	return false;
}
