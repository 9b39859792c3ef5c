// When the AOF is to be rewritten without being asked: it has grown by auto-aof-rewrite-percentage since the
// last time, and is larger than auto-aof-rewrite-min-size; and after three failures in a row, later and later
// (1, 2, 4 ... 60 minutes). Decides only; knows no clock. Owned by the server; engine thread.
#pragma once

#include <cstdint>
#include <optional>

namespace hearth::aof {

class RewriteSchedule {
 public:
  // What all files together had after loading, or after the last rewrite (INFO aof_base_size).
  void SetBaseBytes(uint64_t bytes) { base_bytes_ = bytes; }
  uint64_t base_bytes() const { return base_bytes_; }

  // The growth in percent if it is enough, else nullopt. `percentage` 0 means never.
  std::optional<int64_t> GrowthIfDue(uint64_t current_bytes, int64_t percentage, uint64_t min_bytes) const;

  void RewriteDone() { failures_ = 0; }
  // Gives the minutes until the next try, or 0 for at once.
  int RewriteFailed(int64_t now_ms);
  // False while automatic and scheduled rewrites have to wait after failures. One that a client asks for
  // need not.
  bool MayTry(int64_t now_ms) const { return failures_ < kFreeFailures || now_ms >= retry_at_ms_; }
  // INFO aof_rewrites_consecutive_failures.
  int failures() const { return failures_; }

 private:
  static constexpr int kFreeFailures = 3;
  static constexpr int kMaxDelayMinutes = 60;

  uint64_t base_bytes_ = 0;
  int failures_ = 0;
  int64_t retry_at_ms_ = 0;
};

}  // namespace hearth::aof
