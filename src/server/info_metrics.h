// Figures that INFO shows as rates or peaks, and identities that stay for the life of the process.
//
// Owned by the composition root. Engine thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "env/clock.h"
#include "env/random.h"
#include "net/event_loop.h"
#include "net/io_threads.h"
#include "persistence/append_only.h"
#include "replication/replication.h"

namespace hearth::server {

struct Identity {
  std::string run_id;
  std::string executable;
  std::string system_name;
  int64_t started_ms = 0;
  size_t startup_memory_bytes = 0;
};
// To be called when the server is built up and before it takes data, so that the memory of the start is
// known.
Identity MakeIdentity(env::Random& random, env::Clock& clock);

// An average over the last samples of a counter's growth per second.
class Rate {
 public:
  void Sample(int64_t now_us, uint64_t counter);
  double per_second() const;

 private:
  static constexpr size_t kSamples = 16;
  std::array<double, kSamples> samples_{};
  size_t next_ = 0;
  int64_t last_us_ = 0;
  uint64_t last_counter_ = 0;
};

class Metrics {
 public:
  Metrics(engine::Engine& engine, net::IoThreads& connections, net::EventLoop& loop,
          const replication::Replication& replication, const persistence::AppendOnly& append_only)
      : engine_(engine),
        connections_(connections),
        loop_(loop),
        replication_(replication),
        append_only_(append_only),
        made_us_(loop.FreshNowMicros()) {}

  // Any number of times a second; measures at most every 100 ms.
  void Sample();
  // Once a turn, after its requests.
  void OnTurn();
  // CONFIG RESETSTAT.
  void Reset();

  // Counters since the start or the last reset.
  net::IoStats io() const;
  uint64_t loop_turns() const { return loop_.turns() - turns_at_reset_; }
  // Between this server and its primary and replicas.
  uint64_t replication_bytes_read() const {
    return replication_.link().received_bytes() - replication_read_at_reset_;
  }
  uint64_t replication_bytes_written() const {
    return replication_.replicas().sent_bytes() - replication_written_at_reset_;
  }

  // How long the loop was busy, all in all, since the start or the last reset.
  int64_t busy_us() const { return BusyMicros() - busy_us_at_reset_; }
  const Rate& busy() const { return busy_; }
  // The same of timers alone, and of what the append-only file takes of the loop's time.
  int64_t timers_us() const { return loop_.timer_micros() - timers_us_at_reset_; }
  uint64_t append_only_us() const {
    return engine_.ticks().ToMicros(append_only_.stats().pump_ticks - pump_ticks_at_reset_);
  }
  // The longest turn of the loop, and that with the most commands.
  int64_t longest_turn_us() const { return loop_.longest_turn_micros(); }
  uint64_t most_commands_a_turn() const { return most_commands_a_turn_; }
  const replication::Replication& replication() const { return replication_; }

  size_t peak_memory_bytes() const { return peak_memory_bytes_; }
  const Rate& operations() const { return operations_; }
  const Rate& input() const { return input_; }
  const Rate& output() const { return output_; }
  const Rate& turns() const { return turns_; }
  const Rate& replication_input() const { return replication_input_; }
  const Rate& replication_output() const { return replication_output_; }

 private:
  static constexpr int64_t kIntervalMicros = 100'000;

  // Since this object was made.
  int64_t BusyMicros() const { return loop_.FreshNowMicros() - made_us_ - loop_.waited_micros(); }

  engine::Engine& engine_;
  net::IoThreads& connections_;
  net::EventLoop& loop_;
  const replication::Replication& replication_;
  const persistence::AppendOnly& append_only_;
  const int64_t made_us_;
  net::IoStats io_at_reset_;
  uint64_t turns_at_reset_ = 0;
  int64_t busy_us_at_reset_ = 0;
  int64_t timers_us_at_reset_ = 0;
  uint64_t pump_ticks_at_reset_ = 0;
  uint64_t commands_before_turn_ = 0;
  uint64_t most_commands_a_turn_ = 0;
  uint64_t replication_read_at_reset_ = 0;
  uint64_t replication_written_at_reset_ = 0;
  size_t peak_memory_bytes_ = 0;
  int64_t last_sample_us_ = 0;
  Rate operations_;
  Rate input_;
  Rate output_;
  Rate turns_;
  Rate busy_;
  Rate replication_input_;
  Rate replication_output_;
};

}  // namespace hearth::server
