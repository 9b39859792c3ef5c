// What has held the server up: for each kind of event, the worst of each second in which one lasted at least
// latency-monitor-threshold milliseconds. LATENCY shows it.
//
// Owned by the engine; engine thread only. What other threads measure reaches it through their owners.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "settings/settings.h"

namespace hearth::engine {

struct LatencySample {
  int64_t at_seconds = 0;
  int64_t ms = 0;
};

// The last samples of one kind of event.
class LatencySeries {
 public:
  static constexpr size_t kMaxSamples = 160;

  void Add(int64_t at_seconds, int64_t ms);

  size_t size() const { return size_; }
  // Oldest first.
  const LatencySample& operator[](size_t i) const {
    return samples_[(next_ + kMaxSamples - size_ + i) % kMaxSamples];
  }
  const LatencySample& latest() const { return (*this)[size_ - 1]; }
  // The worst ever, also of those that are forgotten.
  int64_t max_ms() const { return max_ms_; }

 private:
  std::array<LatencySample, kMaxSamples> samples_{};
  size_t next_ = 0;
  size_t size_ = 0;
  int64_t max_ms_ = 0;
};

class LatencyMonitor {
 public:
  explicit LatencyMonitor(const settings::Settings& settings) : settings_(settings) {}

  bool is_on() const { return settings_.latency_monitor_threshold > 0; }
  // Keeps the event if it lasted long enough. The names of events are our own, so that their number is
  // bounded.
  void Report(std::string_view event, int64_t duration_us, int64_t now_seconds);

  using Events = std::map<std::string, LatencySeries, std::less<>>;
  const Events& events() const { return events_; }
  // Null if there has been none.
  const LatencySeries* Find(std::string_view event) const;

  // Forgets one kind of event, or all; gives how many there were.
  size_t Reset(std::string_view event);
  size_t ResetAll();

 private:
  const settings::Settings& settings_;
  Events events_;
};

}  // namespace hearth::engine
