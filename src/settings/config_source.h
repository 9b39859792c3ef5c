// What loading and saving a configuration needs from the system: files and the working folder. Implemented by
// server/config_files.h over env/; tests have one in memory. Called on the thread that loads (start) or on
// the engine thread (CONFIG SET dir, CONFIG REWRITE).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::settings {

class ConfigSource {
 public:
  virtual ~ConfigSource() = default;

  // A whole file. The error is the system's reason alone ("No such file or directory").
  virtual Result<std::string> Read(const std::string& path) = 0;
  // The paths that match a pattern with * ? [...], in order of name; none is not an error.
  virtual std::vector<std::string> Match(const std::string& pattern) = 0;
  // Replaces a file so that a crash leaves the old or the new one.
  virtual Status Replace(const std::string& path, std::string_view contents) = 0;
  // Makes `path` the working folder. The error is the system's reason alone.
  virtual Status EnterFolder(const std::string& path) = 0;
  // The absolute path of the working folder.
  virtual std::string CurrentFolder() = 0;
};

}  // namespace hearth::settings
