// Carries Sentinel's machine: gives it what happens, one input at a time, and carries out its effects in
// their order. Timers, links, names, scripts, state on disk, and the events that subscribers and the log are
// told. It decides nothing.
//
// Owned by the composition root; engine thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "engine/pubsub.h"
#include "env/clock.h"
#include "env/net.h"
#include "net/event_loop.h"
#include "net/tls_context.h"
#include "sentinel/core/machine.h"
#include "sentinel/links.h"
#include "sentinel/name_lookup.h"
#include "sentinel/script_processes.h"
#include "sentinel/state_file.h"

namespace hearth::sentinel {

class Carrier {
 public:
  struct Parts {
    net::EventLoop& loop;
    env::Net& net;
    env::Clock& clock;
    engine::PubSub& pubsub;
    Logger& log;
    StateFile& state;
    const net::Tls& tls;
  };
  // `machine` as StateFile::Load gives it.
  Carrier(const Parts& parts, std::unique_ptr<Machine> machine);
  ~Carrier();
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  // Begins to watch. Fails if the state cannot be saved anywhere; the error has been logged.
  Status Start();

  // Runs `request(machine, now, effects)` and carries out the effects before it returns what that did.
  template <typename Request>
  auto Do(Request request) {
    Effects effects;
    auto result = request(*machine_, NowThere(), effects);
    CarryOut(effects);
    return result;
  }
  // What another Sentinel sends by PUBLISH.
  void Feed(const Input& input);
  // Writes the state, whether or not it has changed.
  Status Save();
  // The disk has all that was to be saved. Without that no vote counts: a restart would forget it.
  bool is_saved() const { return !saved_lines_.empty(); }

  const Machine& machine() const { return *machine_; }
  const ScriptProcesses& scripts() const { return scripts_; }
  Now NowThere() const;

 private:
  void CarryOut(const Effects& effects);
  void CarryOutOne(const effect::OpenLink& open) { links_.Open(open); }
  void CarryOutOne(const effect::CloseLink& close) { links_.Close(close.link); }
  void CarryOutOne(const effect::Send& send);
  void CarryOutOne(const effect::SaveState&);
  void CarryOutOne(const effect::Event& event);
  void CarryOutOne(const effect::Log& line);
  void CarryOutOne(const effect::RunScript& run) { scripts_.Run(run.script, run.words); }
  void CarryOutOne(const effect::KillScript& kill) { scripts_.Kill(kill.script); }
  void CarryOutOne(const effect::Resolve& resolve);
  void CarryOutOne(const effect::Crash&);
  void ArmTimer();

  const Parts parts_;
  const std::unique_ptr<Machine> machine_;
  NameLookup names_;
  Links links_;
  ScriptProcesses scripts_;
  std::vector<std::string> saved_lines_;  // what is known to be on disk
  net::TimerId timer_ = 0;
};

}  // namespace hearth::sentinel
