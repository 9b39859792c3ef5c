// SENTINEL and its subcommands, and those commands that a Sentinel answers otherwise than a data server: ROLE
// and PUBLISH. Owned by the composition root. Engine thread only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "sentinel/carrier.h"
#include "settings/configuration.h"

namespace hearth::sentinel {

class SentinelCommands {
 public:
  SentinelCommands(Carrier& carrier, settings::Configuration& configuration)
      : carrier_(carrier), configuration_(configuration) {}

  // To be called once the table is that of a Sentinel.
  void Register(engine::CommandTable& table);

  // The lines of INFO's section: field and value.
  std::vector<std::pair<std::string, std::string>> InfoFields() const;

 private:
  // What is watched, and how.
  void Monitor(engine::Context& ctx);
  void Remove(engine::Context& ctx);
  void Set(engine::Context& ctx);
  void Reset(engine::Context& ctx);
  void Config(engine::Context& ctx);
  void ConfigSet(engine::Context& ctx);
  void ConfigGet(engine::Context& ctx);
  void Debug(engine::Context& ctx);
  void SimulateFailure(engine::Context& ctx);
  void FlushConfig(engine::Context& ctx);
  // What other Sentinels ask and say.
  void IsPrimaryDown(engine::Context& ctx);
  void Publish(engine::Context& ctx);
  // Failing over.
  void Failover(engine::Context& ctx);
  void ForceFailover(engine::Context& ctx);
  void CheckQuorum(engine::Context& ctx);
  void Explain(engine::Context& ctx);
  void History(engine::Context& ctx);
  // What is known.
  void Primaries(engine::Context& ctx);
  void OnePrimary(engine::Context& ctx);
  void Replicas(engine::Context& ctx);
  void Sentinels(engine::Context& ctx);
  void PrimaryAddress(engine::Context& ctx);
  void InfoCache(engine::Context& ctx);
  void PendingScripts(engine::Context& ctx);
  void MyId(engine::Context& ctx);
  void Role(engine::Context& ctx);

  int64_t NowMs() const { return carrier_.NowThere().monotonic_ms; }
  // Null after the error has been replied.
  const Primary* FindOrReply(engine::Context& ctx) const;

  Carrier& carrier_;
  settings::Configuration& configuration_;
  bool crashes_after_election_ = false;
  bool crashes_after_promotion_ = false;
};

}  // namespace hearth::sentinel
