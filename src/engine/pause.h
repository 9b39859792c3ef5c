// CLIENT PAUSE: until when clients wait, and whether all commands or only writes do.
#pragma once

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
  bool IsOver(int64_t now_ms) const { return scope_ != Scope::kNone && now_ms >= until_ms_; }
  Scope scope() const { return scope_; }
  int64_t until_ms() const { return until_ms_; }

  // Clients whose request was put aside, in order.
  std::vector<uint64_t> waiting;

 private:
  Scope scope_ = Scope::kNone;
  int64_t until_ms_ = 0;
};

}  // namespace hearth::engine
