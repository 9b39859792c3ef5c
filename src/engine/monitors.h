// Clients that watch every command of every client as it runs (MONITOR).
//
// Owned by the engine, which asks any() first: nothing is done while nobody watches. Engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

class Client;

// One command that has run, as monitors are shown it.
struct ShownCommand {
  const Client* caller;  // whose command it is
  int64_t at_us;         // Unix microseconds
  int database;
  std::string_view source;  // "127.0.0.1:4711", "unix:/run/hearth.sock", "lua"
  std::span<const std::string_view> args;
  bool is_in_unit;  // the caller's reply is not complete yet
};

class Monitors {
 public:
  bool any() const { return !clients_.empty(); }
  size_t size() const { return clients_.size(); }

  // Looks after a client each time that a line has gone into its output; it may close the client.
  void set_after_delivery(std::function<void(Client&)> hook) { after_delivery_ = std::move(hook); }

  // A client is in it once at most; Remove does nothing for one that is not.
  void Add(Client& client);
  void Remove(Client& client);

  void Show(const ShownCommand& command);

 private:
  void Send(Client& client, std::string_view lines);

  std::vector<Client*> clients_;
  std::string held_back_;  // lines for the caller of the unit that runs
  std::function<void(Client&)> after_delivery_;
};

// The line of a command, with its end: +1339518083.107412 [0 127.0.0.1:60866] "set" "key" "value"
std::string MonitorLine(const ShownCommand& command);

}  // namespace hearth::engine
