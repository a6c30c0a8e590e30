#include "conf/conf_utf8.h"

/* Length of a sequence by its first byte, or 0. Two bytes too many for a code, surrogates and codes
 * above U+10FFFF are left to the parser. */
static size_t length_of(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Bytes of the sequence at s, or 0 when it is not UTF-8. */
static size_t sequence(const unsigned char *s, size_t room)
{
	size_t n = length_of(s[0]);

	if (n > room)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool conf_check_utf8(const char *text, size_t len, const char *file, struct err *err)
{
	const unsigned char *s = (const unsigned char *)text;
	struct src_pos pos = { .file = file, .line = 1, .column = 1 };
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = sequence(s + i, len - i);
		if (n == 0)
			return err_at(err, pos, NULL, "byte 0x%02x is not UTF-8 text", s[i]);
		if ((s[i] < 0x20 && s[i] != '\t' && s[i] != '\n' && s[i] != '\r') || s[i] == 0x7f)
			return err_at(
				err, pos, NULL, "control character 0x%02x: not a text file", s[i]);
		pos.column++;
		if (s[i] == '\n') {
			pos.line++;
			pos.column = 1;
		}
	}
	return true;
}
