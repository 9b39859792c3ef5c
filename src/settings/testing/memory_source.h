// A ConfigSource in memory, for tests: a few files, the folders "/home" (where it starts) and "/data".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "settings/config_source.h"

namespace hearth::settings {

class MemorySource : public ConfigSource {
 public:
  Result<std::string> Read(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) return Fail("No such file or directory", 2);
    return found->second;
  }
  std::vector<std::string> Match(const std::string& pattern) override {
    std::vector<std::string> paths;
    for (const auto& [path, text] : files) {
      if (GlobMatch(pattern, path)) paths.push_back(path);
    }
    return paths;
  }
  Status Replace(const std::string& path, std::string_view contents) override {
    files[path] = contents;
    return {};
  }
  Status EnterFolder(const std::string& path) override {
    if (path != "/home" && path != "/data") return Fail("No such file or directory", 2);
    folder = path;
    return {};
  }
  std::string CurrentFolder() override { return folder; }

  std::map<std::string, std::string> files;
  std::string folder = "/home";
};

}  // namespace hearth::settings
