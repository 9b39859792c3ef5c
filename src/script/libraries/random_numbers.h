// math.random and math.randomseed with the sequence that scripts of Redis see after math.randomseed: the
// 48-bit linear congruential generator of POSIX's lrand48.
#pragma once

#include <lua.hpp>

namespace hearth::script {

// Into the global table `math`. SeedRandom (libraries.h) says where the sequence begins.
void ReplaceRandom(lua_State* lua);

}  // namespace hearth::script
