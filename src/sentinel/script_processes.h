// The scripts that the machine wants run, as child processes: starts and kills them, and reports how each
// ended as an input. How many, how long and how often is the machine's matter.
//
// Owned by the carrier; loop's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "env/child.h"
#include "net/event_loop.h"
#include "sentinel/core/messages.h"

namespace hearth::sentinel {

class ScriptProcesses {
 public:
  // Called later than Run and Kill, never from inside them.
  using OnEnded = std::function<void(input::ScriptEnded)>;

  ScriptProcesses(net::EventLoop& loop, Logger& log, OnEnded on_ended);
  // What still runs goes on alone.
  ~ScriptProcesses();
  ScriptProcesses(const ScriptProcesses&) = delete;
  ScriptProcesses& operator=(const ScriptProcesses&) = delete;

  void Run(uint64_t script, const std::vector<std::string>& words);
  // Its end is reported as every other.
  void Kill(uint64_t script);
  // 0 if it does not run.
  int PidOf(uint64_t script) const;

 private:
  class Running;

  void OnEnd(uint64_t script);
  void ReportLater(input::ScriptEnded end);

  net::EventLoop& loop_;
  Logger& log_;
  const OnEnded on_ended_;
  std::map<uint64_t, std::unique_ptr<Running>> running_;
  // Expires with this object.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::sentinel
