// One entry of the configuration's vocabulary: a directive's names, bounds and flags, and how to reach its
// member of Settings. The table itself is made from spec/config/*.json; loading files, CONFIG GET/SET and
// CONFIG REWRITE are generic over it. Immutable, so any thread may read it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::settings {

struct Settings;

enum class DirectiveType : uint8_t {
  kBool,
  kInteger,
  kMemory,  // a number of bytes, with units
  kOctal,
  kEnum,
  kFlags,  // any sum of named values
  kString,
  kAddresses,
  kOutputBufferLimits,
  kDirectory,
  kPercentiles,
  kNotifyFlags,
  kOomScores,
  kPrimaryAddress,
  kSavePoints,
};

enum DirectiveFlag : uint16_t {
  kDirectiveImmutable = 1 << 0,    // CONFIG SET refuses it
  kDirectiveSensitive = 1 << 1,    // its value is never logged
  kDirectiveHidden = 1 << 2,       // CONFIG GET shows it only if asked by its exact name
  kDirectiveProtected = 1 << 3,    // CONFIG SET needs enable-protected-configs
  kDirectiveDenyLoading = 1 << 4,  // CONFIG SET refuses it while the data set is loading
  kDirectiveVolatile = 1 << 5,     // hooks run even if the value stays the same (files may have changed)
  kDirectiveMultiArg = 1 << 6,     // takes any number of words; CONFIG SET splits its value at spaces
  kDirectivePercent = 1 << 7,      // "N%" is accepted and kept as -N
  kDirectiveStored = 1 << 8,       // accepted and kept, but nothing in the server acts on it yet
};

struct NamedValue {
  std::string_view name;
  int value;
};

// The words of a value: what follows the directive's name in a file.
using Words = std::span<const std::string>;

struct Directive {
  std::string_view name;
  std::string_view alias;  // an older name that CONFIG GET lists beside `name`; empty for none
  std::span<const std::string_view> quiet_names;  // further accepted names that patterns do not list
  DirectiveType type;
  uint16_t flags = 0;  // DirectiveFlag bits
  int64_t minimum = 0;
  uint64_t maximum = 0;
  std::span<const NamedValue> values;  // of kEnum and kFlags
  std::string_view default_text;       // as CONFIG GET shows it

  // Parses `words` into the member; the settings stay as they were if that fails. The error is the reason
  // alone.
  Status (*assign)(Settings& settings, const Directive& directive, Words words);
  // The value as CONFIG GET shows it.
  std::string (*format)(const Settings& settings, const Directive& directive);
  bool (*is_equal)(const Settings& a, const Settings& b);
  void (*copy)(Settings& to, const Settings& from);

  bool Is(DirectiveFlag flag) const { return (flags & flag) != 0; }
};

// Every directive, in order of name.
std::span<const Directive> AllDirectives();

// The directive with this name or alias, any case; nullptr if there is none.
const Directive* FindDirective(std::string_view name);

// The words of a list that is given as one text: cut at every single space, so that two in a row leave an
// empty word.
std::vector<std::string> SplitAtSpaces(std::string_view text);

// Rules that the type alone does not know (a file name without folders, a host name's letters, ...).
// The error is the reason alone.
Status CheckValue(const Directive& directive, const Settings& settings);

// Parses and checks a value; `settings` stay as they were if that fails.
Status AssignChecked(Settings& settings, const Directive& directive, Words words);

}  // namespace hearth::settings
