// The last commands that took longer than slowlog-log-slower-than. Owned by the engine; engine thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

struct SlowCommand {
  uint64_t id;
  int64_t at_seconds;
  int64_t duration_us;
  std::vector<std::string> args;  // shortened: at most 32 of at most 128 bytes
  std::string client_address;
  std::string client_name;
};

class Slowlog {
 public:
  void Add(int64_t at_seconds, int64_t duration_us, std::span<const std::string_view> args,
           std::string_view client_address, std::string_view client_name, size_t max_length);
  void Clear() { entries_.clear(); }
  // Newest first.
  const std::deque<SlowCommand>& entries() const { return entries_; }
  void Trim(size_t max_length) {
    while (entries_.size() > max_length) entries_.pop_back();
  }

 private:
  std::deque<SlowCommand> entries_;
  uint64_t next_id_ = 0;
};

}  // namespace hearth::engine
