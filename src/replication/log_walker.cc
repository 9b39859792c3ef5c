#include "replication/log_walker.h"

#include <utility>

#include "base/memory.h"

namespace hearth::replication {

LogWalker::LogWalker(LogPart part, LogWalk& walk, std::function<Status()> finish,
                     std::function<void()> on_done)
    : part_(std::move(part)),
      walk_(walk),
      finish_(std::move(finish)),
      on_done_(std::move(on_done)),
      thread_([this] {
        const auto memory = RegisterThreadMemory();
        status_ = Walk();
        is_done_.store(true, std::memory_order_release);
        on_done_();
      }) {}

LogWalker::~LogWalker() {
  is_cancelled_.store(true, std::memory_order_relaxed);
  thread_.join();
}

Status LogWalker::Walk() {
  HEARTH_TRY(part_.Read([this](std::string_view bytes) -> Status {
    if (is_cancelled_.load(std::memory_order_relaxed)) return Fail("cancelled");
    return walk_.Feed(bytes);
  }));
  if (!walk_.is_complete()) return Fail("the log ends in the middle of a command");
  return finish_ ? finish_() : Status();
}

}  // namespace hearth::replication
