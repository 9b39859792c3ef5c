// Text to number and back, exactly as the protocol's users expect: strict syntax, no locale, shortest exact
// digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth {

// Decimal int64 in canonical form only: optional '-', no '+', no leading zeros or spaces, no "-0". Else
// nullopt.
std::optional<int64_t> ParseInt64(std::string_view text);

// Like ParseInt64 for [0, 2^64).
std::optional<uint64_t> ParseUint64(std::string_view text);

// Writes `value` in decimal to `to`, which has room for 20 bytes; returns the number of bytes written.
int FormatInt64(int64_t value, char* to);

std::string ToString(int64_t value);

// A double as a client may write it (strtod's decimal and hexadecimal forms, "inf", "+infinity", ...).
// The whole text must be used; NaN, empty text, surrounding spaces and out-of-range values give nullopt.
std::optional<double> ParseDouble(std::string_view text);

// A long double in the same syntax, for INCRBYFLOAT and HINCRBYFLOAT.
std::optional<long double> ParseLongDouble(std::string_view text);

// The reply form of a double, as Redis 7.2 has it: the shortest digits that read back equal, whole numbers up
// to 2^62 without an exponent, others with a bare one where that is shorter ("1e-7", "1e+21"); "inf", "-inf",
// "nan".
std::string FormatDouble(double value);

// INCRBYFLOAT's form: 17 decimals, trailing zeros (and a bare point) removed, never an exponent.
std::string FormatLongDouble(long double value);

// A size with the units of the configuration ("1gb", "10k", "100"); case-insensitive. Bytes, or nullopt.
std::optional<int64_t> ParseMemory(std::string_view text);

}  // namespace hearth
