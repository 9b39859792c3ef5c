// Bytes that a library gathers before they become a Lua string. They stand in a userdata at a place of the
// Lua stack, so that the state's allocator bounds them, and an error that leaves the library leaves nothing
// behind: a ByteBuffer itself needs no destruction. Lives in one call of a library function.
#pragma once

#include <cstring>
#include <lua.hpp>
#include <string_view>

namespace hearth::script {

class ByteBuffer {
 public:
  // Takes the next place of the stack.
  explicit ByteBuffer(lua_State* lua) : lua_(lua) {
    lua_pushnil(lua);
    place_ = lua_gettop(lua);
  }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  size_t size() const { return size_; }
  void Clear() { size_ = 0; }

  void Append(char byte) {
    if (size_ == capacity_) Grow(1);
    data_[size_++] = byte;
  }
  void Append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(Extend(text.size()), text.data(), text.size());
  }
  void AppendZeros(size_t count) {
    if (count > 0) std::memset(Extend(count), 0, count);
  }
  // Room for `count` more bytes, which count as written.
  char* Extend(size_t count) {
    if (capacity_ - size_ < count) Grow(count);
    char* room = data_ + size_;
    size_ += count;
    return room;
  }

  // Pushes the bytes as a string.
  void PushString() const { lua_pushlstring(lua_, data_, size_); }

 private:
  static constexpr size_t kFirstCapacity = 128;

  void Grow(size_t wanted) {
    size_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    if (capacity < size_ + wanted) capacity = size_ + wanted;
    luaL_checkstack(lua_, 1, "no room for a buffer");
    char* data = static_cast<char*>(lua_newuserdata(lua_, capacity));
    if (size_ > 0) std::memcpy(data, data_, size_);
    lua_replace(lua_, place_);
    data_ = data;
    capacity_ = capacity;
  }

  lua_State* lua_;
  int place_;
  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace hearth::script
