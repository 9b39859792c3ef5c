// Makes a library of its code: runs it once, in an environment of its own in which it registers its functions
// and can do little else.
//
// Owned by FunctionStore; engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lua.hpp>

#include "base/result.h"
#include "env/clock.h"
#include "script/interpreter.h"
#include "script/runner.h"

namespace hearth::script {

struct Function {
  std::string name;
  std::optional<std::string> description;
  uint32_t flags = 0;
  int reference = LUA_NOREF;
  int last_line = 1;
};

struct Library {
  explicit Library(Interpreter& keeper) : keeper(keeper) {}
  ~Library() {
    for (const Function& function : functions) keeper.Release(function.reference);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  Interpreter& keeper;
  std::string name;
  std::string code;
  std::vector<Function> functions;
};

class LibraryLoader {
 public:
  // Code that runs for longer is stopped, if it `is_limited`.
  static constexpr int64_t kLongestMicros = 500'000;

  LibraryLoader(Runner& runner, env::Clock& clock);

  // The error is the text after "ERR ".
  Result<std::shared_ptr<const Library>> Load(const std::string& code, bool is_limited);
  Interpreter& interpreter() { return interpreter_; }
  size_t lua_bytes() const { return interpreter_.memory_bytes(); }

 private:
  struct Loading;

  static LibraryLoader& Of(lua_State* lua) {
    return *static_cast<LibraryLoader*>(lua_touserdata(lua, lua_upvalueindex(1)));
  }
  static int Register(lua_State* lua);
  static void Hook(lua_State* lua, lua_Debug* debug);
  static void RunCode(lua_State* lua, void* data);
  void PrepareEnvironment(Runner& runner);

  env::Clock& clock_;
  Interpreter interpreter_;
  int environment_ = LUA_NOREF;        // that all functions have
  int environment_rules_ = LUA_NOREF;  // its metatable, which says what it shows
  int loading_globals_ = LUA_NOREF;    // while a library loads
  Loading* loading_ = nullptr;
};

}  // namespace hearth::script
