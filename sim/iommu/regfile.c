#include "iommu/regfile.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

void regfile_init(struct regfile *rf, uint32_t size)
{
	rf->size = size;
	rf->value = xcalloc(size, 1);
	rf->writable = xcalloc(size, 1);
	rf->w1c = xcalloc(size, 1);
}

void regfile_fini(struct regfile *rf)
{
	free(rf->value);
	free(rf->writable);
	free(rf->w1c);
}

static void set_bytes(uint8_t *at, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

void regfile_add(struct regfile *rf, const struct reg_desc *d, uint64_t reset)
{
	BUG_ON(d->offset + d->bytes > rf->size || d->bytes > 8);
	set_bytes(rf->value + d->offset, d->bytes, reset);
	set_bytes(rf->writable + d->offset, d->bytes, d->writable);
	set_bytes(rf->w1c + d->offset, d->bytes, d->w1c);
}

uint64_t regfile_read(const struct regfile *rf, uint32_t offset, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++) {
		uint8_t b = offset + i < rf->size ? rf->value[offset + i] : 0xff;

		v |= (uint64_t)b << (8 * i);
	}
	return v;
}

void regfile_write(struct regfile *rf, uint32_t offset, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes && offset + i < rf->size; i++) {
		uint8_t b = (uint8_t)(value >> (8 * i));
		uint8_t *v = &rf->value[offset + i];
		uint8_t writable = rf->writable[offset + i], w1c = rf->w1c[offset + i];

		*v = (uint8_t)((*v & ~writable) | (b & writable));
		*v = (uint8_t)(*v & ~(b & w1c));
	}
}

uint32_t reg32(const struct regfile *rf, uint32_t offset)
{
	return (uint32_t)regfile_read(rf, offset, 4);
}

uint64_t reg64(const struct regfile *rf, uint32_t offset)
{
	return regfile_read(rf, offset, 8);
}

void reg32_set(struct regfile *rf, uint32_t offset, uint32_t value)
{
	BUG_ON(offset + 4 > rf->size);
	set_bytes(rf->value + offset, 4, value);
}

void reg64_set(struct regfile *rf, uint32_t offset, uint64_t value)
{
	BUG_ON(offset + 8 > rf->size);
	set_bytes(rf->value + offset, 8, value);
}
