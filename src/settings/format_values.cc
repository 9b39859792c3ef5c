// Showing values, as CONFIG GET replies them.
#include <charconv>

#include "base/numbers.h"
#include "settings/directive_access.h"

namespace hearth::settings {

namespace {

void AppendWord(std::string& text, std::string_view word) {
  if (!text.empty()) text += ' ';
  text += word;
}

template <typename Value>
std::string FormatNumber(Value value, const Directive& directive) {
  char digits[24];
  const int base = directive.type == DirectiveType::kOctal ? 8 : 10;
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value, base);
  return std::string(digits, end);
}

constexpr std::string_view kClassNames[kClientClassCount] = {"normal", "slave", "pubsub"};

}  // namespace

std::string FormatValue(bool value, const Directive&) { return value ? "yes" : "no"; }

std::string FormatValue(int64_t value, const Directive& directive) {
  if (directive.Is(kDirectivePercent) && value < 0) return std::to_string(-value) + "%";
  return FormatNumber(value, directive);
}

std::string FormatValue(uint64_t value, const Directive& directive) { return FormatNumber(value, directive); }

std::string FormatValue(const std::string& value, const Directive&) { return value; }

std::string FormatValue(const std::vector<std::string>& value, const Directive&) {
  std::string text;
  for (const std::string& word : value) AppendWord(text, word);
  return text;
}

std::string FormatValue(const OutputBufferLimits& value, const Directive&) {
  std::string text;
  for (int i = 0; i < kClientClassCount; ++i) {
    AppendWord(text, kClassNames[i]);
    AppendWord(text, std::to_string(value[i].hard_bytes));
    AppendWord(text, std::to_string(value[i].soft_bytes));
    AppendWord(text, std::to_string(value[i].soft_seconds));
  }
  return text;
}

std::string FormatValue(const std::vector<double>& value, const Directive&) {
  std::string text;
  for (const double percentile : value) AppendWord(text, FormatDouble(percentile));
  return text;
}

// The order of the letters is Redis's: the classes, or A for all that it covers, n, then K, E and m.
std::string FormatValue(const NotifyFlags& value, const Directive&) {
  std::string text;
  const auto add = [&](int flag, char letter) {
    if ((value.bits & flag) != 0) text += letter;
  };
  if ((value.bits & kNotifyAll) == kNotifyAll) {
    text += 'A';
  } else {
    add(kNotifyGeneric, 'g');
    add(kNotifyString, '$');
    add(kNotifyList, 'l');
    add(kNotifySet, 's');
    add(kNotifyHash, 'h');
    add(kNotifySortedSet, 'z');
    add(kNotifyExpired, 'x');
    add(kNotifyEvicted, 'e');
    add(kNotifyStream, 't');
    add(kNotifyModule, 'd');
  }
  add(kNotifyNew, 'n');
  add(kNotifyKeyspace, 'K');
  add(kNotifyKeyevent, 'E');
  add(kNotifyKeyMiss, 'm');
  return text;
}

std::string FormatValue(const OomScores& value, const Directive&) {
  std::string text;
  for (const int64_t score : value) AppendWord(text, std::to_string(score));
  return text;
}

std::string FormatValue(const PrimaryAddress& value, const Directive&) {
  return value.host.empty() ? "" : value.host + " " + std::to_string(value.port);
}

std::string FormatValue(const std::vector<SavePoint>& value, const Directive&) {
  std::string text;
  for (const SavePoint& point : value) {
    AppendWord(text, std::to_string(point.seconds));
    AppendWord(text, std::to_string(point.changes));
  }
  return text;
}

std::string FormatNamedValue(const Directive& directive, int value) {
  if (directive.type == DirectiveType::kEnum || value == 0) {
    for (const NamedValue& known : directive.values) {
      if (known.value == value) return std::string(known.name);
    }
    return "";
  }
  std::string text;
  for (const NamedValue& known : directive.values) {
    if (known.value != 0 && (value & known.value) == known.value) AppendWord(text, known.name);
  }
  return text;
}

}  // namespace hearth::settings
