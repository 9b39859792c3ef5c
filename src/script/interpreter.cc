#include "script/interpreter.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "script/libraries/libraries.h"

namespace hearth::script {
namespace {

// The first slots of the stack are ours for good.
constexpr int kHandlerSlot = 1;
constexpr int kTrampolineSlot = 2;

// The collector visits all that is in use to find what is not. The libraries alone are more than most scripts
// leave behind, so it waits for as much garbage as there are other things, and for so much at least.
constexpr size_t kLeastGarbageBytes = size_t{1} << 20;
// Lua's own steps, in the middle of a script, begin later by so much than those between scripts.
constexpr size_t kSlackBytes = size_t{256} << 10;
// How far a step between two scripts goes, in the collector's own measure: twice as many bytes are visited.
constexpr size_t kStepKilobytes = 16;
constexpr int kIdleStepKilobytes = 256;
constexpr size_t kCallsBetweenLooks = 64;
// Lua's own: in the middle of a script, the next cycle begins when twice as much is in use as at the end of
// one.
constexpr int kPausePercent = 200;
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
    ::operator delete(block, old_bytes);
    memory->used_bytes_ -= old_bytes;
    return nullptr;
  }
  if (new_bytes > old_bytes && memory->used_bytes_ + (new_bytes - old_bytes) > memory->limit_bytes_) {
    memory->has_refused_ = true;
    return nullptr;
  }
  // Nearly all that scripts allocate is small, and stays as it is until it is freed. The allocator is
  // quickest when it is told the size of what it gets back.
  void* moved = ::operator new(new_bytes, std::nothrow);
  if (moved == nullptr) return nullptr;
  if (block != nullptr) {
    std::memcpy(moved, block, std::min(old_bytes, new_bytes));
    ::operator delete(block, old_bytes);
  }
  memory->used_bytes_ += new_bytes - old_bytes;
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

// Lua's own steps begin when so much is in use. There is no other way to say that than as a percentage of
// what is in use now.
void Interpreter::CollectFrom(size_t bytes) {
  const size_t used = std::max<size_t>(memory_.used_bytes(), 1);
  lua_gc(lua_, LUA_GCSETPAUSE, static_cast<int>(std::min<size_t>(bytes * 100 / used + 1, INT_MAX)));
  lua_gc(lua_, LUA_GCRESTART, -1);
  lua_gc(lua_, LUA_GCSETPAUSE, kPausePercent);
}

// A cycle of the collector is over.
void Interpreter::Rearm() {
  const size_t used = memory_.used_bytes();
  collected_to_bytes_ = 0;
  collect_at_bytes_ = used + std::max(used, kLeastGarbageBytes);
  CollectFrom(collect_at_bytes_ + kSlackBytes);
}

void Interpreter::CollectGarbage(bool is_idle) {
  if (is_idle) {
    if (idle_cycles_ == kIdleCycles || lua_gc(lua_, LUA_GCSTEP, kIdleStepKilobytes) == 0) return;
    ++idle_cycles_;
    return Rearm();
  }
  const size_t used = memory_.used_bytes();
  if (collected_to_bytes_ == 0 && used < collect_at_bytes_) {
    // A long script may have ended a cycle by itself, after which Lua begins the next one too soon.
    if (++calls_ % kCallsBetweenLooks == 0) CollectFrom(collect_at_bytes_ + kSlackBytes);
    return;
  }
  // As fast at least as scripts allocate.
  const size_t grown = collected_to_bytes_ == 0 ? 0 : used - std::min(used, collected_to_bytes_);
  const size_t step = std::max(kStepKilobytes, grown / 1024);
  if (lua_gc(lua_, LUA_GCSTEP, static_cast<int>(step)) == 1) return Rearm();
  collected_to_bytes_ = memory_.used_bytes();
  CollectFrom(collected_to_bytes_ + kSlackBytes);
}

}  // namespace hearth::script
