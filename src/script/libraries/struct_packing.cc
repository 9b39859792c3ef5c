#include "script/libraries/struct_packing.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "script/libraries/byte_buffer.h"

namespace hearth::script {
namespace {

constexpr size_t kMostNumberBytes = 32;
constexpr size_t kNativeAlignment = 8;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetterOrDigit(char c) { return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

// Goes through a format, letter by letter. Sizes in it are below 2^31, so that sums of them stay far within
// 64 bits.
class Format {
 public:
  Format(lua_State* lua, const char* text) : lua_(lua), next_(text) {}

  // Takes the next letter and its size; false at the end.
  bool Next() {
    if (*next_ == '\0') return false;
    letter_ = *next_++;
    size_ = SizeOfLetter();
    return true;
  }

  char letter() const { return letter_; }
  size_t size() const { return size_; }
  bool is_big_endian() const { return is_big_endian_; }

  // How many bytes stand between `at` and the place of the letter's value.
  size_t Padding(size_t at) const {
    if (size_ == 0 || letter_ == 'c') return 0;
    const size_t size = size_ > alignment_ ? alignment_ : size_;
    return size > 1 ? (size - (at & (size - 1))) & (size - 1) : 0;
  }

  // Takes the letter for one that says how to go on; an error if it is none.
  void Control() {
    switch (letter_) {
      case ' ':
        return;
      case '>':
        is_big_endian_ = true;
        return;
      case '<':
        is_big_endian_ = false;
        return;
      case '!': {
        const size_t alignment = Number(kNativeAlignment);
        if (!std::has_single_bit(alignment)) {
          luaL_error(lua_, "alignment %d is not a power of 2", static_cast<int>(alignment));
        }
        alignment_ = alignment;
        return;
      }
      default:
        luaL_argerror(lua_, 1, lua_pushfstring(lua_, "invalid format option '%c'", letter_));
    }
  }

 private:
  size_t SizeOfLetter() {
    switch (letter_) {
      case 'b':
      case 'B':
      case 'x':
        return 1;
      case 'h':
      case 'H':
        return 2;
      case 'f':
        return 4;
      case 'l':
      case 'L':
      case 'T':
      case 'd':
        return 8;
      case 'c':
        return Number(1);
      case 'i':
      case 'I': {
        const size_t size = Number(4);
        if (size > kMostNumberBytes) {
          luaL_error(lua_, "integral size %d is larger than limit of %d", static_cast<int>(size),
                     static_cast<int>(kMostNumberBytes));
        }
        return size;
      }
      default:
        return 0;
    }
  }

  // The decimal number that follows, or `absent`.
  size_t Number(size_t absent) {
    if (!IsDigit(*next_)) return absent;
    constexpr size_t kMost = std::numeric_limits<int32_t>::max();
    size_t number = 0;
    while (IsDigit(*next_)) {
      number = number * 10 + static_cast<size_t>(*next_++ - '0');
      if (number > kMost) luaL_error(lua_, "integral size overflow");
    }
    return number;
  }

  lua_State* lua_;
  const char* next_;
  char letter_ = '\0';
  size_t size_ = 0;
  bool is_big_endian_ = false;
  size_t alignment_ = 1;
};

// A number as 64 bits; what is out of range becomes what x86 makes of it, so that all machines agree.
uint64_t BitsOf(double number) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (std::isnan(number) || number < -kTwoTo63) return uint64_t{1} << 63;
  if (number >= 2 * kTwoTo63) return 0;
  if (number >= kTwoTo63) return static_cast<uint64_t>(number);
  return static_cast<uint64_t>(static_cast<int64_t>(number));
}

// The lower bytes of `bits`, with zeros for those beyond the eighth.
void AppendBits(ByteBuffer& out, uint64_t bits, size_t size, bool is_big_endian) {
  char* to = out.Extend(size);
  for (size_t i = 0; i < size; ++i) {
    to[is_big_endian ? size - 1 - i : i] = static_cast<char>(bits & 0xFF);
    bits >>= 8;
  }
}

// The lowest eight of the bytes.
uint64_t BitsAt(std::string_view bytes, bool is_big_endian) {
  uint64_t bits = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    bits = bits << 8 | static_cast<uint8_t>(bytes[is_big_endian ? i : bytes.size() - 1 - i]);
  }
  return bits;
}

double NumberOf(uint64_t bits, size_t size, bool is_signed) {
  if (!is_signed) return static_cast<double>(bits);
  if (size > 0 && size < 8) {
    const int unused = static_cast<int>(64 - size * 8);
    return static_cast<double>(static_cast<int64_t>(bits << unused) >> unused);
  }
  return static_cast<double>(static_cast<int64_t>(bits));
}

// An absent argument reads as nil; the buffer of what is packed stands behind it.
class Arguments {
 public:
  explicit Arguments(lua_State* lua) {
    lua_pushnil(lua);
    last_ = lua_gettop(lua);
  }
  int Next() { return place_ < last_ ? ++place_ : last_; }

