// The tokens of a Lua text, as far as load_text.cc has to know them: names, numbers, texts and single signs;
// comments and blanks are passed over. Where the text is not Lua it may lose its way; the compiler refuses
// such a text anyway.
#pragma once

#include <string_view>

namespace hearth::script {

struct LuaToken {
  enum class Kind { kName, kNumber, kText, kSign, kEnd };
  Kind kind;
  std::string_view text;  // where it stands in the source

  bool Is(std::string_view word) const { return text == word; }
};

class LuaTokens {
 public:
  explicit LuaTokens(std::string_view source) : source_(source) {}

  // The next token, again and again kEnd at the end.
  LuaToken Next();

 private:
  char Peek(size_t ahead) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  LuaToken From(size_t start, LuaToken::Kind kind) const {
    return {kind, source_.substr(start, at_ - start)};
  }
  void SkipNumber();
  void SkipQuoted(char quote);
  bool SkipLongBracket();

  std::string_view source_;
  size_t at_ = 0;
};

}  // namespace hearth::script
