#include "script/interpreter.h"

#include <cstdlib>

#include "base/assert.h"
#include "script/libraries/libraries.h"

namespace hearth::script {
namespace {

// The first slots of the stack are ours for good.
constexpr int kHandlerSlot = 1;
constexpr int kTrampolineSlot = 2;

// A step of the collector after so many calls; how far one goes, in the collector's own measure of kilobytes.
constexpr size_t kCallsBetweenSteps = 64;
constexpr int kStepKilobytes = 16;
constexpr int kIdleStepKilobytes = 256;
// After so many whole cycles since the last call there is nothing left to be found.
constexpr int kIdleCycles = 2;

struct Errand {
  Interpreter::Body body;
  void* data;
};

int Trampoline(lua_State* lua) {
  const auto* errand = static_cast<const Errand*>(lua_touserdata(lua, 1));
  lua_settop(lua, 0);
  errand->body(lua, errand->data);
  return 0;
}

// Whatever was raised becomes a table that says where.
int DescribeError(lua_State* lua) {
  if (lua_type(lua, 1) != LUA_TTABLE) {
    lua_createtable(lua, 0, 3);
    lua_pushliteral(lua, "ERR ");
    if (lua_isstring(lua, 1) != 0) {
      lua_pushvalue(lua, 1);
    } else {
      lua_pushstring(lua, luaL_typename(lua, 1));
    }
    lua_concat(lua, 2);
    lua_setfield(lua, -2, "err");
    lua_replace(lua, 1);
  }
  // The function that has raised it, or that which has called what raised it. A call whose result is returned
  // as it is leaves no trace of its caller: then nothing is known.
  lua_Debug where;
  bool is_known = false;
  for (int level = 1; level <= 2 && !is_known; ++level) {
    is_known =
        lua_getstack(lua, level, &where) != 0 && lua_getinfo(lua, "Sl", &where) != 0 && where.currentline > 0;
  }
  if (is_known) {
    lua_pushstring(lua, "source");
    lua_pushstring(lua, where.source);
    lua_rawset(lua, 1);
    lua_pushstring(lua, "line");
    lua_pushinteger(lua, where.currentline);
    lua_rawset(lua, 1);
  }
  lua_settop(lua, 1);
  return 1;
}

struct Source {
  std::string_view text;
  const char* chunk_name;
  int reference = LUA_NOREF;
  std::string error;
};

void CompileSource(lua_State* lua, void* data) {
  auto* source = static_cast<Source*>(data);
  if (LoadText(lua, source->text, source->chunk_name) != 0) {
    source->error = lua_tostring(lua, -1);
  } else {
    source->reference = Interpreter::Keep(lua);
  }
}

std::string_view FieldText(lua_State* lua, const char* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, -2);
  size_t size = 0;
  const char* text = lua_type(lua, -1) == LUA_TSTRING ? lua_tolstring(lua, -1, &size) : nullptr;
  // The table keeps it.
  lua_pop(lua, 1);
  return text != nullptr ? std::string_view(text, size) : std::string_view();
}

struct ErrorReading {
  int slot;
  Interpreter::ScriptError error;
};

void ReadError(lua_State* lua, void* data) {
  auto* reading = static_cast<ErrorReading*>(data);
  Interpreter::ScriptError& error = reading->error;
  Interpreter::PushKept(lua, reading->slot);
  if (lua_type(lua, -1) != LUA_TTABLE) {
    // The handler that makes tables has failed, too.
    const char* text = lua_tostring(lua, -1);
    error.text = std::string("ERR ") + (text != nullptr ? text : "unknown error");
    return;
  }
  error.text = FieldText(lua, "err");
  if (error.text.empty()) error.text = "ERR unknown error";
  error.source = FieldText(lua, "source");
  lua_pushliteral(lua, "line");
  lua_rawget(lua, -2);
  error.line = static_cast<int>(lua_tointeger(lua, -1));
  lua_pop(lua, 1);
  lua_pushliteral(lua, "ignore_error_stats_update");
  lua_rawget(lua, -2);
  error.is_counted = lua_toboolean(lua, -1) != 0;
}

}  // namespace

