// Where a Sentinel's state survives a restart: in the lines "sentinel ..." of its own configuration file,
// which is rewritten with each change and keeps its comments and its order.
//
// Where that file cannot be written (a read-only volume), the state goes to a file of its own: <file>.state,
// or one of that name in the folder `dir`. If there is one at start it counts in place of the configuration's
// lines, since votes and epochs must not be forgotten; once the configuration can be written again it goes.
//
// Owned by main; used before the start and then on the engine thread. Files are replaced whole, and are on
// stable storage when Save returns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "env/disk.h"
#include "sentinel/core/machine.h"
#include "settings/configuration.h"

namespace hearth::sentinel {

class StateFile {
 public:
  // `configuration` is loaded, and its hook for the lines "sentinel" becomes ours.
  StateFile(settings::Configuration& configuration, env::Disk& disk, Logger& log);

  // A machine with the state on disk. The error names the line, as other errors of the configuration do.
  Result<std::unique_ptr<Machine>> Load(Machine::Options options, Now now);

  // `lines`: Machine::StateLines. The first call finds out which file it is to be. An error is logged.
  Status Save(std::vector<std::string> lines);

  // Empty while the state is in the configuration file.
  const std::string& separate_path() const { return separate_path_; }

 private:
  std::vector<std::string> SeparatePaths() const;
  Result<std::vector<settings::FileLine>> LinesToLoad();
  Status SaveInConfiguration();
  Status SaveBeside();
  void RemoveSeparateFiles();

  settings::Configuration& configuration_;
  env::Disk& disk_;
  Logger& log_;
  std::vector<std::string> lines_;
  std::string separate_path_;
  bool is_place_known_ = false;
};

}  // namespace hearth::sentinel
