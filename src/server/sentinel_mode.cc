#include "server/sentinel_mode.h"

#include <utility>

namespace hearth::server {

Result<SentinelState> LoadSentinelState(settings::Configuration& configuration, env::Disk& disk,
                                        env::Clock& clock, env::Random& random, Logger& log) {
  if (configuration.file().empty()) {
    return Fail("Sentinel needs config file on disk to save state. Exiting...");
  }
  const settings::Settings& settings = configuration.settings();
  SentinelState state{std::make_unique<sentinel::StateFile>(configuration, disk, log), nullptr};
  sentinel::Machine::Options options{.my_id = {}, .seed = random.Seed64(), .globals = {}};
  options.globals.own_password = settings.requirepass;
  const bool is_found_by_tls = settings.tls_replication && settings.tls_port != 0;
  options.globals.port = static_cast<int>(is_found_by_tls ? settings.tls_port : settings.port);
  const sentinel::Now now{clock.MonotonicMicros() / 1000, clock.WallMicros() / 1000};
  auto machine = state.file->Load(std::move(options), now);
  if (!machine) return std::unexpected(machine.error());
  state.machine = std::move(*machine);
  return state;
}

SentinelMode::SentinelMode(const Parts& parts, SentinelState state)
    : file_(std::move(state.file)),
      carrier_({parts.loop, parts.net, parts.clock, parts.engine.pubsub(), parts.log, *file_, parts.tls},
               std::move(state.machine)),
      commands_(carrier_, parts.configuration) {}

}  // namespace hearth::server
