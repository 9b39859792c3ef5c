#include "sentinel/core/scripts.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace hearth::sentinel {

void Scripts::Add(int64_t now_ms, std::vector<std::string> words) {
  HEARTH_ASSERT(!words.empty());
  jobs_.push_back({.id = 0, .words = std::move(words), .since_or_at_ms = now_ms});
  if (jobs_.size() <= kMaxQueued) return;
  const auto oldest = std::ranges::find_if(jobs_, [](const Job& job) { return !job.is_running; });
  HEARTH_ASSERT(oldest != jobs_.end());
  jobs_.erase(oldest);
}

const Scripts::Job* Scripts::Start(int64_t now_ms) {
  if (running_count_ >= kMaxRunning) return nullptr;
  for (Job& job : jobs_) {
    if (job.is_running || job.since_or_at_ms > now_ms) continue;
    job.id = ++last_id_;
    job.is_running = true;
    job.is_killed = false;
    job.since_or_at_ms = now_ms;
    ++job.tries;
    ++running_count_;
    return &job;
  }
  return nullptr;
}

const Scripts::Job* Scripts::Overdue(int64_t now_ms, int64_t max_runtime_ms) {
  for (Job& job : jobs_) {
    if (!job.is_running || job.is_killed || job.since_or_at_ms + max_runtime_ms > now_ms) continue;
    job.is_killed = true;
    return &job;
  }
  return nullptr;
}

std::optional<Scripts::Job> Scripts::End(int64_t now_ms, uint64_t id, int exit_code, int signal,
                                         int64_t retry_delay_ms) {
  const auto found =
      std::ranges::find_if(jobs_, [id](const Job& job) { return job.is_running && job.id == id; });
  if (found == jobs_.end()) return std::nullopt;
  HEARTH_ASSERT(running_count_ > 0);
  --running_count_;
  found->is_running = false;
  if ((signal != 0 || exit_code == 1) && found->tries < kMaxTries) {
    found->since_or_at_ms = now_ms + (retry_delay_ms << (found->tries - 1));
    return std::nullopt;
  }
  Job job = std::move(*found);
  jobs_.erase(found);
  if (signal == 0 && exit_code == 0) return std::nullopt;
  return job;
}

int64_t Scripts::next_ms(int64_t max_runtime_ms) const {
  int64_t next = std::numeric_limits<int64_t>::max();
  for (const Job& job : jobs_) {
    if (job.is_running) {
      if (!job.is_killed) next = std::min(next, job.since_or_at_ms + max_runtime_ms);
    } else if (running_count_ < kMaxRunning) {
      next = std::min(next, job.since_or_at_ms);
    }
  }
  return next;
}

}  // namespace hearth::sentinel
