// How a value of each type is read from words and shown again, and the templates that bind them to one member
// of Settings for the table of directives. No state; any thread may call them.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "settings/directive.h"
#include "settings/settings.h"
#include "settings/value_types.h"

namespace hearth::settings {

// Each parses all `words` into `value`, which keeps its old content on failure. The error is the reason
// alone, in the words that clients of CONFIG SET know.
Status AssignValue(bool& value, const Directive& directive, Words words);
Status AssignValue(int64_t& value, const Directive& directive, Words words);
Status AssignValue(uint64_t& value, const Directive& directive, Words words);
Status AssignValue(std::string& value, const Directive& directive, Words words);
Status AssignValue(std::vector<std::string>& value, const Directive& directive, Words words);
Status AssignValue(OutputBufferLimits& value, const Directive& directive, Words words);
Status AssignValue(std::vector<double>& value, const Directive& directive, Words words);
Status AssignValue(NotifyFlags& value, const Directive& directive, Words words);
Status AssignValue(OomScores& value, const Directive& directive, Words words);
Status AssignValue(PrimaryAddress& value, const Directive& directive, Words words);
Status AssignValue(std::vector<SavePoint>& value, const Directive& directive, Words words);
Result<int> ParseNamedValue(const Directive& directive, Words words);

std::string FormatValue(bool value, const Directive& directive);
std::string FormatValue(int64_t value, const Directive& directive);
std::string FormatValue(uint64_t value, const Directive& directive);
std::string FormatValue(const std::string& value, const Directive& directive);
std::string FormatValue(const std::vector<std::string>& value, const Directive& directive);
std::string FormatValue(const OutputBufferLimits& value, const Directive& directive);
std::string FormatValue(const std::vector<double>& value, const Directive& directive);
std::string FormatValue(const NotifyFlags& value, const Directive& directive);
std::string FormatValue(const OomScores& value, const Directive& directive);
std::string FormatValue(const PrimaryAddress& value, const Directive& directive);
std::string FormatValue(const std::vector<SavePoint>& value, const Directive& directive);
std::string FormatNamedValue(const Directive& directive, int value);

template <auto kMember>
Status AssignMember(Settings& settings, const Directive& directive, Words words) {
  using Type = std::remove_reference_t<decltype(settings.*kMember)>;
  if constexpr (std::is_enum_v<Type>) {
    const Result<int> value = ParseNamedValue(directive, words);
    if (!value) return std::unexpected(value.error());
    settings.*kMember = static_cast<Type>(*value);
    return {};
  } else {
    return AssignValue(settings.*kMember, directive, words);
  }
}

template <auto kMember>
std::string FormatMember(const Settings& settings, const Directive& directive) {
  if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(settings.*kMember)>>) {
    return FormatNamedValue(directive, static_cast<int>(settings.*kMember));
  } else {
    return FormatValue(settings.*kMember, directive);
  }
}

template <auto kMember>
bool IsSameMember(const Settings& a, const Settings& b) {
  return a.*kMember == b.*kMember;
}

template <auto kMember>
void CopyMember(Settings& to, const Settings& from) {
  to.*kMember = from.*kMember;
}

}  // namespace hearth::settings
