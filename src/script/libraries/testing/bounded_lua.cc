#include "script/libraries/testing/bounded_lua.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/assert.h"
#include "script/libraries/libraries.h"

namespace hearth::script {
namespace {

constexpr int kInstructionsPerHook = 1000;
// Where the registry keeps the state's owner.
constexpr char kOwner[] = "bounded_lua";

double ProcessorSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::string Describe(lua_State* lua, int index, int depth = 0) {
  switch (lua_type(lua, index)) {
    case LUA_TSTRING: {
      size_t size;
      const char* text = lua_tolstring(lua, index, &size);
      return {text, size};
    }
    case LUA_TNUMBER: {
      lua_pushvalue(lua, index);
      std::string text = lua_tostring(lua, -1);
      lua_pop(lua, 1);
      return text;
    }
    case LUA_TBOOLEAN:
      return lua_toboolean(lua, index) != 0 ? "true" : "false";
    case LUA_TNIL:
      return "nil";
    case LUA_TLIGHTUSERDATA:
      return "null";
    case LUA_TTABLE:
      break;
    default:
      return luaL_typename(lua, index);
  }
  if (depth > 8) return "{...}";
  if (index < 0) index = lua_gettop(lua) + 1 + index;
  std::vector<std::string> members;
  for (int i = 1;; ++i) {
    lua_rawgeti(lua, index, i);
    const bool is_end = lua_isnil(lua, -1);
    if (!is_end) members.push_back(Describe(lua, -1, depth + 1));
    lua_pop(lua, 1);
    if (is_end) break;
  }
  const auto named = static_cast<ptrdiff_t>(members.size());
  lua_pushnil(lua);
  for (; lua_next(lua, index) != 0; lua_pop(lua, 1)) {
    if (lua_type(lua, -2) == LUA_TNUMBER && lua_tonumber(lua, -2) >= 1 &&
        lua_tonumber(lua, -2) <= static_cast<double>(named))
      continue;
    members.push_back(Describe(lua, -2, depth + 1) + "=" + Describe(lua, -1, depth + 1));
  }
  std::sort(members.begin() + named, members.end());
  std::string text = "{";
  for (const std::string& member : members) text += (text.size() > 1 ? " " : "") + member;
  return text + "}";
}

}  // namespace

BoundedLua::BoundedLua(const Limits& limits) : limits_(limits) {
  lua_ = lua_newstate(Allocate, this);
  HEARTH_ASSERT(lua_ != nullptr);
  luaJIT_setmode(lua_, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  OpenLibraries(lua_);
  SeedRandom(lua_, 0);
  if (!limits.has_patterns) {
    lua_getglobal(lua_, LUA_STRLIBNAME);
    for (const char* name : {"find", "match", "gmatch", "gfind", "gsub"}) {
      lua_pushnil(lua_);
      lua_setfield(lua_, -2, name);
    }
    lua_pop(lua_, 1);
  }
  ProtectGlobals(lua_);
  PushGlobals(lua_);
  for (const char* name : {"KEYS", "ARGV"}) {
    lua_newtable(lua_);
    lua_setfield(lua_, -2, name);
  }
  lua_pop(lua_, 1);
  lua_pushlightuserdata(lua_, this);
  lua_setfield(lua_, LUA_REGISTRYINDEX, kOwner);
}

BoundedLua::~BoundedLua() { lua_close(lua_); }

void* BoundedLua::Allocate(void* self, void* block, size_t old_size, size_t new_size) {
  auto* lua = static_cast<BoundedLua*>(self);
  if (new_size > old_size && lua->used_bytes_ + (new_size - old_size) > lua->limits_.memory_bytes)
    return nullptr;
  lua->used_bytes_ = lua->used_bytes_ - old_size + new_size;
  if (new_size == 0) {
    std::free(block);
    return nullptr;
  }
  return std::realloc(block, new_size);
}

void BoundedLua::OnCount(lua_State* lua, lua_Debug*) {
  lua_getfield(lua, LUA_REGISTRYINDEX, kOwner);
  auto* self = static_cast<BoundedLua*>(lua_touserdata(lua, -1));
  lua_pop(lua, 1);
  const bool is_late = self->limits_.seconds > 0 && ProcessorSeconds() > self->end_seconds_;
  if (--self->hooks_left_ >= 0 && !is_late) return;
  self->hooks_left_ = 0;
  // A program may catch this error, but not one at each of its instructions.
  lua_sethook(lua, OnCount, LUA_MASKCOUNT, 1);
  luaL_error(lua, "too many instructions");
}

std::string BoundedLua::Run(std::string_view source) {
  hooks_left_ = limits_.instructions / kInstructionsPerHook;
  end_seconds_ = ProcessorSeconds() + limits_.seconds;
  lua_sethook(lua_, OnCount, LUA_MASKCOUNT, kInstructionsPerHook);
  lua_settop(lua_, 0);
  std::string text;
  if (LoadText(lua_, source, "@user_script") != 0 || lua_pcall(lua_, 0, LUA_MULTRET, 0) != 0) {
    text = "error: " + Describe(lua_, -1);
  } else {
    for (int i = 1; i <= lua_gettop(lua_); ++i) text += (i > 1 ? " " : "") + Describe(lua_, i);
  }
  lua_sethook(lua_, nullptr, 0, 0);
  lua_settop(lua_, 0);
  lua_gc(lua_, LUA_GCCOLLECT, 0);
  return text;
}

}  // namespace hearth::script
