#include "server/info_metrics.h"

#include <algorithm>
#include <numeric>

#include "base/memory.h"
#include "env/process.h"

namespace hearth::server {

Identity MakeIdentity(env::Random& random, env::Clock& clock) {
  return {env::MakeId(random), env::ExecutablePath(), env::SystemName(), clock.WallMicros() / 1000,
          AllocatedBytes()};
}

void Rate::Sample(int64_t now_us, uint64_t counter) {
  // A counter that was reset begins anew.
  if (last_us_ != 0 && now_us > last_us_ && counter >= last_counter_) {
    samples_[next_] =
        static_cast<double>(counter - last_counter_) * 1e6 / static_cast<double>(now_us - last_us_);
    next_ = (next_ + 1) % kSamples;
  }
  last_us_ = now_us;
  last_counter_ = counter;
}

double Rate::per_second() const { return std::accumulate(samples_.begin(), samples_.end(), 0.0) / kSamples; }

void Metrics::Sample() {
  const int64_t now_us = loop_.NowMicros();
  if (last_sample_us_ != 0 && now_us - last_sample_us_ < kIntervalMicros) return;
  last_sample_us_ = now_us;
  peak_memory_bytes_ = std::max(peak_memory_bytes_, AllocatedBytes());
  const net::IoStats io = connections_.stats();
  operations_.Sample(now_us, engine_.stats().commands_processed);
  input_.Sample(now_us, io.bytes_read);
  output_.Sample(now_us, io.bytes_written);
  turns_.Sample(now_us, loop_.turns());
  busy_.Sample(now_us, static_cast<uint64_t>(std::max<int64_t>(BusyMicros(), 0)));
  replication_input_.Sample(now_us, replication_.link().received_bytes());
  replication_output_.Sample(now_us, replication_.replicas().sent_bytes());
}

void Metrics::OnTurn() {
  const uint64_t commands = engine_.stats().commands_processed;
  // After a reset the counter begins anew.
  if (commands > commands_before_turn_) {
    most_commands_a_turn_ = std::max(most_commands_a_turn_, commands - commands_before_turn_);
  }
  commands_before_turn_ = commands;
}

void Metrics::Reset() {
  io_at_reset_ = connections_.stats();
  turns_at_reset_ = loop_.turns();
  busy_us_at_reset_ = BusyMicros();
  timers_us_at_reset_ = loop_.timer_micros();
  pump_ticks_at_reset_ = append_only_.stats().pump_ticks;
  most_commands_a_turn_ = 0;
  loop_.ForgetLongestTurn();
  replication_read_at_reset_ = replication_.link().received_bytes();
  replication_written_at_reset_ = replication_.replicas().sent_bytes();
}

net::IoStats Metrics::io() const {
  net::IoStats io = connections_.stats();
  io.bytes_read -= io_at_reset_.bytes_read;
  io.bytes_written -= io_at_reset_.bytes_written;
  io.reads -= io_at_reset_.reads;
  io.writes -= io_at_reset_.writes;
  io.handshakes_failed -= io_at_reset_.handshakes_failed;
  io.threaded_reads -= io_at_reset_.threaded_reads;
  io.threaded_writes -= io_at_reset_.threaded_writes;
  io.query_buffer_overflows -= io_at_reset_.query_buffer_overflows;
  return io;
}

}  // namespace hearth::server
