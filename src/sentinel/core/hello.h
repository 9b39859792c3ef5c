// What Sentinels tell each other: the hello that each publishes on its servers' channel, and the answer to
// SENTINEL IS-MASTER-DOWN-BY-ADDR, which is a vote at the same time. Read with distrust;
// docs/formats/sentinel.md has more. Pure.
//
//   hello: ip,port,run id,current epoch,name of the primary,its ip,its port,its configuration's epoch
//   vote:  [is it down: 0 or 1, run id of the leader voted for or "*", epoch of that vote]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sentinel/core/messages.h"

namespace hearth::sentinel {

inline constexpr std::string_view kHelloChannel = "__sentinel__:hello";

struct HelloMessage {
  Address sender;
  std::string run_id;
  uint64_t current_epoch = 0;
  std::string primary_name;
  Address primary;
  uint64_t config_epoch = 0;

  bool operator==(const HelloMessage&) const = default;
};

std::optional<HelloMessage> ParseHello(std::string_view text);
std::string FormatHello(const HelloMessage& hello);

// What it is made of.
struct Vote {
  bool is_down = false;
  std::string leader = "*";
  uint64_t leader_epoch = 0;
};

struct VoteReply {
  bool is_down = false;
  std::string leader;  // empty: it has not voted for anybody
  uint64_t epoch = 0;
};

std::optional<VoteReply> ParseVoteReply(const Reply& reply);

}  // namespace hearth::sentinel
