#include "script/script_flags.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace hearth::script {
namespace {

constexpr NamedFlag kNamedFlags[] = {{"no-writes", kNoWrites},
                                     {"allow-oom", kAllowOom},
                                     {"allow-stale", kAllowStale},
                                     {"no-cluster", kNoCluster},
                                     {"allow-cross-slot-keys", kAllowCrossSlotKeys}};

constexpr std::string_view kMark = "#!";

// The value of "name=value" if the word is one of this name, in any case.
std::optional<std::string_view> ValueOf(std::string_view word, std::string_view name) {
  if (word.size() <= name.size() || word[name.size()] != '=') return std::nullopt;
  if (!EqualsIgnoreCase(word.substr(0, name.size()), name)) return std::nullopt;
  return word.substr(name.size() + 1);
}

Result<uint32_t> ParseFlags(std::string_view list) {
  uint32_t flags = 0;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view name = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (name.empty()) continue;
    const uint32_t flag = FindFlag(name);
    if (flag == 0) return Fail(fmt::format("Unexpected flag in script shebang: {}", name));
    flags |= flag;
  }
  return flags;
}

}  // namespace

std::span<const NamedFlag> NamedFlags() { return kNamedFlags; }

uint32_t FindFlag(std::string_view name) {
  for (const NamedFlag& known : kNamedFlags) {
    if (known.name == name) return known.flag;
  }
  return 0;
}

Result<ScriptSource> ParseScript(std::string_view text) {
  if (!text.starts_with(kMark)) return ScriptSource{.body = text};
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return Fail("Invalid script shebang");
  const auto words = SplitArguments(text.substr(0, end));
  if (!words || words->empty()) return Fail("Invalid engine in script shebang");
  if (words->front() != "#!lua")
    return Fail(fmt::format("Unexpected engine in script shebang: {}", words->front()));
  ScriptSource source{.flags = 0, .body = text.substr(end)};
  for (size_t i = 1; i < words->size(); ++i) {
    const std::string& word = (*words)[i];
    if (!word.starts_with("flags=")) return Fail(fmt::format("Unknown lua shebang option: {}", word));
    const Result<uint32_t> flags = ParseFlags(std::string_view(word).substr(6));
    if (!flags) return std::unexpected(flags.error());
    source.flags |= *flags;
  }
  return source;
}

Result<LibrarySource> ParseLibrary(std::string_view text) {
  if (!text.starts_with(kMark)) return Fail("Missing library metadata");
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return Fail("Invalid library metadata");
  const auto words = SplitArguments(text.substr(0, end));
  if (!words || words->empty()) return Fail("Invalid library metadata");
  LibrarySource source{.name = {}, .body = text.substr(end)};
  bool has_name = false;
  for (size_t i = 1; i < words->size(); ++i) {
    const std::string& word = (*words)[i];
    const auto name = ValueOf(word, "name");
    if (!name) return Fail(fmt::format("Invalid metadata value given: {}", word));
    if (has_name) return Fail("Invalid metadata value, name argument was given multiple times");
    has_name = true;
    source.name = *name;
  }
  if (!has_name) return Fail("Library name was not given");
  if (!IsGoodName(source.name)) return Fail(std::string(kBadName));
  const std::string_view engine = std::string_view(words->front()).substr(kMark.size());
  if (!EqualsIgnoreCase(engine, "lua")) return Fail(fmt::format("Engine '{}' not found", engine));
  return source;
}

bool IsGoodName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_';
  });
}

}  // namespace hearth::script
