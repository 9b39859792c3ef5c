// cjson.decode.
#include <cstdlib>
#include <limits>
#include <string_view>

#include "script/libraries/byte_buffer.h"
#include "script/libraries/json.h"

namespace hearth::script {
namespace {

enum class Token {
  kObjectBegin,
  kObjectEnd,
  kArrayBegin,
  kArrayEnd,
  kString,
  kNumber,
  kBoolean,
  kNull,
  kColon,
  kComma,
  kEnd,
  kError,
};

// What messages call a token.
constexpr const char* NameOf(Token token) {
  switch (token) {
    case Token::kObjectBegin:
      return "T_OBJ_BEGIN";
    case Token::kObjectEnd:
      return "T_OBJ_END";
    case Token::kArrayBegin:
      return "T_ARR_BEGIN";
    case Token::kArrayEnd:
      return "T_ARR_END";
    case Token::kString:
      return "T_STRING";
    case Token::kNumber:
      return "T_NUMBER";
    case Token::kBoolean:
      return "T_BOOLEAN";
    case Token::kNull:
      return "T_NULL";
    case Token::kColon:
      return "T_COLON";
    case Token::kComma:
      return "T_COMMA";
    case Token::kEnd:
      return "T_END";
    case Token::kError:
      break;
  }
  return "T_ERROR";
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Lower(char c) { return static_cast<char>(c | 0x20); }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (Lower(c) >= 'a' && Lower(c) <= 'f') return Lower(c) - 'a' + 10;
  return -1;
}

class Decoder {
 public:
  // The text must end in a zero byte, as Lua's do.
  Decoder(lua_State* lua, std::string_view text)
      : lua_(lua), settings_(JsonSettingsOf(lua)), text_(text), unescaped_(lua) {}

  // Pushes the value that the whole text is.
  void Document() {
    Next();
    Value(0);
    Next();
    if (token_ != Token::kEnd) FailExpecting("the end");
  }

 private:
  static constexpr int kStackPerLevel = 4;

  // Every token ends before the zero byte behind the text, so that reading one byte ahead is always within
  // it.
  char At(size_t at) const { return text_.data()[at]; }

  // Reads the next token; a text is pushed, and a number or boolean kept in number_.
  void Next() {
    while (IsSpace(At(at_))) ++at_;
    start_ = at_;
    switch (At(at_)) {
      case '{':
        return Take(Token::kObjectBegin, 1);
      case '}':
        return Take(Token::kObjectEnd, 1);
      case '[':
        return Take(Token::kArrayBegin, 1);
      case ']':
        return Take(Token::kArrayEnd, 1);
      case ':':
        return Take(Token::kColon, 1);
      case ',':
        return Take(Token::kComma, 1);
      case '\0':
        return Take(Token::kEnd, 0);
      case '"':
        return String();
      default:
        return Word();
    }
  }

  void Take(Token token, size_t size) {
    token_ = token;
    at_ += size;
  }

  void Refuse(const char* error, size_t at) {
    token_ = Token::kError;
    error_ = error;
    start_ = at;
  }

  // A number or one of the three words.
  void Word() {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("true") || rest.starts_with("false")) {
      number_ = rest[0] == 't' ? 1 : 0;
      return Take(Token::kBoolean, rest[0] == 't' ? 4 : 5);
    }
    if (rest.starts_with("null")) return Take(Token::kNull, 4);
    const char first = rest[0];
    const bool takes_any = settings_.decode_invalid_numbers == JsonSettings::InvalidNumbers::kTake;
    if (IsDigit(first) || first == '-' || (takes_any && first == '+')) {
      if (!takes_any && IsInvalidNumber(rest)) return Refuse("invalid number", at_);
      return Number();
    }
    if (takes_any && IsInvalidNumber(rest)) return Number();
    Refuse("invalid token", at_);
  }

  // What strtod takes and JSON does not have: hexadecimal, leading zeros, infinities and NaN.
  static bool IsInvalidNumber(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text.empty()) return false;
    if (text[0] == '0') return text.size() > 1 && (IsDigit(text[1]) || Lower(text[1]) == 'x');
    if (IsDigit(text[0])) return false;
    if (text.size() < 3) return false;
    const char word[] = {Lower(text[0]), Lower(text[1]), Lower(text[2])};
    const std::string_view lower(word, sizeof(word));
    return lower == "inf" || lower == "nan";
  }

  void Number() {
    const char* const begin = text_.data() + at_;
    char* end;
    // lint: allow parse because a Lua text ends in a zero byte and scripts know the number syntax of strtod
    number_ = std::strtod(begin, &end);
    if (end == begin) return Refuse("invalid number", at_);
    Take(Token::kNumber, static_cast<size_t>(end - begin));
  }

  // Pushes the text that begins here, if it is one.
  void String() {
    size_t plain = at_ + 1;
    size_t i = plain;
    unescaped_.Clear();
    for (; At(i) != '"'; ++i) {
      // A zero byte ends the text even where more follows.
      if (At(i) == '\0') return Refuse("unexpected end of string", i);
      if (At(i) != '\\') continue;
      unescaped_.Append(text_.substr(plain, i - plain));
      const size_t size = Escape(i);
      if (size == 0) return;
      plain = i + size;
      i = plain - 1;
    }
    const std::string_view rest = text_.substr(plain, i - plain);
    if (unescaped_.size() == 0) {
      lua_pushlstring(lua_, rest.data(), rest.size());
    } else {
      unescaped_.Append(rest);
      unescaped_.PushString();
    }
    token_ = Token::kString;
    at_ = i + 1;
  }

