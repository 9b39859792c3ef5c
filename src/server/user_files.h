// Where users come from and go to: user lines of the configuration, requirepass, the ACL file. ACL LOAD, SAVE
// and GENPASS.
//
// Owned by the composition root. Engine thread only.
#pragma once

#include <string>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/disk.h"
#include "env/random.h"
#include "settings/configuration.h"

namespace hearth::server {

class UserFiles {
 public:
  struct Parts {
    settings::Configuration& configuration;
    engine::Engine& engine;
    env::Disk& disk;
    env::Random& random;
    Logger& log;
  };
  // From here on the default user follows requirepass, and CONFIG REWRITE writes the users.
  explicit UserFiles(const Parts& parts);

  void Register(engine::CommandTable& table);

  // At start: the users of the configuration, or of the ACL file. The error has been logged.
  Status Load();

 private:
  void LoadCommand(engine::Context& ctx);
  void SaveCommand(engine::Context& ctx);
  void MakePassword(engine::Context& ctx);

  bool HasFile(engine::Context& ctx) const;
  Status ReadFile(engine::Client* caller);

  Parts parts_;
  const settings::Settings& settings_;
};

}  // namespace hearth::server
