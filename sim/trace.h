// What happened in a history, line by line, for whoever looks for the reason of a failure; and the first
// broken promise, which ends it.
//
// One for each history; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/schedule.h"

namespace hearth::sim {

class Trace {
 public:
  // Lines are kept only if they are wanted: they cost more than the history itself.
  explicit Trace(bool is_wanted) : is_wanted_(is_wanted) {}

  void Attach(const Schedule& schedule) { schedule_ = &schedule; }
  bool is_wanted() const { return is_wanted_; }

  template <typename... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    if (is_wanted_) Write(fmt::format(format, std::forward<Args>(args)...));
  }
  // A promise is broken.
  template <typename... Args>
  void Fail(fmt::format_string<Args...> format, Args&&... args) {
    if (!violation_.empty()) return;
    violation_ = fmt::format(format, std::forward<Args>(args)...);
    if (is_wanted_) Write("VIOLATION: " + violation_);
  }

  bool has_failed() const { return !violation_.empty(); }
  const std::string& violation() const { return violation_; }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void Write(const std::string& text) {
    const int64_t now_us = schedule_ == nullptr ? 0 : schedule_->now_us();
    lines_.push_back(fmt::format("{:>4}.{:06} {}", now_us / kSecond, now_us % kSecond, text));
  }

  const bool is_wanted_;
  const Schedule* schedule_ = nullptr;
  std::string violation_;
  std::vector<std::string> lines_;
};

}  // namespace hearth::sim
