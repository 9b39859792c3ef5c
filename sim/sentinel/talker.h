// A simulated process that speaks in commands and replies, and what all of a history of Sentinels share.
//
// Owned by the world; one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sentinel/core/messages.h"
#include "sim/sentinel/sentinel_checks.h"
#include "sim/stage.h"

namespace hearth::sim {

class Talker : public Process {
 public:
  virtual void OnCommand(ConnectionId id, const std::vector<std::string>& words) = 0;
  virtual void OnReply(ConnectionId id, const sentinel::Reply& reply) = 0;
  virtual void OnMessage(ConnectionId id, const std::string& channel, const std::string& text) = 0;
};

// Bugs that the checks must find; see sentinel_test.cc.
enum class SentinelBug : uint8_t {
  kNone,
  kVotesTwice,      // whoever asks has the vote
  kForgetsEpochs,   // a restart begins with no epoch
  kAnswersUnsaved,  // the answer leaves, and the state is not on disk
  kOneTooFew,       // one replica less than must answer is enough for a promotion
  kKeepsOldSet,     // replicas tell of the first set that they knew
  kGoesOnFenced,    // a replica acknowledges although it has been fenced
  kTrustsItself,    // a primary that comes back goes on with whatever it has
};

struct SentinelCast {
  Stage& stage;
  SentinelChecks checks;
  SentinelBug planted = SentinelBug::kNone;
  std::function<Talker*(HostId)> talker_of;

  void SendCommand(ConnectionId id, HostId from, HostId to, std::vector<std::string> words) {
    stage.network().Send(id, from,
                         [this, id, to, words = std::move(words)] { talker_of(to)->OnCommand(id, words); });
  }
  void SendReply(ConnectionId id, HostId from, HostId to, sentinel::Reply reply) {
    stage.network().Send(id, from,
                         [this, id, to, reply = std::move(reply)] { talker_of(to)->OnReply(id, reply); });
  }
  void SendMessage(ConnectionId id, HostId from, HostId to, std::string channel, std::string text) {
    stage.network().Send(id, from, [this, id, to, channel = std::move(channel), text = std::move(text)] {
      talker_of(to)->OnMessage(id, channel, text);
    });
  }
};

// Each host has an address, and one process listens there.
inline sentinel::Address AddressOf(HostId host, bool is_sentinel) {
  return {"10.0.0." + std::to_string(host + 1), is_sentinel ? 26379 : 6379};
}
inline HostId HostOf(std::string_view address) {
  HostId host = 0;
  for (const char digit : address.substr(address.rfind('.') + 1)) host = host * 10 + (digit - '0');
  return host - 1;
}

}  // namespace hearth::sim
