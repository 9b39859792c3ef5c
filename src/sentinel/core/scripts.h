// The scripts that a Sentinel runs for its operator: a queue with a limit on how many run at once, retries
// with growing delays, and an end for those that run too long. Owned by the machine, which is told by its
// carrier how each ended. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace hearth::sentinel {

class Scripts {
 public:
  static constexpr size_t kMaxQueued = 256;
  static constexpr size_t kMaxRunning = 16;
  static constexpr int kMaxTries = 10;

  struct Job {
    uint64_t id;  // the last one under which it was started; 0 if it never was
    std::vector<std::string> words;
    bool is_running = false;
    bool is_killed = false;
    int64_t since_or_at_ms;  // running since, or to be run at
    int tries = 0;
  };

  // A full queue drops the oldest that does not run.
  void Add(int64_t now_ms, std::vector<std::string> words);
  // Starts the next one that may run now, under a fresh id; it stays where it is until the next Add or End.
  const Job* Start(int64_t now_ms);
  // The next one that has run too long and is to be killed; each is named once.
  const Job* Overdue(int64_t now_ms, int64_t max_runtime_ms);
  // A script has ended. Gives the job if it failed for good; others are retried or forgotten.
  std::optional<Job> End(int64_t now_ms, uint64_t id, int exit_code, int signal, int64_t retry_delay_ms);
  // When Start or Overdue will have something.
  int64_t next_ms(int64_t max_runtime_ms) const;

  const std::deque<Job>& jobs() const { return jobs_; }
  size_t running_count() const { return running_count_; }

 private:
  std::deque<Job> jobs_;
  size_t running_count_ = 0;
  uint64_t last_id_ = 0;
};

}  // namespace hearth::sentinel
