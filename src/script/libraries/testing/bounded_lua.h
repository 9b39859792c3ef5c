// A Lua state with the libraries as scripts see them, for tests and fuzzers: memory and instructions have an
// end.
#pragma once

#include <cstddef>
#include <lua.hpp>
#include <string>
#include <string_view>

namespace hearth::script {

class BoundedLua {
 public:
  struct Limits {
    size_t memory_bytes = size_t{256} << 20;
    int instructions = 100'000'000;
    // After so much of the processor's time the program ends at its next instruction; 0 for never.
    double seconds = 0;
    // Without string.find and its kin, which may take for ever in one call.
    bool has_patterns = true;
  };
  BoundedLua() : BoundedLua(Limits()) {}
  explicit BoundedLua(const Limits& limits);
  BoundedLua(const BoundedLua&) = delete;
  BoundedLua& operator=(const BoundedLua&) = delete;
  ~BoundedLua();

  // Runs a chunk called @user_script and says what it returned, or "error: " and the message.
  // Values stand as Lua would write them, joined by blanks; tables as {1 2 a=3}, their names in order.
  std::string Run(std::string_view source);

  lua_State* state() { return lua_; }
  size_t used_bytes() const { return used_bytes_; }

 private:
  static void* Allocate(void* self, void* block, size_t old_size, size_t new_size);
  static void OnCount(lua_State* lua, lua_Debug*);

  size_t used_bytes_ = 0;
  const Limits limits_;
  int hooks_left_ = 0;
  double end_seconds_ = 0;
  lua_State* lua_ = nullptr;
};

}  // namespace hearth::script
