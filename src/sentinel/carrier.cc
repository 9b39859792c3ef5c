#include "sentinel/carrier.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "env/process.h"

namespace hearth::sentinel {
namespace {

// However urgent the machine is, the loop gets to its other work.
constexpr int64_t kShortestWaitMicros = 500;
constexpr int64_t kLongestWaitMs = 60'000;
constexpr int kSimulatedCrashCode = 99;

LogLevel LevelOf(effect::Event::Level level) {
  switch (level) {
    case effect::Event::Level::kDebug:
      return LogLevel::kDebug;
    case effect::Event::Level::kVerbose:
      return LogLevel::kVerbose;
    case effect::Event::Level::kNotice:
      return LogLevel::kNotice;
    case effect::Event::Level::kWarning:
      break;
  }
  return LogLevel::kWarning;
}

}  // namespace

Carrier::Carrier(const Parts& parts, std::unique_ptr<Machine> machine)
    : parts_(parts),
      machine_(std::move(machine)),
      names_(parts.loop, env::MakeSystemNameResolver()),
      links_(parts.loop, parts.net, parts.tls, names_, [this](const Input& input) { Feed(input); }),
      scripts_(parts.loop, parts.log, [this](const input::ScriptEnded& end) { Feed(end); }) {}

Carrier::~Carrier() { parts_.loop.Cancel(timer_); }

Now Carrier::NowThere() const {
  return {parts_.clock.MonotonicMicros() / 1000, parts_.clock.WallMicros() / 1000};
}

Status Carrier::Start() {
  Effects effects;
  if (Status status = machine_->FinishLoading(NowThere(), effects); !status) {
    parts_.log.Warning("{}", status.error().message);
    return status;
  }
  // An id and the votes given under it are worth nothing if a restart forgets them.
  HEARTH_TRY(Save());
  parts_.log.Notice("Sentinel ID is {}", machine_->my_id());
  CarryOut(effects);
  return {};
}

Status Carrier::Save() {
  std::vector<std::string> lines = machine_->StateLines();
  saved_lines_.clear();
  HEARTH_TRY(parts_.state.Save(lines));
  saved_lines_ = std::move(lines);
  return {};
}

// A failure has been logged; it is tried again with the next change.
void Carrier::CarryOutOne(const effect::SaveState&) {
  if (saved_lines_.empty() || machine_->StateLines() != saved_lines_) static_cast<void>(Save());
}

void Carrier::CarryOutOne(const effect::Send& send) {
  constexpr size_t kOpinionWords = 6;  // SENTINEL is-master-down-by-addr <host> <port> <epoch> <id>
  const bool wants_vote = send.command.size() == kOpinionWords && send.command[1] == "is-master-down-by-addr";
  if (is_saved() || !wants_vote) return links_.Send(send.link, send.command);
  // The opinion alone is asked for.
  std::vector<std::string> command = send.command;
  command.back() = std::string(1, '*');
  links_.Send(send.link, command);
}

void Carrier::Feed(const Input& input) {
  Effects effects;
  machine_->Step(NowThere(), input, effects);
  CarryOut(effects);
}

void Carrier::CarryOut(const Effects& effects) {
  for (const Effect& effect : effects) {
    std::visit([this](const auto& one) { CarryOutOne(one); }, effect);
  }
  ArmTimer();
}

// Armed anew after every step, so that nothing waits for a fixed tick.
void Carrier::ArmTimer() {
  parts_.loop.Cancel(timer_);
  const int64_t now_us = parts_.clock.MonotonicMicros();
  // A machine without anything to wait for names a moment that is never.
  const int64_t at_ms = std::min(machine_->next_wakeup_ms(), now_us / 1000 + kLongestWaitMs);
  timer_ = parts_.loop.After(std::max(at_ms * 1000 - now_us, kShortestWaitMicros),
                             [this] { Feed(input::Tick{}); });
}

void Carrier::CarryOutOne(const effect::Event& event) {
  parts_.log.Log(LevelOf(event.level), "{} {}", event.name, event.text);
  if (event.is_published) parts_.pubsub.Publish(event.name, event.text);
}

void Carrier::CarryOutOne(const effect::Log& line) { parts_.log.Log(LevelOf(line.level), "{}", line.text); }

void Carrier::CarryOutOne(const effect::Resolve& resolve) {
  names_.Lookup(resolve.host, [this, host = resolve.host](Result<std::string> number) {
    Feed(input::Resolved{host, number.value_or(std::string())});
  });
}

void Carrier::CarryOutOne(const effect::Crash&) {
  parts_.log.Warning("Exiting because of the simulated failure that was asked for");
  env::ExitAtOnce(kSimulatedCrashCode);
}

}  // namespace hearth::sentinel
