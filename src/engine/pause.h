// Who waits: until when clients do for CLIENT PAUSE, with all commands or only writes, and with writes while
// this server hands over to a replica (FAILOVER).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hearth::engine {

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
  void set_rests_writes(bool on) { rests_writes_ = on; }
  // The client's own pause has had its time.
  bool IsOver(int64_t now_ms) const { return scope_ != Scope::kNone && now_ms >= until_ms_; }
  Scope scope() const { return std::max(scope_, rests_writes_ ? Scope::kWrites : Scope::kNone); }
  int64_t until_ms() const { return until_ms_; }

  // Clients whose request was put aside, in order.
  std::vector<uint64_t> waiting;

 private:
  Scope scope_ = Scope::kNone;
  int64_t until_ms_ = 0;
  bool rests_writes_ = false;
};

}  // namespace hearth::engine
