#include "script/libraries/global_writes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace hearth::script {
namespace {

// Its address is the key in the registry of the instruction's number, plus one.
constexpr char kInstruction = 0;

void* KeyOf(const char& name) { return const_cast<char*>(&name); }

// Goes through a chunk as lua_dump gives it, piece by piece, and keeps nothing of it.
//
//   header:    1b 4c 4a, version, flags, size of the name, name
//   function:  size, or 0 at the end; flags, parameters, frame size, upvalues; numbers of constants and
//              numerals; number of instructions; size of what is for debuggers, and if that is not 0 its
//              first line and number of lines; the instructions, of which each has four bytes; the rest
//
// Numbers but for the single bytes are in groups of seven bits, the lowest first.
class InstructionReader {
 public:
  // `visit(number of the instruction in its function, operation)` for each of them.
  using Visit = void (*)(void* data, size_t index, uint8_t operation);
  InstructionReader(Visit visit, void* data) : visit_(visit), data_(data) {}

  static int Write(lua_State*, const void* bytes, size_t size, void* self) {
    auto* reader = static_cast<InstructionReader*>(self);
    const auto* at = static_cast<const uint8_t*>(bytes);
    for (size_t i = 0; i < size; ++i) reader->Take(at[i]);
    return 0;
  }
  // The end was reached, and everything before it was understood.
  bool is_whole() const { return state_ == State::kEnd; }

 private:
  enum class State : uint8_t {
    kMagic,
    kFlags,
    kNameSize,
    kName,
    kFunctionSize,
    kFixed,
    kCounts,
    kDebugSize,
    kDebugLines,
    kInstructions,
    kRest,
    kEnd,
    kBroken
  };
  static constexpr std::array<uint8_t, 4> kMagic = {0x1b, 0x4c, 0x4a, 2};
  static constexpr uint8_t kBigEndian = 1;
  static constexpr uint8_t kStripped = 2;

  void Enter(State state) {
    state_ = state;
    count_ = 0;
  }

  // True with the last byte of a number, which is in number_ then.
  bool TakeNumber(uint8_t byte) {
    if (count_ == 0) number_ = 0;
    number_ |= uint64_t{byte & 0x7fu} << (7 * count_);
    if (++count_ > 5) Enter(State::kBroken);
    if (byte & 0x80) return false;
    count_ = 0;
    return state_ != State::kBroken;
  }

  void Take(uint8_t byte) {
    if (state_ > State::kFunctionSize && state_ <= State::kRest && left_-- == 0) {
      // The function has ended; this is the size of the next.
      Enter(state_ == State::kRest ? State::kFunctionSize : State::kBroken);
    }
    switch (state_) {
      case State::kMagic:
        if (byte != kMagic[count_++]) return Enter(State::kBroken);
        if (count_ == kMagic.size()) Enter(State::kFlags);
        return;
      case State::kFlags:
        return Enter((byte & (kBigEndian | kStripped)) != 0 ? State::kBroken : State::kNameSize);
      case State::kNameSize:
        if (!TakeNumber(byte)) return;
        left_ = number_;
        return Enter(left_ == 0 ? State::kFunctionSize : State::kName);
      case State::kName:
        if (--left_ == 0) Enter(State::kFunctionSize);
        return;
      case State::kFunctionSize:
        if (!TakeNumber(byte)) return;
        left_ = number_;
        return Enter(left_ == 0 ? State::kEnd : State::kFixed);
      case State::kEnd:
        return Enter(State::kBroken);
      default:
        return TakeOfFunction(byte);
    }
  }

  void TakeOfFunction(uint8_t byte) {
    switch (state_) {
      case State::kFixed:
        if (++count_ == 4) {
          Enter(State::kCounts);
          counts_ = 0;
        }
        return;
      case State::kCounts:
        if (!TakeNumber(byte) || ++counts_ < 3) return;
        instructions_ = number_;
        return Enter(State::kDebugSize);
      case State::kDebugSize:
        if (!TakeNumber(byte)) return;
        counts_ = 0;
        return number_ != 0 ? Enter(State::kDebugLines) : EnterInstructions();
      case State::kDebugLines:
        if (TakeNumber(byte) && ++counts_ == 2) EnterInstructions();
        return;
      case State::kInstructions:
        if (count_ % 4 == 0) visit_(data_, count_ / 4, byte);
        if (++count_ == 4 * instructions_) Enter(State::kRest);
        return;
      default:
        return;  // the rest, or nothing that can be read
    }
  }
  void EnterInstructions() {
    // More of them than bytes: this is not the format that it is taken for.
    Enter(instructions_ == 0 || 4 * instructions_ > left_ ? State::kBroken : State::kInstructions);
  }

  const Visit visit_;
  void* const data_;
  State state_ = State::kMagic;
  uint64_t left_ = 0;  // bytes of the name or function at hand
  uint64_t count_ = 0;
  uint64_t counts_ = 0;
  uint64_t number_ = 0;
  uint64_t instructions_ = 0;
};

}  // namespace

void LearnGlobalWrites(lua_State* lua) {
  // A constant into a register, the register into the global, the return.
  struct Learning {
    size_t instructions = 0;
    uint8_t second = 0;
  } learning;
  constexpr char kText[] = "x=1";
  if (luaL_loadbuffer(lua, kText, std::strlen(kText), "=x") != 0) return lua_pop(lua, 1);
  InstructionReader reader(
      [](void* data, size_t index, uint8_t operation) {
        auto* to = static_cast<Learning*>(data);
        ++to->instructions;
        if (index == 1) to->second = operation;
      },
      &learning);
  const bool is_read = lua_dump(lua, &InstructionReader::Write, &reader) == 0 && reader.is_whole();
  lua_pop(lua, 1);
  if (!is_read || learning.instructions != 3) return;
  lua_pushlightuserdata(lua, KeyOf(kInstruction));
  lua_pushinteger(lua, 1 + learning.second);
  lua_rawset(lua, LUA_REGISTRYINDEX);
}

bool WritesGlobals(lua_State* lua) {
  lua_pushlightuserdata(lua, KeyOf(kInstruction));
  lua_rawget(lua, LUA_REGISTRYINDEX);
  struct Search {
    lua_Integer wanted;
    bool is_found = false;
  } search{lua_tointeger(lua, -1) - 1};
  lua_pop(lua, 1);
  if (search.wanted < 0) return true;
  InstructionReader reader(
      [](void* data, size_t, uint8_t operation) {
        auto* to = static_cast<Search*>(data);
        to->is_found |= operation == to->wanted;
      },
      &search);
  const bool is_read = lua_dump(lua, &InstructionReader::Write, &reader) == 0 && reader.is_whole();
  return !is_read || search.is_found;
}

}  // namespace hearth::script
