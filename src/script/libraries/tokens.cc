#include "script/libraries/tokens.h"

#include <algorithm>

namespace hearth::script {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What may stand in a name; LuaJIT takes all bytes beyond ASCII for letters.
bool IsNamePart(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

}  // namespace

LuaToken LuaTokens::Next() {
  while (at_ < source_.size()) {
    const size_t start = at_;
    const char c = source_[at_];
    if (IsBlank(c)) {
      ++at_;
    } else if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) {
      SkipNumber();
      return From(start, LuaToken::Kind::kNumber);
    } else if (IsNamePart(c)) {
      while (IsNamePart(Peek(0))) ++at_;
      return From(start, LuaToken::Kind::kName);
    } else if (c == '\'' || c == '"') {
      SkipQuoted(c);
      return From(start, LuaToken::Kind::kText);
    } else if (c == '-' && Peek(1) == '-') {
      at_ += 2;
      if (!SkipLongBracket()) at_ = std::min(source_.find_first_of("\r\n", at_), source_.size());
    } else if (SkipLongBracket()) {
      return From(start, LuaToken::Kind::kText);
    } else {
      ++at_;
      return From(start, LuaToken::Kind::kSign);
    }
  }
  return {LuaToken::Kind::kEnd, source_.substr(source_.size())};
}

// As LuaJIT does: letters, digits and points, and a sign behind the letter of an exponent.
void LuaTokens::SkipNumber() {
  for (char last = '\0'; at_ < source_.size(); ++at_) {
    const char c = source_[at_];
    const bool is_sign_of_exponent = (c == '-' || c == '+') && ((last | 0x20) == 'e' || (last | 0x20) == 'p');
    if (!IsNamePart(c) && c != '.' && !is_sign_of_exponent) return;
    last = c;
  }
}

void LuaTokens::SkipQuoted(char quote) {
  for (++at_; at_ < source_.size(); ++at_) {
    if (source_[at_] == '\\') {
      ++at_;
    } else if (source_[at_] == quote) {
      ++at_;
      return;
    }
  }
  at_ = source_.size();
}

// "[==[ ... ]==]" with any number of '='. False if none begins here.
bool LuaTokens::SkipLongBracket() {
  if (Peek(0) != '[') return false;
  size_t level = 0;
  while (Peek(1 + level) == '=') ++level;
  if (Peek(1 + level) != '[') return false;
  for (at_ += level + 2; at_ < source_.size(); ++at_) {
    if (source_[at_] != ']') continue;
    size_t seen = 0;
    while (Peek(1 + seen) == '=') ++seen;
    if (Peek(1 + seen) == ']' && seen == level) {
      at_ += level + 2;
      return true;
    }
  }
  return true;
}

}  // namespace hearth::script
