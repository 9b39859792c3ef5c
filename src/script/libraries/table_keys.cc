#include "script/libraries/table_keys.h"

#include <algorithm>
#include <string_view>

#include "base/assert.h"

namespace hearth::script {
namespace {

bool IsBefore(const TableKeys::Key& a, const TableKeys::Key& b) {
  if (a.text == nullptr || b.text == nullptr) {
    if ((a.text == nullptr) != (b.text == nullptr)) return a.text == nullptr;
    return a.number < b.number;
  }
  return std::string_view(a.text, a.size) < std::string_view(b.text, b.size);
}

}  // namespace

TableKeys::TableKeys(lua_State* lua, int table, size_t count) {
  keys_ = static_cast<Key*>(lua_newuserdata(lua, count * sizeof(Key)));
  lua_pushnil(lua);
  while (lua_next(lua, table) != 0) {
    lua_pop(lua, 1);
    const int type = lua_type(lua, -1);
    if (type != LUA_TNUMBER && type != LUA_TSTRING) {
      lua_pop(lua, 1);
      has_others_ = true;
      count_ = 0;
      return;
    }
    HEARTH_ASSERT(count_ < count);
    Key& key = keys_[count_++];
    key = {nullptr, 0, 0};
    if (type == LUA_TSTRING) {
      key.text = lua_tolstring(lua, -1, &key.size);
    } else {
      key.number = lua_tonumber(lua, -1);
    }
  }
  std::sort(keys_, keys_ + count_, IsBefore);
}

void TableKeys::Push(lua_State* lua, const Key& key) {
  if (key.text != nullptr) {
    lua_pushlstring(lua, key.text, key.size);
  } else {
    lua_pushnumber(lua, key.number);
  }
}

}  // namespace hearth::script
