// One state of the Lua interpreter: sandboxed, bounded in memory, interpreted and never compiled, since
// compiled loops cannot be stopped. EVAL's scripts share one, the libraries of functions another.
//
// Nothing here may be called from inside Lua. Owned by Scripts; engine thread only, but for what Watchdog
// does.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <lua.hpp>

#include "base/result.h"

namespace hearth::script {

// Counts what a state allocates, and refuses past a limit: Lua then raises "not enough memory".
class LuaMemory {
 public:
  explicit LuaMemory(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  size_t used_bytes() const { return used_bytes_; }
  // Whether something has been refused since the last call.
  bool TakeRefusal() { return std::exchange(has_refused_, false); }
  // A lua_Alloc, whose `self` is a LuaMemory.
  static void* Allocate(void* self, void* block, size_t old_bytes, size_t new_bytes);

 private:
  const size_t limit_bytes_;
  size_t used_bytes_ = 0;
  bool has_refused_ = false;
};

class Interpreter {
 public:
  // Together with the dataset this must fit the machine; what a script that needs more is told is an error.
  static constexpr size_t kMemoryLimit = size_t{1} << 30;

  // What Lua calls back gets `self`.
  explicit Interpreter(void* self, size_t memory_limit = kMemoryLimit);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  lua_State* lua() { return lua_; }
  size_t memory_bytes() const { return memory_.used_bytes(); }

  // The `self` of a state, inside what Lua calls back.
  static void* Self(lua_State* lua);

  // The source as a function that Call can run, or the compiler's message. `chunk_name`: "@user_script".
  Result<int> Compile(std::string_view source, const char* chunk_name);
  // Takes the value on top of the stack into keeping. From inside Lua.
  static int Keep(lua_State* lua) { return luaL_ref(lua, LUA_REGISTRYINDEX); }
  static void PushKept(lua_State* lua, int reference) { lua_rawgeti(lua, LUA_REGISTRYINDEX, reference); }
  void Release(int reference) {
    idle_cycles_ = 0;
    luaL_unref(lua_, LUA_REGISTRYINDEX, reference);
  }

  // Runs `body(lua, data)` inside Lua, where errors may be raised. False if one was: TakeError has it.
  using Body = void (*)(lua_State* lua, void* data);
  bool Call(Body body, void* data);

  struct ScriptError {
    std::string text;    // whole, with its code
    std::string source;  // "@user_script", empty if it is not known where it was raised
    int line = 0;
    bool is_counted = false;  // a command's error, which has been counted when it was made
  };
  // What the last Call left when it gave false.
  ScriptError TakeError();

  // Between calls: frees some of what they have left, if there is enough of it; `is_idle`: whatever there is.
  void CollectGarbage(bool is_idle);

 private:
  void Rearm();
  void CollectFrom(size_t bytes);

  LuaMemory memory_;
  lua_State* lua_;
  int error_slot_ = LUA_NOREF;  // in the registry: the error that TakeError reads
  size_t calls_ = 0;
  size_t collect_at_bytes_ = 0;  // so much in use is reason to begin a cycle of the collector
  size_t collected_to_bytes_ =
      0;                 // in use at the end of the last step of the cycle that runs, 0 if none does
  int idle_cycles_ = 0;  // of the collector, since the last call
};

}  // namespace hearth::script
