// A part of the write log, up to its present end, that can be read on another thread while the engine goes
// on: what is in memory is held, the rest comes from disk.
//
// Made on the engine thread; then one thread's. `Segments` outlives it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/segments.h"
#include "log/write_log.h"

namespace hearth::replication {

class LogPart {
 public:
  // From `offset` on, which lies within the log. Fails if neither memory nor disk have it; `segments` may be
  // null.
  static Result<LogPart> From(uint64_t offset, log::WriteLog& write_log, log::Segments* segments);

  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }
  // Gives it piece by piece; an error that `take` gives ends the reading.
  Status Read(const std::function<Status(std::string_view)>& take) const;

 private:
  LogPart(uint64_t begin, uint64_t end) : begin_(begin), end_(end) {}

  uint64_t begin_;
  uint64_t end_;
  log::Segments* segments_ = nullptr;  // for what lies before the spans
  std::vector<log::LogSpan> spans_;
};

}  // namespace hearth::replication
