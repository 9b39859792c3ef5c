#include "replication/log_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/assert.h"

namespace hearth::replication {

Result<LogPart> LogPart::From(uint64_t offset, log::WriteLog& write_log, log::Segments* segments) {
  HEARTH_ASSERT(offset <= write_log.end_offset());
  LogPart part(offset, write_log.end_offset());
  const uint64_t first = write_log.first_offset();
  if (offset < first) {
    if (segments == nullptr || !segments->HasAny() || segments->start_offset() > offset ||
        segments->end_offset() < first) {
      return Fail(fmt::format("neither memory nor disk have the log from offset {} on", offset));
    }
    part.segments_ = segments;
  }
  const log::LogCursor cursor =
      write_log.CursorAt(std::max(offset, first), log::LogCursor::Sees::kEverything);
  (void)cursor.Collect(UINT64_MAX, part.spans_);
  return part;
}

Status LogPart::Read(const std::function<Status(std::string_view)>& take) const {
  const uint64_t in_memory = spans_.empty() ? end_ : spans_.front().offset;
  if (begin_ < in_memory) {
    log::SegmentReader reader(*segments_);
    std::string bytes;
    for (uint64_t at = begin_; at < in_memory; at += bytes.size()) {
      HEARTH_TRY(reader.Read(at, bytes));
      if (bytes.empty()) return Fail(fmt::format("the log on disk ends at offset {} already", at));
      if (bytes.size() > in_memory - at) bytes.resize(in_memory - at);
      HEARTH_TRY(take(bytes));
    }
  }
  for (const log::LogSpan& span : spans_) HEARTH_TRY(take(span.bytes));
  return {};
}

}  // namespace hearth::replication
