// The configuration's view of the file system, over env::Disk. Owned by the composition root; used by
// Configuration on the thread that starts the server and on the engine thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "env/disk.h"
#include "settings/config_source.h"

namespace hearth::server {

class ConfigFiles : public settings::ConfigSource {
 public:
  // `disk` outlives this object.
  explicit ConfigFiles(env::Disk& disk) : disk_(disk) {}

  Result<std::string> Read(const std::string& path) override;
  std::vector<std::string> Match(const std::string& pattern) override;
  Status Replace(const std::string& path, std::string_view contents) override;
  Status EnterFolder(const std::string& path) override;
  std::string CurrentFolder() override;

 private:
  env::Disk& disk_;
};

}  // namespace hearth::server
