#include "sentinel/core/address.h"

#include <algorithm>

#include "base/numbers.h"

namespace hearth::sentinel {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool IsVersion4(std::string_view host) {
  int parts = 0;
  while (true) {
    const size_t dot = host.find('.');
    const std::string_view part = host.substr(0, dot);
    const auto value = ParseInt64(part);
    if (!value || *value < 0 || *value > 255) return false;
    ++parts;
    if (dot == std::string_view::npos) return parts == 4;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace

bool IsNumericHost(std::string_view host) {
  if (host.find(':') == std::string_view::npos) return IsVersion4(host);
  // The rest of what an IPv6 address must be is the connection's to find out.
  const size_t zone = host.find('%');
  return host.size() <= kMaxHostBytes && zone != 0 &&
         std::ranges::all_of(host.substr(0, zone),
                             [](char c) { return IsHexDigit(c) || c == ':' || c == '.'; }) &&
         (zone == std::string_view::npos || IsPlausibleHost(host.substr(zone + 1)));
}

bool IsPlausibleHost(std::string_view host) {
  return !host.empty() && host.size() <= kMaxHostBytes && std::ranges::all_of(host, [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
  });
}

bool IsPlausibleId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes &&
         std::ranges::all_of(id, [](char c) { return IsLetter(c) || IsDigit(c); });
}

std::optional<int> ParsePort(std::string_view text) {
  const auto port = ParseInt64(text);
  if (!port || *port < 1 || *port > 65535) return std::nullopt;
  return static_cast<int>(*port);
}

std::optional<uint64_t> ParseEpoch(std::string_view text) {
  const auto epoch = ParseUint64(text);
  if (!epoch || *epoch > kMaxEpoch) return std::nullopt;
  return epoch;
}

std::string ToText(const Address& address) { return address.host + ":" + std::to_string(address.port); }

}  // namespace hearth::sentinel
