// What scripts need of the engine: commands within a command, and other clients while one takes long.

#include "base/text.h"
#include "engine/busy_error.h"
#include "engine/engine.h"

namespace hearth::engine {

void Engine::EnterUnit() {
  effects_.Suppress();
  ++unit_depth_;
}

void Engine::LeaveUnit(const Client& client) {
  --unit_depth_;
  // The commands have put their effects; the one that called them has none.
  effects_.BeginCommand(client.database);
  effects_.Suppress();
}

void Engine::CallInScript(Client& client, Command& command, Arguments args) {
  tick_ = env::Ticks();
  is_in_script_call_ = true;
  Call(client, command, args, 0);
  is_in_script_call_ = false;
}

std::string Engine::WriteRefusal(const Client& client) const {
  if (client.is_trusted()) return {};
  if (refusals_.is_read_only) return "READONLY You can't write against a read only replica.";
  if (!refusals_.disk.empty()) return refusals_.disk;
  if (!refusals_.replicas.empty()) return refusals_.replicas;
  return PromiseRefusal(client);
}

void Engine::SetBusy(Busy busy) {
  if (busy == busy_) return;
  if (busy_ == Busy::kNo) unit_before_busy_ = unit_;
  busy_ = busy;
  RefreshChecks();
  // Who has asked at the same time as the script's caller waits behind it, and is told at once.
  if (busy_ != Busy::kNo) return RunPending();
  unit_ = unit_before_busy_;
  for (const uint64_t id : std::exchange(held_while_busy_, {})) {
    if (Client* client = clients_.Find(id)) ResumeLater(*client);
  }
}

bool Engine::PassesBusy(Client& client, Command& command, Arguments args) {
  bool is_allowed = command.is(kCommandAllowBusy);
  if (is_allowed && command.full_name() == "shutdown") {
    // What has not been written whole must not be saved.
    is_allowed = false;
    for (const std::string_view word : args.subspan(1)) {
      is_allowed |= EqualsIgnoreCase(word, "nosave") || EqualsIgnoreCase(word, "abort");
    }
  }
  if (is_allowed) return true;
  Reject(client, command, BusyError(busy_));
  return false;
}

}  // namespace hearth::engine
