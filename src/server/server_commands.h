// TIME, ROLE, LOLWUT and SHUTDOWN. Owned by the composition root. Engine thread only.
#pragma once

#include <functional>

#include "base/result.h"
#include "engine/engine.h"

namespace hearth::server {

// What SHUTDOWN was asked for.
struct ShutdownRequest {
  enum class Save : uint8_t { kAsConfigured, kYes, kNo } save = Save::kAsConfigured;
  bool is_immediate = false;  // NOW: does not wait for replicas
  bool is_forced = false;     // FORCE: whatever goes wrong
};

class ServerCommands {
 public:
  struct Actions {
    // Begins to end the server: no reply follows, the connections close. The error is the whole reply.
    std::function<Status(const ShutdownRequest&)> shut_down;
    // False if none was going on.
    std::function<bool()> abort_shutdown;
  };
  explicit ServerCommands(Actions actions) : actions_(std::move(actions)) {}

  void Register(engine::CommandTable& table);

 private:
  void Shutdown(engine::Context& ctx);

  const Actions actions_;
};

}  // namespace hearth::server
