// Who looks on while commands run: clients that cache what they read, and those that monitor the rest.

#include "engine/engine.h"

namespace hearth::engine {

// ---- who they are

void Engine::Track(Client& client, const TrackingState& wanted) {
  tracking_.Enable(client, wanted);
  UpdateObservers();
  UpdateKeyspaceReports();
}

void Engine::StopTracking(Client& client) {
  tracking_.Disable(client);
  UpdateObservers();
  UpdateKeyspaceReports();
}

void Engine::StartMonitoring(Client& client) {
  monitors_.Add(client);
  UpdateObservers();
}

void Engine::ForgetObserver(Client& client) {
  tracking_.Disable(client);
  monitors_.Remove(client);
  UpdateObservers();
  UpdateKeyspaceReports();
}

// What it does has to be seen by itself; data it is not to touch, like the replica that it once was for
// clients' libraries.
bool Engine::PassesMonitor(Client& client, Command& command) {
  if (!client.is(Client::kMonitoring)) return true;
  if (!command.is(kCommandWrite | kCommandReadonly | kCommandMayReplicate)) return true;
  Reject(client, command, "ERR Replica can't interact with the keyspace");
  return false;
}

// ---- what they see

void Engine::BeginObserved(Client& client) {
  tracking_.BeginUnit(client);
  UpdateObservers();
}

void Engine::EndObserved() {
  tracking_.EndUnit();
  UpdateObservers();
}

void Engine::ObserveCall(Client& client, const Command& command, Arguments args, bool is_retry) {
  if (tracking_.is_caller_tracking()) tracking_.RememberKeys(command, args);
  // One that waits is shown when it comes, not again when it is served.
  if (is_retry || is_loading_ || command.is(kCommandAdmin | kCommandSkipMonitor)) return;
  ShowToMonitors(client, args);
}

void Engine::ShowCommand(const Client& caller, Arguments args) {
  std::string source;
  if (is_in_script_call_ || caller.connection == nullptr) {
    source = "lua";
  } else if (caller.connection->is_unix_socket()) {
    source = "unix:" + settings_.unixsocket;
  } else {
    source = caller.connection->peer_address();
  }
  monitors_.Show({&caller, clock_.WallMicros(), caller.database, source, args, is_in_unit()});
}

}  // namespace hearth::engine
