// Who waits: until when clients do for CLIENT PAUSE, with all commands or only writes, and with writes for
// other reasons.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hearth::engine {

// Why writes rest although no client asked for it.
enum class RestReason : uint8_t {
  kFailover = 1 << 0,     // this server hands over to a replica
  kShutdown = 1 << 1,     // nothing is to come behind what has been promised
  kSlowReplica = 1 << 2,  // it would be lost otherwise
};

// Owned by the engine; engine thread only.
class Pause {
 public:
  enum class Scope : uint8_t { kNone, kWrites, kAll };

  // A second pause may only lengthen and widen the first.
  void Start(Scope scope, int64_t until_ms) {
    if (scope > scope_) scope_ = scope;
    if (until_ms > until_ms_) until_ms_ = until_ms;
  }
  void End() {
    scope_ = Scope::kNone;
    until_ms_ = 0;
  }
  void SetRest(RestReason reason, bool on) {
    const auto bit = static_cast<uint8_t>(reason);
    rests_ = static_cast<uint8_t>(on ? rests_ | bit : rests_ & ~bit);
  }
  bool rests(RestReason reason) const { return (rests_ & static_cast<uint8_t>(reason)) != 0; }
  // The client's own pause has had its time.
  bool IsOver(int64_t now_ms) const { return scope_ != Scope::kNone && now_ms >= until_ms_; }
  Scope scope() const { return std::max(scope_, rests_ != 0 ? Scope::kWrites : Scope::kNone); }
  int64_t until_ms() const { return until_ms_; }

  // Clients whose request was put aside, in order.
  std::vector<uint64_t> waiting;

 private:
  Scope scope_ = Scope::kNone;
  int64_t until_ms_ = 0;
  uint8_t rests_ = 0;  // bits of RestReason
};

}  // namespace hearth::engine