  // Appends what the escape at `at` stands for; its size, or 0 if it is none.
  size_t Escape(size_t at) {
    const char c = At(at + 1);
    switch (c) {
      case '"':
      case '\\':
      case '/':
        unescaped_.Append(c);
        return 2;
      case 'b':
        unescaped_.Append('\b');
        return 2;
      case 'f':
        unescaped_.Append('\f');
        return 2;
      case 'n':
        unescaped_.Append('\n');
        return 2;
      case 'r':
        unescaped_.Append('\r');
        return 2;
      case 't':
        unescaped_.Append('\t');
        return 2;
      case 'u': {
        const size_t size = UnicodeEscape(at);
        if (size == 0) Refuse("invalid unicode escape code", at);
        return size;
      }
      default:
        Refuse("invalid escape code", at);
        return 0;
    }
  }

  // The code unit of "\uXXXX" at `at`, or -1.
  int CodeUnit(size_t at) const {
    if (at + 6 > text_.size() || At(at) != '\\' || At(at + 1) != 'u') return -1;
    int unit = 0;
    for (size_t i = 2; i < 6; ++i) {
      const int digit = HexDigit(At(at + i));
      if (digit < 0) return -1;
      unit = unit << 4 | digit;
    }
    return unit;
  }

  // "\uXXXX", or two of them that are the halves of a character beyond U+FFFF, as UTF-8.
  size_t UnicodeEscape(size_t at) {
    const int unit = CodeUnit(at);
    if (unit < 0 || (unit & 0xFC00) == 0xDC00) return 0;
    if ((unit & 0xFC00) != 0xD800) {
      AppendUtf8(unit);
      return 6;
    }
    const int second = CodeUnit(at + 6);
    if (second < 0 || (second & 0xFC00) != 0xDC00) return 0;
    AppendUtf8(0x10000 + ((unit & 0x3FF) << 10 | (second & 0x3FF)));
    return 12;
  }

  void AppendUtf8(int code) {
    const auto tail = [&](int shift) {
      unescaped_.Append(static_cast<char>(0x80 | ((code >> shift) & 0x3F)));
    };
    if (code < 0x80) {
      unescaped_.Append(static_cast<char>(code));
    } else if (code < 0x800) {
      unescaped_.Append(static_cast<char>(0xC0 | code >> 6));
      tail(0);
    } else if (code < 0x10000) {
      unescaped_.Append(static_cast<char>(0xE0 | code >> 12));
      tail(6);
      tail(0);
    } else {
      unescaped_.Append(static_cast<char>(0xF0 | code >> 18));
      tail(12);
      tail(6);
      tail(0);
    }
  }

  // Pushes the value that begins with the current token and is in `depth` others; a text is on the stack
  // already.
  void Value(int depth) {
    switch (token_) {
      case Token::kString:
        return;
      case Token::kNumber:
        return lua_pushnumber(lua_, number_);
      case Token::kBoolean:
        return lua_pushboolean(lua_, number_ != 0);
      case Token::kNull:
        return lua_pushlightuserdata(lua_, nullptr);
      case Token::kObjectBegin:
        return Object(depth + 1);
      case Token::kArrayBegin:
        return Array(depth + 1);
      default:
        FailExpecting("value");
    }
  }

  void Descend(int depth) {
    if (depth > settings_.decode_max_depth || lua_checkstack(lua_, kStackPerLevel) == 0) {
      luaL_error(lua_, "Found too many nested data structures (%d) at character %d", depth, Place(at_));
    }
  }

  void Object(int depth) {
    Descend(depth);
    lua_newtable(lua_);
    Next();
    if (token_ == Token::kObjectEnd) return;
    for (;; Next()) {
      if (token_ != Token::kString) FailExpecting("object key string");
      Next();
      if (token_ != Token::kColon) FailExpecting("colon");
      Next();
      Value(depth);
      lua_rawset(lua_, -3);
      Next();
      if (token_ == Token::kObjectEnd) return;
      if (token_ != Token::kComma) FailExpecting("comma or object end");
    }
  }

  void Array(int depth) {
    Descend(depth);
    lua_newtable(lua_);
    Next();
    if (token_ == Token::kArrayEnd) return;
    for (int i = 1;; ++i, Next()) {
      Value(depth);
      lua_rawseti(lua_, -2, i);
      Next();
      if (token_ == Token::kArrayEnd) return;
      if (token_ != Token::kComma) FailExpecting("comma or array end");
    }
  }

  static int Place(size_t at) { return static_cast<int>(at); }

  void FailExpecting(const char* expected) {
    const char* const found = token_ == Token::kError ? error_ : NameOf(token_);
    luaL_error(lua_, "Expected %s but found %s at character %d", expected, found, Place(start_ + 1));
  }

  lua_State* lua_;
  const JsonSettings& settings_;
  const std::string_view text_;
  ByteBuffer unescaped_;
  size_t at_ = 0;
  Token token_ = Token::kEnd;
  size_t start_ = 0;  // of the token
  double number_ = 0;
  const char* error_ = nullptr;
};

}  // namespace

int JsonDecode(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  size_t size;
  const char* text = luaL_checklstring(lua, 1, &size);
  // Every JSON text begins with two characters of ASCII, so that a zero byte there tells of a wider encoding.
  if (size >= 2 && (text[0] == '\0' || text[1] == '\0')) {
    return luaL_error(lua, "JSON parser does not support UTF-16 or UTF-32");
  }
  Decoder decoder(lua, {text, size});
  decoder.Document();
  return 1;
}

}  // namespace hearth::script
