// Reading values. The texts of the errors are those that users of CONFIG SET know from Redis.
#include <algorithm>
#include <charconv>
#include <limits>

#include "base/numbers.h"
#include "base/text.h"
#include "settings/directive_access.h"

namespace hearth::settings {

namespace {

constexpr size_t kMaximumBindAddresses = 16;
constexpr int64_t kMaximumPort = 65535;
constexpr int64_t kOomScoreBound = 2000;

std::unexpected<Error> WrongNumberOfArguments() { return Fail("wrong number of arguments"); }

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr Unit kUnits[] = {
    {"", 1},
    {"b", 1},
    {"k", 1000},
    {"kb", 1024},
    {"m", 1000'000},
    {"mb", 1024 * 1024},
    {"g", 1000'000'000},
    {"gb", 1024 * 1024 * 1024},
};

// Digits with an optional unit. As in Redis, no digits mean zero and what is too large becomes the largest
// number.
std::optional<uint64_t> ParseBytes(std::string_view text) {
  constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) number = kLargest;
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  for (const Unit& known : kUnits) {
    if (EqualsIgnoreCase(known.name, unit))
      return number > kLargest / known.factor ? kLargest : number * known.factor;
  }
  return std::nullopt;
}

std::string Octal(uint64_t value) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value, 8);
  return std::string(digits, end);
}

std::unexpected<Error> OutOfBounds(const Directive& directive) {
  if (directive.type == DirectiveType::kOctal) {
    return Fail("argument must be between " + Octal(static_cast<uint64_t>(directive.minimum)) + " and " +
                Octal(directive.maximum) + " inclusive");
  }
  return Fail("argument must be between " + std::to_string(directive.minimum) + " and " +
              std::to_string(directive.maximum) + " inclusive");
}

// A number of kInteger, kMemory or kOctal in either range; `is_negative` tells the sign of `magnitude`.
struct Number {
  uint64_t magnitude = 0;
  bool is_negative = false;
};

Result<Number> ParsePercent(std::string_view text) {
  const std::optional<int64_t> percent = ParseInt64(text.substr(0, text.size() - 1));
  if (!percent || *percent < 0) return Fail("argument must be a memory or percent value");
  if (*percent > 100) return Fail("percentage argument must be less or equal to 100");
  return Number{static_cast<uint64_t>(*percent), *percent != 0};
}

Result<Number> ParseNumber(const Directive& directive, const std::string& text) {
  if (directive.type == DirectiveType::kMemory) {
    const bool may_be_percent = directive.Is(kDirectivePercent);
    if (may_be_percent && text.size() > 1 && text.back() == '%') return ParsePercent(text);
    const std::optional<uint64_t> bytes = ParseBytes(text);
    if (!bytes)
      return Fail(may_be_percent ? "argument must be a memory or percent value"
                                 : "argument must be a memory value");
    return Number{*bytes, false};
  }
  if (directive.type == DirectiveType::kOctal) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Fail("argument couldn't be parsed as an octal number");
    }
    return Number{value, false};
  }
  if (const std::optional<int64_t> value = ParseInt64(text)) {
    return *value < 0 ? Number{0 - static_cast<uint64_t>(*value), true}
                      : Number{static_cast<uint64_t>(*value), false};
  }
  if (directive.maximum > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    if (const std::optional<uint64_t> value = ParseUint64(text)) return Number{*value, false};
  }
  return Fail("argument couldn't be parsed into an integer");
}

bool IsWithinBounds(const Directive& directive, Number number) {
  if (!number.is_negative) {
    if (number.magnitude > directive.maximum) return false;
    return directive.minimum <= 0 || number.magnitude >= static_cast<uint64_t>(directive.minimum);
  }
  return directive.minimum < 0 && number.magnitude <= 0 - static_cast<uint64_t>(directive.minimum);
}

Result<Number> ParseBounded(const Directive& directive, Words words) {
  if (words.size() != 1) return WrongNumberOfArguments();
  const Result<Number> number = ParseNumber(directive, words[0]);
  if (number && !IsWithinBounds(directive, *number)) return OutOfBounds(directive);
  return number;
}

std::optional<ClientClass> ParseClientClass(std::string_view name) {
  if (EqualsIgnoreCase(name, "normal")) return ClientClass::kNormal;
  if (EqualsIgnoreCase(name, "slave") || EqualsIgnoreCase(name, "replica")) return ClientClass::kReplica;
  if (EqualsIgnoreCase(name, "pubsub")) return ClientClass::kPubSub;
  return std::nullopt;
}

// One word "" stands for an empty list.
bool IsEmptyList(Words words) { return words.empty() || (words.size() == 1 && words[0].empty()); }

}  // namespace

Status AssignValue(bool& value, const Directive&, Words words) {
  if (words.size() != 1) return WrongNumberOfArguments();
  const bool is_yes = EqualsIgnoreCase(words[0], "yes");
  if (!is_yes && !EqualsIgnoreCase(words[0], "no")) return Fail("argument must be 'yes' or 'no'");
  value = is_yes;
  return {};
}

Status AssignValue(int64_t& value, const Directive& directive, Words words) {
  const Result<Number> number = ParseBounded(directive, words);
  if (!number) return std::unexpected(number.error());
  value = static_cast<int64_t>(number->is_negative ? 0 - number->magnitude : number->magnitude);
  return {};
}

