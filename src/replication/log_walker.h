// Reads a part of the log and feeds it to a walk, on a thread of its own.
//
// Owned by whoever rejoins or is rejoined; engine thread. The walk is the thread's until is_done.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "base/result.h"
#include "replication/log_part.h"
#include "replication/log_walk.h"

namespace hearth::replication {

class LogWalker {
 public:
  // `finish` is done at the good end, `on_done` called at any, both on the thread.
  LogWalker(LogPart part, LogWalk& walk, std::function<Status()> finish, std::function<void()> on_done);
  // Gives up what is not read yet.
  ~LogWalker();
  LogWalker(const LogWalker&) = delete;
  LogWalker& operator=(const LogWalker&) = delete;

  const LogPart& part() const { return part_; }
  bool is_done() const { return is_done_.load(std::memory_order_acquire); }
  // When it is done.
  const Status& status() const { return status_; }

 private:
  Status Walk();

  const LogPart part_;
  LogWalk& walk_;
  const std::function<Status()> finish_;
  const std::function<void()> on_done_;
  Status status_;
  std::atomic<bool> is_cancelled_ = false;
  std::atomic<bool> is_done_ = false;
  std::thread thread_;
};

}  // namespace hearth::replication
