#include "engine/redaction.h"

#include <algorithm>

#include "base/text.h"
#include "settings/directive.h"

namespace hearth::engine {
namespace {

using Words = std::vector<std::string_view>;

void RedactFrom(Words& words, size_t first, size_t count = SIZE_MAX) {
  for (size_t i = first; i < words.size() && i - first < count; ++i) words[i] = kRedacted;
}

// The words after each `option` from `first` on.
void RedactAfter(Words& words, size_t first, std::string_view option, size_t count) {
  for (size_t i = first; i < words.size(); ++i) {
    if (EqualsIgnoreCase(words[i], option)) RedactFrom(words, i + 1, count);
  }
}

void RedactSettings(Words& words) {
  for (size_t i = 2; i + 1 < words.size(); i += 2) {
    const settings::Directive* directive = settings::FindDirective(words[i]);
    if (directive != nullptr && directive->Is(settings::kDirectiveSensitive)) words[i + 1] = kRedacted;
  }
}

bool IsAny(std::string_view word, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [word](std::string_view name) { return EqualsIgnoreCase(word, name); });
}

// SENTINEL SET and SENTINEL CONFIG SET: what stands behind the names of passwords and users.
void RedactSentinel(Words& words) {
  for (size_t i = 2; i + 1 < words.size(); ++i) {
    if (IsAny(words[i], {"auth-pass", "auth-user", "sentinel-pass", "sentinel-user"}))
      words[i + 1] = kRedacted;
  }
}

}  // namespace

std::vector<std::string_view> WithoutSecrets(std::span<const std::string_view> args) {
  Words words(args.begin(), args.end());
  if (words.size() < 2) return words;
  const std::string_view name = words[0];
  if (EqualsIgnoreCase(name, "auth")) {
    RedactFrom(words, 1);
  } else if (EqualsIgnoreCase(name, "hello")) {
    RedactAfter(words, 2, "auth", 2);
  } else if (EqualsIgnoreCase(name, "migrate")) {
    RedactAfter(words, 6, "auth", 1);
    RedactAfter(words, 6, "auth2", 2);
  } else if (EqualsIgnoreCase(name, "acl")) {
    if (IsAny(words[1], {"setuser", "getuser", "deluser"})) RedactFrom(words, 2);
  } else if (EqualsIgnoreCase(name, "config")) {
    if (EqualsIgnoreCase(words[1], "set")) RedactSettings(words);
  } else if (EqualsIgnoreCase(name, "sentinel")) {
    if (IsAny(words[1], {"set", "config"})) RedactSentinel(words);
  }
  return words;
}

}  // namespace hearth::engine