Status AssignValue(uint64_t& value, const Directive& directive, Words words) {
  const Result<Number> number = ParseBounded(directive, words);
  if (!number) return std::unexpected(number.error());
  value = number->magnitude;
  return {};
}

Status AssignValue(std::string& value, const Directive&, Words words) {
  if (words.size() != 1) return WrongNumberOfArguments();
  value = words[0];
  return {};
}

Status AssignValue(std::vector<std::string>& value, const Directive&, Words words) {
  if (IsEmptyList(words)) {
    value.clear();
    return {};
  }
  if (words.size() > kMaximumBindAddresses) return Fail("Too many bind addresses specified.");
  value.assign(words.begin(), words.end());
  return {};
}

Status AssignValue(OutputBufferLimits& value, const Directive&, Words words) {
  if (words.size() == 1 && words[0].empty()) return {};
  if (words.empty() || words.size() % 4 != 0) {
    return Fail("Wrong number of arguments in buffer limit configuration.");
  }
  OutputBufferLimits limits = value;
  for (size_t i = 0; i < words.size(); i += 4) {
    const std::optional<ClientClass> client_class = ParseClientClass(words[i]);
    if (!client_class) return Fail("Invalid client class specified in buffer limit configuration.");
    const std::optional<uint64_t> hard = ParseBytes(words[i + 1]);
    const std::optional<uint64_t> soft = ParseBytes(words[i + 2]);
    const std::optional<int64_t> seconds = ParseInt64(words[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0) {
      return Fail("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    limits[static_cast<size_t>(*client_class)] = {*hard, *soft, *seconds};
  }
  value = limits;
  return {};
}

Status AssignValue(std::vector<double>& value, const Directive& directive, Words words) {
  std::vector<double> percentiles;
  if (!IsEmptyList(words)) {
    for (const std::string& word : words) {
      const std::optional<double> percentile = ParseDouble(word);
      if (!percentile) return Fail("Invalid " + std::string(directive.name) + " parameters");
      if (*percentile < 0.0 || *percentile > 100.0) {
        return Fail(std::string(directive.name) + " parameters should sit between [0.0,100.0]");
      }
      percentiles.push_back(*percentile);
    }
  }
  value = std::move(percentiles);
  return {};
}

Status AssignValue(NotifyFlags& value, const Directive&, Words words) {
  if (words.size() != 1) return WrongNumberOfArguments();
  constexpr std::string_view kLetters = "KEg$lshzxetmdn";
  int bits = 0;
  for (const char letter : words[0]) {
    if (letter == 'A') {
      bits |= kNotifyAll;
      continue;
    }
    const size_t bit = kLetters.find(letter);
    if (bit == std::string_view::npos) return Fail("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    bits |= 1 << bit;
  }
  value.bits = bits;
  return {};
}

Status AssignValue(OomScores& value, const Directive& directive, Words words) {
  if (words.size() != value.size()) return WrongNumberOfArguments();
  OomScores scores;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::optional<int64_t> score = ParseInt64(words[i]);
    if (!score || *score < -kOomScoreBound || *score > kOomScoreBound) {
      return Fail("Invalid " + std::string(directive.name) + ", elements must be between -2000 and 2000.");
    }
    scores[i] = *score;
  }
  value = scores;
  return {};
}

Status AssignValue(PrimaryAddress& value, const Directive&, Words words) {
  if (words.size() != 2) return WrongNumberOfArguments();
  if (EqualsIgnoreCase(words[0], "no") && EqualsIgnoreCase(words[1], "one")) {
    value = {};
    return {};
  }
  const std::optional<int64_t> port = ParseInt64(words[1]);
  if (!port || *port < 0 || *port > kMaximumPort) return Fail("Invalid master port");
  value = {words[0], *port};
  return {};
}

Status AssignValue(std::vector<SavePoint>& value, const Directive&, Words words) {
  std::vector<SavePoint> points;
  if (!(words.size() == 1 && words[0].empty())) {
    if (words.empty() || words.size() % 2 != 0) return Fail("Invalid save parameters");
    for (size_t i = 0; i < words.size(); i += 2) {
      const std::optional<int64_t> seconds = ParseInt64(words[i]);
      const std::optional<int64_t> changes = ParseInt64(words[i + 1]);
      if (!seconds || !changes || *seconds < 1 || *changes < 0) return Fail("Invalid save parameters");
      points.push_back({*seconds, *changes});
    }
  }
  value = std::move(points);
  return {};
}

Result<int> ParseNamedValue(const Directive& directive, Words words) {
  const auto unknown = [&directive] {
    std::string message = "argument(s) must be one of the following: ";
    for (size_t i = 0; i < directive.values.size(); ++i) {
      if (i > 0) message += ", ";
      message += directive.values[i].name;
    }
    return Fail(std::move(message));
  };
  if (directive.type == DirectiveType::kEnum && words.size() != 1) return WrongNumberOfArguments();
  if (words.empty()) return unknown();
  int sum = 0;
  for (const std::string& word : words) {
    const auto found =
        std::find_if(directive.values.begin(), directive.values.end(),
                     [&word](const NamedValue& known) { return EqualsIgnoreCase(known.name, word); });
    if (found == directive.values.end()) return unknown();
    sum |= found->value;
  }
  return sum;
}

}  // namespace hearth::settings