 private:
  int place_ = 1;
  int last_;
};

int Pack(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  Arguments arguments(lua);
  ByteBuffer out(lua);
  while (format.Next()) {
    const size_t size = format.size();
    out.AppendZeros(format.Padding(out.size()));
    switch (format.letter()) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I':
        AppendBits(out, BitsOf(luaL_checknumber(lua, arguments.Next())), size, format.is_big_endian());
        break;
      case 'f': {
        const auto number = static_cast<float>(luaL_checknumber(lua, arguments.Next()));
        AppendBits(out, std::bit_cast<uint32_t>(number), size, format.is_big_endian());
        break;
      }
      case 'd':
        AppendBits(out, std::bit_cast<uint64_t>(luaL_checknumber(lua, arguments.Next())), size,
                   format.is_big_endian());
        break;
      case 'x':
        out.AppendZeros(1);
        break;
      case 'c':
      case 's': {
        const int argument = arguments.Next();
        size_t length;
        const char* text = luaL_checklstring(lua, argument, &length);
        // The message counts from the argument that would come next.
        luaL_argcheck(lua, length >= size, argument + 1, "string too short");
        out.Append({text, size == 0 ? length : size});
        if (format.letter() == 's') out.AppendZeros(1);
        break;
      }
      default:
        format.Control();
    }
  }
  out.PushString();
  return 1;
}

// Takes the values of a format out of bytes from anywhere, and pushes them.
class Unpacker {
 public:
  Unpacker(lua_State* lua, std::string_view bytes, size_t at) : lua_(lua), bytes_(bytes), at_(at) {}

  // Pushes what the letter asks for, if it does.
  void Value(Format& format) {
    const size_t size = format.size();
    // `at_` may be anything up to 2^64: a caller may begin beyond the end.
    const size_t padding = format.Padding(at_);
    CheckThere(padding + size);
    at_ += padding;
    luaL_checkstack(lua_, 2, "too many results");
    switch (format.letter()) {
      case 'b':
      case 'h':
      case 'l':
      case 'i':
        return Number(size, format.is_big_endian(), true);
      case 'B':
      case 'H':
      case 'L':
      case 'T':
      case 'I':
        return Number(size, format.is_big_endian(), false);
      case 'f':
        return Push(std::bit_cast<float>(static_cast<uint32_t>(BitsAt(Take(4), format.is_big_endian()))));
      case 'd':
        return Push(std::bit_cast<double>(BitsAt(Take(8), format.is_big_endian())));
      case 'x':
        at_ += size;
        return;
      case 'c':
        return Text(size == 0 ? TakeSize() : size);
      case 's':
        return TextToZero();
      default:
        return format.Control();
    }
  }

  // Pushes the place behind what was taken, counted from one; how many values there are now.
  int Finish() {
    lua_pushnumber(lua_, static_cast<double>(at_) + 1);
    return count_ + 1;
  }

 private:
  void CheckThere(size_t size) {
    luaL_argcheck(lua_, size == 0 || (size <= bytes_.size() && at_ <= bytes_.size() - size), 2,
                  "data string too short");
  }

  std::string_view Take(size_t size) {
    const std::string_view taken = size == 0 ? std::string_view() : bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }

  void Push(double number) {
    lua_pushnumber(lua_, number);
    ++count_;
  }

  void Number(size_t size, bool is_big_endian, bool is_signed) {
    Push(NumberOf(BitsAt(Take(size), is_big_endian), size, is_signed));
  }

  void Text(size_t size) {
    CheckThere(size);
    const std::string_view text = Take(size);
    lua_pushlstring(lua_, text.data(), text.size());
    ++count_;
  }

  void TextToZero() {
    const size_t end = at_ <= bytes_.size() ? bytes_.find('\0', at_) : std::string_view::npos;
    if (end == std::string_view::npos) luaL_error(lua_, "unfinished string in data");
    Text(end - at_);
    ++at_;
  }

  // The value before is the size of this one, and no result of its own.
  size_t TakeSize() {
    if (count_ == 0 || lua_isnumber(lua_, -1) == 0) luaL_error(lua_, "format 'c0' needs a previous size");
    const uint64_t size = BitsOf(lua_tonumber(lua_, -1));
    lua_pop(lua_, 1);
    --count_;
    return size;
  }

  lua_State* lua_;
  const std::string_view bytes_;
  size_t at_;
  int count_ = 0;
};

int Unpack(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  size_t size;
  const char* bytes = luaL_checklstring(lua, 2, &size);
  const auto from = static_cast<size_t>(luaL_optinteger(lua, 3, 1));
  luaL_argcheck(lua, from > 0, 3, "offset must be 1 or greater");
  lua_settop(lua, 2);
  Unpacker unpacker(lua, {bytes, size}, from - 1);
  while (format.Next()) unpacker.Value(format);
  return unpacker.Finish();
}

int Size(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  size_t total = 0;
  while (format.Next()) {
    if (format.letter() == 's') return luaL_argerror(lua, 1, "option 's' has no fixed size");
    if (format.letter() == 'c' && format.size() == 0)
      return luaL_argerror(lua, 1, "option 'c0' has no fixed size");
    if (!IsLetterOrDigit(format.letter())) format.Control();
    total += format.Padding(total) + format.size();
  }
  lua_pushnumber(lua, static_cast<double>(total));
  return 1;
}

}  // namespace

void OpenStruct(lua_State* lua) {
  const luaL_Reg functions[] = {{"pack", Pack}, {"unpack", Unpack}, {"size", Size}};
  lua_newtable(lua);
  for (const luaL_Reg& function : functions) {
    lua_pushcfunction(lua, function.func);
    lua_setfield(lua, -2, function.name);
  }
  lua_setglobal(lua, "struct");
}

}  // namespace hearth::script
