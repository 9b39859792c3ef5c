#include "base/numbers.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <fast_float/fast_float.h>

namespace hearth {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// A number written with decimal digits, point and exponent alone, so that fast_float and strtod agree on it.
bool IsPlainDecimal(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty() || !(IsDigit(text[0]) || text[0] == '.')) return false;
  return !(text.size() > 1 && text[0] == '0' && Lower(text[1]) == 'x');
}

// strtod would skip spaces and accept NaN with a payload; neither is a number to a client.
bool MayBeNumber(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && (IsDigit(text[0]) || text[0] == '.' || Lower(text[0]) == 'i');
}

// Runs strtod or strtold over the whole of `text`. The result must be a number; an infinity must have been
// spelt out, and a zero must not be the remains of a number too small to hold.
template <typename Float>
std::optional<Float> ParseWithLibrary(std::string_view text, Float (*parse)(const char*, char**)) {
  constexpr size_t kInlineBytes = 256;
  if (!MayBeNumber(text)) return std::nullopt;
  char inline_copy[kInlineBytes];
  std::string long_copy;
  const char* copy = inline_copy;
  if (text.size() < kInlineBytes) {
    std::memcpy(inline_copy, text.data(), text.size());
    inline_copy[text.size()] = '\0';
  } else {
    long_copy = text;
    copy = long_copy.c_str();
  }
  char* end = nullptr;
  errno = 0;
  const Float value = parse(copy, &end);
  if (end != copy + text.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

// True if the digits of a literal that reads as zero are all zeros.
bool IsWrittenAsZero(std::string_view text) {
  for (char c : text) {
    if (Lower(c) == 'e') break;
    if (c >= '1' && c <= '9') return false;
  }
  return true;
}

// Shortest decimal digits of a finite, positive `value` without their point: value = digits * 10^exponent.
struct Digits {
  char text[24];
  int count = 0;
  int exponent = 0;
};

Digits ShortestDigits(double value) {
  char scientific[40];
  const auto end =
      std::to_chars(scientific, scientific + sizeof(scientific), value, std::chars_format::scientific);
  Digits digits;
  const char* at = scientific;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits.text[digits.count++] = *at;
  }
  at += at[1] == '+' ? 2 : 1;
  int exponent = 0;
  std::from_chars(at, end.ptr, exponent);
  digits.exponent = exponent - (digits.count - 1);
  return digits;
}

// Lays the digits out as Redis 7.2 does: plain where that is short, else d.ddde+x with a bare exponent.
std::string LayOut(const Digits& digits) {
  const std::string_view text(digits.text, static_cast<size_t>(digits.count));
  const int scientific_exponent = digits.exponent + digits.count - 1;
  std::string out;
  if (digits.exponent >= 0 && scientific_exponent < digits.count + 7) {
    out.append(text).append(static_cast<size_t>(digits.exponent), '0');
    return out;
  }
  if (digits.exponent < 0 && (digits.exponent > -7 || std::abs(scientific_exponent) < 4)) {
    const int point = digits.count + digits.exponent;
    if (point <= 0) {
      out.append("0.").append(static_cast<size_t>(-point), '0').append(text);
    } else {
      out.append(text.substr(0, static_cast<size_t>(point)))
          .append(".")
          .append(text.substr(static_cast<size_t>(point)));
    }
    return out;
  }
  out.push_back(text[0]);
  if (text.size() > 1) out.append(".").append(text.substr(1));
  out.append(scientific_exponent < 0 ? "e-" : "e+").append(ToString(std::abs(scientific_exponent)));
  return out;
}

}  // namespace

std::optional<uint64_t> ParseUint64(std::string_view text) {
  if (text.empty() || text.size() > 20 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  uint64_t value = 0;
  for (char c : text) {
    if (!IsDigit(c)) return std::nullopt;
    if (__builtin_mul_overflow(value, uint64_t{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value)) return std::nullopt;
  }
  return value;
}

std::optional<int64_t> ParseInt64(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  const auto magnitude = ParseUint64(negative ? text.substr(1) : text);
  if (!magnitude) return std::nullopt;
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (!negative) return *magnitude <= kMax ? std::optional<int64_t>(*magnitude) : std::nullopt;
  if (*magnitude == 0 || *magnitude > kMax + 1) return std::nullopt;
  return static_cast<int64_t>(-*magnitude);
}

int FormatInt64(int64_t value, char* to) {
  return static_cast<int>(std::to_chars(to, to + 20, value).ptr - to);
}

std::string ToString(int64_t value) {
  char digits[20];
  return std::string(digits, static_cast<size_t>(FormatInt64(value, digits)));
}

std::optional<double> ParseDouble(std::string_view text) {
  if (!IsPlainDecimal(text)) return ParseWithLibrary<double>(text, std::strtod);
  std::string_view number = text;
  if (number[0] == '+') number.remove_prefix(1);
  double value = 0;
  const auto [end, error] = fast_float::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size() || std::isinf(value)) return std::nullopt;
  if (value == 0 && !IsWrittenAsZero(number)) return std::nullopt;
  return value;
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  return ParseWithLibrary<long double>(text, std::strtold);
}

std::string FormatDouble(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  // Half of the int64 range is the bound up to which Redis prints whole numbers as integers.
  constexpr double kWholeBound = 4611686018427387904.0;
  if (value >= -kWholeBound && value <= kWholeBound && value == std::trunc(value)) {
    return ToString(static_cast<int64_t>(value));
  }
  const std::string magnitude = LayOut(ShortestDigits(std::fabs(value)));
  return value < 0 ? "-" + magnitude : magnitude;
}

std::string FormatLongDouble(long double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // The largest long double has 4933 digits before the point; 17 more, the point and a sign follow.
  char digits[5000];
  const int written = std::snprintf(digits, sizeof(digits), "%.17Lf", value);
  std::string_view text(digits, static_cast<size_t>(written));
  text = text.substr(0, text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.remove_suffix(1);
  return text == "-0" ? "0" : std::string(text);
}

std::optional<int64_t> ParseMemory(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && (IsDigit(text[digits]) || (digits == 0 && text[0] == '-'))) ++digits;
  std::string unit;
  for (char c : text.substr(digits)) unit.push_back(Lower(c));
  int64_t scale = 0;
  if (unit.empty() || unit == "b") scale = 1;
  if (unit == "k") scale = 1000;
  if (unit == "kb") scale = 1024;
  if (unit == "m") scale = 1000 * 1000;
  if (unit == "mb") scale = 1024 * 1024;
  if (unit == "g") scale = 1000L * 1000 * 1000;
  if (unit == "gb") scale = 1024L * 1024 * 1024;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (scale == 0 || error != std::errc() || end != text.data() + digits) return std::nullopt;
  if (__builtin_mul_overflow(value, scale, &value)) return std::nullopt;
  return value;
}

}  // namespace hearth