void* LuaMemory::Allocate(void* self, void* block, size_t old_bytes, size_t new_bytes) {
  auto* memory = static_cast<LuaMemory*>(self);
  if (block == nullptr) old_bytes = 0;
  if (new_bytes == 0) {
    std::free(block);
    memory->used_bytes_ -= old_bytes;
    return nullptr;
  }
  if (new_bytes > old_bytes && memory->used_bytes_ + (new_bytes - old_bytes) > memory->limit_bytes_) {
    memory->has_refused_ = true;
    return nullptr;
  }
  void* moved = std::realloc(block, new_bytes);
  if (moved != nullptr) memory->used_bytes_ += new_bytes - old_bytes;
  return moved;
}

Interpreter::Interpreter(void* self, size_t memory_limit)
    : memory_(memory_limit), lua_(lua_newstate(&LuaMemory::Allocate, &memory_)) {
  HEARTH_ASSERT(lua_ != nullptr);
  luaJIT_setmode(lua_, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  lua_pushcfunction(lua_, &DescribeError);
  lua_pushcfunction(lua_, &Trampoline);
  lua_pushliteral(lua_, "hearth.self");
  lua_pushlightuserdata(lua_, self);
  lua_rawset(lua_, LUA_REGISTRYINDEX);
  lua_pushboolean(lua_, 0);
  error_slot_ = Keep(lua_);
  OpenLibraries(lua_);
  lua_settop(lua_, kTrampolineSlot);
}

Interpreter::~Interpreter() { lua_close(lua_); }

void* Interpreter::Self(lua_State* lua) {
  lua_pushliteral(lua, "hearth.self");
  lua_rawget(lua, LUA_REGISTRYINDEX);
  void* self = lua_touserdata(lua, -1);
  lua_pop(lua, 1);
  return self;
}

Result<int> Interpreter::Compile(std::string_view source, const char* chunk_name) {
  Source compiled{source, chunk_name};
  if (!Call(&CompileSource, &compiled)) return Fail(TakeError().text);
  if (!compiled.error.empty()) return Fail(std::move(compiled.error));
  return compiled.reference;
}

bool Interpreter::Call(Body body, void* data) {
  Errand errand{body, data};
  idle_cycles_ = 0;
  lua_settop(lua_, kTrampolineSlot);
  lua_pushvalue(lua_, kTrampolineSlot);
  lua_pushlightuserdata(lua_, &errand);
  return lua_pcall(lua_, 1, 0, kHandlerSlot) == 0;
}

Interpreter::ScriptError Interpreter::TakeError() {
  // Reading it may itself need memory that is not there; storing it does not.
  lua_rawseti(lua_, LUA_REGISTRYINDEX, error_slot_);
  ErrorReading reading{error_slot_, {}};
  if (!Call(&ReadError, &reading)) reading.error = {.text = "ERR not enough memory"};
  lua_settop(lua_, kTrampolineSlot);
  lua_pushboolean(lua_, 0);
  lua_rawseti(lua_, LUA_REGISTRYINDEX, error_slot_);
  // The collector does not know of our limit: the next script would find no room either.
  if (memory_.TakeRefusal()) lua_gc(lua_, LUA_GCCOLLECT, 0);
  return std::move(reading.error);
}

void Interpreter::CollectGarbage(bool is_idle) {
  if (!is_idle) {
    if (++calls_ % kCallsBetweenSteps == 0) lua_gc(lua_, LUA_GCSTEP, kStepKilobytes);
  } else if (idle_cycles_ < kIdleCycles && lua_gc(lua_, LUA_GCSTEP, kIdleStepKilobytes) == 1) {
    ++idle_cycles_;
  }
}

}  // namespace hearth::script
