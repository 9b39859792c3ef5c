// struct: numbers and texts to bytes and back by a format of letters, with the functions and messages of the
// module that scripts of Redis use:
//   > <          the bytes of what follows stand highest or lowest first (lowest, at the start)
//   ! or !n      alignment to at most 8, or n, a power of two (1, at the start)
//   x            a zero byte
//   b B h H l L  signed and unsigned numbers of 1, 2 and 8 bytes;  T  like L;  i I  4 bytes, in I n with up
//   to 32 f d          4 and 8 bytes of floating point s            a text with a zero byte behind it;  cn  n
//   bytes of text, c0 all of it, or as many as the number before says
// Blanks are passed over.
#pragma once

#include <lua.hpp>

namespace hearth::script {

// The global table `struct`.
void OpenStruct(lua_State* lua);

}  // namespace hearth::script
