#include "sentinel/core/hello.h"

#include <array>
#include <limits>

#include "sentinel/core/address.h"

namespace hearth::sentinel {
namespace {

constexpr size_t kMaxHelloBytes = 2048;
constexpr size_t kFields = 8;

std::optional<std::array<std::string_view, kFields>> SplitHello(std::string_view text) {
  std::array<std::string_view, kFields> fields;
  for (size_t i = 0; i < kFields; ++i) {
    const size_t comma = text.find(',');
    if ((comma == std::string_view::npos) != (i + 1 == kFields)) return std::nullopt;
    fields[i] = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return fields;
}

}  // namespace

std::optional<HelloMessage> ParseHello(std::string_view text) {
  if (text.size() > kMaxHelloBytes) return std::nullopt;
  const auto fields = SplitHello(text);
  if (!fields) return std::nullopt;
  const auto& [ip, port, id, current_epoch, name, primary_ip, primary_port, config_epoch] = *fields;
  const auto port_number = ParsePort(port);
  const auto primary_port_number = ParsePort(primary_port);
  const auto current = ParseEpoch(current_epoch);
  const auto config = ParseEpoch(config_epoch);
  if (!port_number || !primary_port_number || !current || !config) return std::nullopt;
  if (!IsPlausibleHost(ip) || !IsPlausibleHost(primary_ip) || !IsPlausibleId(id) || name.empty())
    return std::nullopt;
  return HelloMessage{{std::string(ip), *port_number},
                      std::string(id),
                      *current,
                      std::string(name),
                      {std::string(primary_ip), *primary_port_number},
                      *config};
}

std::string FormatHello(const HelloMessage& hello) {
  std::string text;
  text.reserve(160);
  text.append(hello.sender.host).append(",").append(std::to_string(hello.sender.port)).append(",");
  text.append(hello.run_id).append(",").append(std::to_string(hello.current_epoch)).append(",");
  text.append(hello.primary_name).append(",").append(hello.primary.host).append(",");
  text.append(std::to_string(hello.primary.port)).append(",").append(std::to_string(hello.config_epoch));
  return text;
}

std::optional<VoteReply> ParseVoteReply(const Reply& reply) {
  if (reply.kind != Reply::Kind::kArray || reply.elements.size() != 3) return std::nullopt;
  const Reply& down = reply.elements[0];
  const Reply& leader = reply.elements[1];
  const Reply& epoch = reply.elements[2];
  if (down.kind != Reply::Kind::kInteger || epoch.kind != Reply::Kind::kInteger) return std::nullopt;
  if (leader.kind != Reply::Kind::kText && leader.kind != Reply::Kind::kStatus) return std::nullopt;
  if (epoch.integer < 0 || static_cast<uint64_t>(epoch.integer) > kMaxEpoch) return std::nullopt;
  VoteReply vote{down.integer == 1, {}, static_cast<uint64_t>(epoch.integer)};
  if (IsPlausibleId(leader.text)) vote.leader = leader.text;
  return vote;
}

}  // namespace hearth::sentinel
