#include "base/text.h"

#include <utility>

namespace hearth {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
// Vertical tab and form feed separate words, but do not end one that has begun without quotes.
bool EndsWord(char c) { return IsSpace(c) && c != '\v' && c != '\f'; }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = Lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Matches the class whose '[' stands at pattern[*at] against `c`; leaves *at on the last byte of the class.
// A class that is never closed runs to the end of the pattern.
bool MatchClass(std::string_view pattern, size_t* at, char c, bool ignore_case) {
  const auto fold = [ignore_case](char x) { return static_cast<unsigned char>(ignore_case ? Lower(x) : x); };
  size_t p = *at + 1;
  const bool negated = p < pattern.size() && pattern[p] == '^';
  if (negated) ++p;
  bool matched = false;
  for (; p < pattern.size() && pattern[p] != ']'; ++p) {
    if (pattern[p] == '\\' && p + 1 < pattern.size()) {
      ++p;
      matched |= pattern[p] == c;
    } else if (p + 2 < pattern.size() && pattern[p + 1] == '-') {
      unsigned char low = fold(pattern[p]);
      unsigned char high = fold(pattern[p + 2]);
      if (low > high) std::swap(low, high);
      matched |= fold(c) >= low && fold(c) <= high;
      p += 2;
    } else {
      matched |= fold(pattern[p]) == fold(c);
    }
  }
  *at = p < pattern.size() ? p : pattern.size() - 1;
  return matched != negated;
}

// Matches one pattern element (not '*') at pattern[*at] against `c`; moves *at past the element if it
// matched.
bool MatchElement(std::string_view pattern, size_t* at, char c, bool ignore_case) {
  size_t p = *at;
  bool matched = true;
  if (pattern[p] == '[') {
    matched = MatchClass(pattern, &p, c, ignore_case);
  } else if (pattern[p] != '?') {
    if (pattern[p] == '\\' && p + 1 < pattern.size()) ++p;
    matched = ignore_case ? Lower(pattern[p]) == Lower(c) : pattern[p] == c;
  }
  if (matched) *at = p + 1;
  return matched;
}

// Reads the body of a double-quoted word from line[*at] on and leaves *at behind the closing quote.
bool ReadDoubleQuoted(std::string_view line, size_t* at, std::string* word) {
  for (size_t i = *at; i < line.size(); ++i) {
    if (line[i] == '"') {
      *at = i + 1;
      return true;
    }
    if (line[i] != '\\' || i + 1 == line.size()) {
      word->push_back(line[i]);
    } else if (i + 3 < line.size() && line[i + 1] == 'x' && HexValue(line[i + 2]) >= 0 &&
               HexValue(line[i + 3]) >= 0) {
      word->push_back(static_cast<char>(HexValue(line[i + 2]) * 16 + HexValue(line[i + 3])));
      i += 3;
    } else {
      word->push_back(Unescape(line[++i]));
    }
  }
  return false;
}

// Inside single quotes only the quote itself can be escaped.
bool ReadSingleQuoted(std::string_view line, size_t* at, std::string* word) {
  for (size_t i = *at; i < line.size(); ++i) {
    if (line[i] == '\'') {
      *at = i + 1;
      return true;
    }
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '\'') ++i;
    word->push_back(line[i]);
  }
  return false;
}

// Reads one word from line[*at] on; false if a quote is left open or runs into the next word.
bool ReadWord(std::string_view line, size_t* at, std::string* word) {
  while (*at < line.size() && !EndsWord(line[*at])) {
    const char c = line[*at];
    if (c == '\0') {
      // A line ends at its first NUL, as it does for every C reader of these files.
      *at = line.size();
      break;
    }
    ++*at;
    if (c != '"' && c != '\'') {
      word->push_back(c);
      continue;
    }
    const bool closed = c == '"' ? ReadDoubleQuoted(line, at, word) : ReadSingleQuoted(line, at, word);
    return closed && (*at == line.size() || IsSpace(line[*at]));
  }
  return true;
}

}  // namespace

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = Lower(c);
  return lower;
}

std::string ToUpper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = Upper(c);
  return upper;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

// Only the last '*' needs to be retried: whatever an earlier one could swallow, the later one can swallow as
// well. So the work is at most pattern length times text length.
bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case) {
  // Clients know it so: not even '*' matches nothing at all.
  if (text.empty()) return pattern.empty();
  constexpr size_t kNone = static_cast<size_t>(-1);
  size_t p = 0;
  size_t t = 0;
  size_t behind_star = kNone;
  size_t retry_from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      behind_star = ++p;
      retry_from = t;
    } else if (p < pattern.size() && MatchElement(pattern, &p, text[t], ignore_case)) {
      ++t;
    } else if (behind_star != kNone) {
      p = behind_star;
      t = ++retry_from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<std::vector<std::string>> SplitArguments(std::string_view line) {
  std::vector<std::string> words;
  size_t at = 0;
  while (true) {
    while (at < line.size() && IsSpace(line[at])) ++at;
    if (at == line.size() || line[at] == '\0') return words;
    if (!ReadWord(line, &at, &words.emplace_back())) return std::nullopt;
  }
}

std::string Quote(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
      case '\\':
        quoted.append({'\\', c});
        break;
      case '\n':
        quoted.append("\\n");
        break;
      case '\r':
        quoted.append("\\r");
        break;
      case '\t':
        quoted.append("\\t");
        break;
      case '\a':
        quoted.append("\\a");
        break;
      case '\b':
        quoted.append("\\b");
        break;
      default:
        if (byte >= 0x20 && byte < 0x7f) {
          quoted.push_back(c);
        } else {
          quoted.append({'\\', 'x', kHex[byte >> 4], kHex[byte & 15]});
        }
    }
  }
  quoted.push_back('"');
  return quoted;
}

}  // namespace hearth
