// The simulator: plays histories of every world from fresh seeds, until as many are played as were asked for
// or the time is up. One that breaks a promise is shrunk to the faults that it needs, and its end is printed.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/test_seed.h"
#include "sim/replication/replication_world.h"
#include "sim/sentinel/sentinel_world.h"
#include "sim/world.h"

namespace hearth::sim {
namespace {

constexpr int64_t kDefaultSeconds = 60;
constexpr size_t kShownLines = 120;
constexpr int kShrinkingPlays = 400;

using Clock = std::chrono::steady_clock;

// What every worker plays now, for the message of a failed assertion.
struct Playing {
  static constexpr size_t kMostWorkers = 64;
  std::atomic<uint64_t> seeds[kMostWorkers] = {};
};
Playing playing;

void OnAbort(int) {
  for (const auto& seed : playing.seeds) {
    if (seed != 0) fmt::print("an assertion failed while one of these was played: --seed {}\n", seed.load());
  }
}

struct Request {
  std::vector<std::string> names;
  std::optional<uint64_t> seed;
  std::optional<uint64_t> count;
  int64_t seconds = kDefaultSeconds;
};

std::vector<std::unique_ptr<World>> Worlds() {
  std::vector<std::unique_ptr<World>> worlds;
  worlds.push_back(std::make_unique<ReplicationWorld>());
  worlds.push_back(std::make_unique<SentinelWorld>());
  worlds.push_back(std::make_unique<SentinelWorld>(SentinelBug::kNone, true));
  return worlds;
}

// Prints a history that breaks a promise, with as few faults as it needs.
void Show(const World& world, uint64_t seed, bool shows_all) {
  const std::vector<Fault> planned = world.Plan(seed);
  const std::vector<Fault> faults = Shrink(world, seed, planned, kShrinkingPlays);
  Trace trace(true);
  world.Play(seed, faults, trace);
  fmt::print("{} seed {}: {} of its {} faults are needed\n", world.name(), seed, faults.size(),
             planned.size());
  const std::vector<std::string>& lines = trace.lines();
  const size_t first = shows_all || lines.size() < kShownLines ? 0 : lines.size() - kShownLines;
  for (size_t i = first; i < lines.size(); ++i) fmt::print("{}\n", lines[i]);
  fmt::print("{}\nreplay: ./x sim --seed {} {}\n", trace.violation(), seed, world.name());
}

// One history, with all that happens in it. False if it breaks a promise.
bool ShowOne(const World& world, uint64_t seed) {
  Trace trace(true);
  world.Play(seed, world.Plan(seed), trace);
  if (trace.has_failed()) {
    Show(world, seed, true);
    return false;
  }
  for (const std::string& line : trace.lines()) fmt::print("{}\n", line);
  return true;
}

// False if a history broke a promise.
bool PlayMany(const World& world, const Request& request, uint64_t first_seed, int64_t seconds) {
  const uint64_t count = request.count.value_or(UINT64_MAX);
  const auto began = Clock::now();
  const auto deadline = began + std::chrono::seconds(seconds);
  std::atomic<uint64_t> next = 0;
  std::atomic<uint64_t> played = 0;
  std::atomic<uint64_t> events = 0;
  std::atomic<int64_t> virtual_seconds = 0;
  std::mutex mutex;
  std::optional<uint64_t> failed;  // the smallest seed
  const auto work = [&](size_t worker) {
    for (;;) {
      const uint64_t index = next.fetch_add(1);
      if (index >= count || (!request.count && Clock::now() >= deadline)) break;
      const uint64_t seed = first_seed + index;
      playing.seeds[worker] = seed;
      Trace trace(false);
      const Played history = world.Play(seed, world.Plan(seed), trace);
      ++played;
      events += history.events;
      virtual_seconds += history.virtual_us / kSecond;
      if (!trace.has_failed()) continue;
      const std::lock_guard lock(mutex);
      if (!failed || seed < *failed) failed = seed;
      break;
    }
    playing.seeds[worker] = 0;
  };
  {
    std::vector<std::jthread> workers;
    const size_t workers_wanted =
        std::min<size_t>(std::thread::hardware_concurrency(), Playing::kMostWorkers);
    for (size_t i = 0; i < std::max<size_t>(workers_wanted, 1); ++i) workers.emplace_back(work, i);
  }
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  fmt::print("{}: {} histories from seed {} on in {:.1f} s: {} virtual hours, {} events\n", world.name(),
             played.load(), first_seed, took, virtual_seconds.load() / 3600, events.load());
  if (failed) Show(world, *failed, false);
  return !failed;
}

std::optional<Request> Parse(int argc, char** argv) {
  Request request;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--")) {
      request.names.emplace_back(word);
      continue;
    }
    const auto number = i + 1 < argc ? ParseUint64(argv[++i]) : std::nullopt;
    if (!number) return std::nullopt;
    if (word == "--seed") {
      request.seed = *number;
    } else if (word == "--seeds") {
      request.count = *number;
    } else if (word == "--seconds") {
      request.seconds = static_cast<int64_t>(*number);
    } else {
      return std::nullopt;
    }
  }
  return request;
}

int Main(int argc, char** argv) {
  const std::optional<Request> request = Parse(argc, argv);
  const std::vector<std::unique_ptr<World>> worlds = Worlds();
  std::vector<const World*> wanted;
  for (const auto& world : worlds) {
    const bool is_named = request && std::ranges::find(request->names, world->name()) != request->names.end();
    const bool is_usual = request && request->names.empty() && world->share() > 0;
    if (is_usual || is_named) wanted.push_back(world.get());
  }
  if (!request || wanted.empty() || (!request->names.empty() && wanted.size() != request->names.size())) {
    fmt::print(stderr, "usage: sim [--seeds N] [--seed S] [--seconds N] [world ...]; worlds:");
    for (const auto& world : worlds) fmt::print(stderr, " {}", world->name());
    fmt::print(stderr, "\n");
    return 2;
  }
  std::signal(SIGABRT, OnAbort);
  const uint64_t seed = request->seed ? *request->seed : TestSeed();
  int failed = 0;
  int shares = 0;
  for (const World* world : wanted) shares += std::max(world->share(), 1);
  for (const World* world : wanted) {
    const bool is_one = request->seed && !request->count;
    const int64_t seconds = request->seconds * std::max(world->share(), 1) / shares;
    const bool passed = is_one ? ShowOne(*world, seed) : PlayMany(*world, *request, seed, seconds);
    if (!passed) ++failed;
  }
  fmt::print("{} passed, {} failed\n", wanted.size() - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace hearth::sim

int main(int argc, char** argv) { return hearth::sim::Main(argc, argv); }
