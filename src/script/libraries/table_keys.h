// The keys of a table in an order that depends on nothing but themselves: numbers, then texts by their bytes.
// What is written of a table comes out the same each time, whatever its history.
//
// The keys stand in a userdata on the Lua stack, and the texts in the table, which must not change meanwhile.
// A TableKeys needs no destruction.
#pragma once

#include <lua.hpp>
#include <span>

namespace hearth::script {

class TableKeys {
 public:
  struct Key {
    const char* text;  // null for a number
    size_t size;
    double number;
  };

  // The keys of the table at `table`, of which there are `count`. Pushes one value. Empty if a key is neither
  // number nor text: has_others() is true then, and who writes such tables goes over them with lua_next.
  TableKeys(lua_State* lua, int table, size_t count);
  TableKeys(const TableKeys&) = delete;
  TableKeys& operator=(const TableKeys&) = delete;

  bool has_others() const { return has_others_; }
  std::span<const Key> keys() const { return {keys_, count_}; }

  static void Push(lua_State* lua, const Key& key);

 private:
  Key* keys_;
  size_t count_ = 0;
  bool has_others_ = false;
};

}  // namespace hearth::script
