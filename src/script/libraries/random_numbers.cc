#include "script/libraries/random_numbers.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "script/libraries/libraries.h"

namespace hearth::script {
namespace {

// Its address is where the registry keeps the generator.
constexpr char kGenerator = 0;

// POSIX, lrand48(): X' = (aX + c) mod 2^48; the upper 31 bits are the number.
class Generator {
 public:
  void Seed(int32_t seed) { state_ = (static_cast<uint64_t>(static_cast<uint32_t>(seed)) << 16) | 0x330E; }
  int32_t Next() {
    state_ = (state_ * 0x5DEECE66D + 0xB) & ((uint64_t{1} << 48) - 1);
    return static_cast<int32_t>(state_ >> 17);
  }

 private:
  uint64_t state_;
};

Generator* GeneratorOf(lua_State* lua) {
  return static_cast<Generator*>(lua_touserdata(lua, lua_upvalueindex(1)));
}

// A number as the C int that Lua 5.1 makes of it.
int32_t CheckInt(lua_State* lua, int argument) {
  const double number = luaL_checknumber(lua, argument);
  if (!(number > -9.2e18 && number < 9.2e18)) return 0;
  return static_cast<int32_t>(static_cast<uint64_t>(static_cast<int64_t>(number)));
}

int Random(lua_State* lua) {
  constexpr int32_t kRange = std::numeric_limits<int32_t>::max();
  const double share = static_cast<double>(GeneratorOf(lua)->Next() % kRange) / kRange;
  switch (lua_gettop(lua)) {
    case 0:
      lua_pushnumber(lua, share);
      break;
    case 1: {
      const int32_t high = CheckInt(lua, 1);
      luaL_argcheck(lua, high >= 1, 1, "interval is empty");
      lua_pushnumber(lua, std::floor(share * high) + 1);
      break;
    }
    case 2: {
      const int32_t low = CheckInt(lua, 1);
      const int32_t high = CheckInt(lua, 2);
      luaL_argcheck(lua, low <= high, 2, "interval is empty");
      lua_pushnumber(lua, std::floor(share * (static_cast<double>(high) - low + 1)) + low);
      break;
    }
    default:
      return luaL_error(lua, "wrong number of arguments");
  }
  return 1;
}

int RandomSeed(lua_State* lua) {
  GeneratorOf(lua)->Seed(CheckInt(lua, 1));
  return 0;
}

}  // namespace

void ReplaceRandom(lua_State* lua) {
  lua_pushlightuserdata(lua, const_cast<char*>(&kGenerator));
  static_cast<Generator*>(lua_newuserdata(lua, sizeof(Generator)))->Seed(0);
  lua_getglobal(lua, LUA_MATHLIBNAME);
  lua_pushvalue(lua, -2);
  lua_pushcclosure(lua, Random, 1);
  lua_setfield(lua, -2, "random");
  lua_pushvalue(lua, -2);
  lua_pushcclosure(lua, RandomSeed, 1);
  lua_setfield(lua, -2, "randomseed");
  lua_pop(lua, 1);
  lua_rawset(lua, LUA_REGISTRYINDEX);
}

void SeedRandom(lua_State* lua, int32_t seed) {
  lua_pushlightuserdata(lua, const_cast<char*>(&kGenerator));
  lua_rawget(lua, LUA_REGISTRYINDEX);
  static_cast<Generator*>(lua_touserdata(lua, -1))->Seed(seed);
  lua_pop(lua, 1);
}

}  // namespace hearth::script
