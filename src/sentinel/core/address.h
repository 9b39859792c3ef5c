// What may stand for a host, a port and an id in messages of strangers. Everything that gets into the state
// must pass here: it is written to a file of lines and words, and connected to. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sentinel/core/messages.h"

namespace hearth::sentinel {

inline constexpr size_t kMaxHostBytes = 255;
inline constexpr size_t kMaxIdBytes = 64;
// No election has ever come near; a message that names a later one would leave no room to go on from.
inline constexpr uint64_t kMaxEpoch = uint64_t{1} << 62;

// An IPv4 or IPv6 address in numbers.
bool IsNumericHost(std::string_view host);
// A number or a host name: letters, digits and . - _ : %.
bool IsPlausibleHost(std::string_view host);
// Letters and digits alone.
bool IsPlausibleId(std::string_view id);
// A port that one can connect to.
std::optional<int> ParsePort(std::string_view text);
std::optional<uint64_t> ParseEpoch(std::string_view text);
// "host:port", the name of a replica.
std::string ToText(const Address& address);

}  // namespace hearth::sentinel
