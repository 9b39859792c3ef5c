// A small world for tests of the machine: servers and Sentinels that answer each other a millisecond later,
// in a time of its own. What a test wants to go wrong it does by hand. Header only; tests own it; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/text.h"
#include "sentinel/core/address.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel::testing {

class World {
 public:
  static constexpr int64_t kDelayMs = 1;
  static constexpr int64_t kLookAgainMs = 5;

  struct Server {
    Address address;
    std::string run_id;
    bool is_up = true;
    bool hangs = false;  // takes connections and commands, and answers nothing
    // It hangs since then, but for probes, which are answered; -1: it does not.
    int64_t busy_since_ms = -1;
    bool offers_probes = true;
    bool is_primary = true;
    Address follows;
    uint64_t offset = 1000;
    int priority = 100;
    bool has_keys = true;
    bool has_loaded_nothing = false;
    int64_t link_down_since_ms = -1;  // what it says of a link that is down; -1: nothing
    std::string ping_reply = "PONG";
    // Of a Hearth server where writes are promised; with an empty set it is another server.
    std::string acks_set;
    std::string identity;
    uint64_t epoch = 0;
    uint64_t fenced_epoch = 0;
    bool is_uncertain = false;
    std::string history = "h";
    std::string former_history;
    std::vector<std::string> commands = {};  // that changed it, and AUTH
  };
  struct Told {
    int64_t ms;
    std::string name;
    std::string text;
  };
  struct Node {
    Address address;
    std::string id;
    std::unique_ptr<Machine> machine;
    bool is_up = true;
    std::vector<Told> events = {};
    std::vector<std::string> saved = {};
    std::vector<effect::RunScript> scripts = {};

    std::vector<std::string> EventNames() const {
      std::vector<std::string> names;
      for (const Told& told : events) names.push_back(told.name);
      return names;
    }
    // -1 if it has not been told since.
    int64_t MsOf(std::string_view name, int64_t since_ms = 0) const {
      for (const Told& told : events) {
        if (told.name == name && told.ms >= since_ms) return told.ms;
      }
      return -1;
    }
  };

  explicit World(uint64_t seed) : seed_(seed) {}

  Server& AddServer(int port, int follows_port = 0) {
    Server server{.address = {"127.0.0.1", port}, .run_id = MakeRunId()};
    server.is_primary = follows_port == 0;
    if (follows_port != 0) server.follows = {"127.0.0.1", follows_port};
    return servers[port] = std::move(server);
  }
  Node& AddSentinel(int port, std::vector<std::vector<std::string>> directives) {
    Node& node = nodes[port];
    node.address = {"127.0.0.1", port};
    node.id = MakeRunId();
    std::sort(directives.begin(), directives.end(),
              [](const auto& a, const auto&) { return a[0] == "monitor"; });
    Start(node, directives);
    return node;
  }
  // The usual directives for a primary `name` at `port`.
  static std::vector<std::vector<std::string>> Watch(int port, int quorum = 2, int64_t down_after_ms = 1000) {
    return {{"monitor", "mymaster", "127.0.0.1", std::to_string(port), std::to_string(quorum)},
            {"down-after-milliseconds", "mymaster", std::to_string(down_after_ms)}};
  }

  void Kill(int port) {
    servers.at(port).is_up = false;
    Cut(port);
  }
  void Restart(int port, bool has_keys = true) {
    Server& server = servers.at(port);
    server.is_up = true;
    server.run_id = MakeRunId();
    server.has_keys = has_keys;
  }
  void KillSentinel(int port) {
    Node& node = nodes.at(port);
    node.is_up = false;
    std::erase_if(wires_, [&](const auto& wire) { return wire.first.first == port; });
    Cut(port);
  }
  // With what it had saved.
  void RestartSentinel(int port) {
    Node& node = nodes.at(port);
    node.is_up = true;
    std::vector<std::vector<std::string>> directives;
    for (const std::string& line : node.saved) {
      auto words = SplitArguments(line).value();
      words.erase(words.begin());
      directives.push_back(std::move(words));
    }
    Start(node, directives);
  }
  void BeBusy(int port) {
    servers.at(port).hangs = true;
    servers.at(port).busy_since_ms = now_ms;
  }
  void BeIdle(int port) {
    servers.at(port).hangs = false;
    servers.at(port).busy_since_ms = -1;
  }
  // Ends all connections to the server or Sentinel.
  void Cut(int port) {
    for (auto at = wires_.begin(); at != wires_.end();) {
      if (at->second.port != port) {
        ++at;
        continue;
      }
      const auto [owner, link] = at->first;
      at = wires_.erase(at);
      Later(
          [this, owner, link] { Tell(owner, input::LinkEnded{link, LinkEnd::kReset, "connection reset"}); });
    }
  }

  Now now() const { return {now_ms, 1'700'000'000'000 + now_ms}; }
  void Run(int64_t ms) {
    const int64_t end_ms = now_ms + ms;
    Await([] { return false; }, ms);
    now_ms = end_ms;
  }
  // Whether the condition came to hold.
  bool Await(const std::function<bool()>& holds, int64_t within_ms) {
    const int64_t end_ms = now_ms + within_ms;
    while (!holds()) {
      const int64_t next_ms = NextMs();
      if (next_ms > end_ms) return false;
      now_ms = std::max(now_ms, next_ms);
      Advance();
    }
    return true;
  }

  // Carries out what a request of an operator led to.
  void CarryOut(int port, const Effects& effects);

  int64_t now_ms = 1;
  std::map<int, Server> servers;
  std::map<int, Node> nodes;

 private:
  struct Wire {
    int port;
    bool is_open = false;
    bool is_subscriber = false;
    bool is_in_transaction = false;
    bool is_probe = false;
    std::vector<std::vector<std::string>> queued = {};    // in a transaction
    std::vector<std::vector<std::string>> received = {};  // and not answered yet
  };
  using WireKey = std::pair<int, LinkId>;

  std::string MakeRunId() {
    std::string id = std::to_string(++last_id_ * 7919 % 10007);
    return id + std::string(40 - id.size(), 'a');
  }
  void Later(std::function<void()> what) {
    happenings_.emplace(std::pair(now_ms + kDelayMs, ++sequence_), std::move(what));
  }

  void Start(Node& node, const std::vector<std::vector<std::string>>& directives) {
    Machine::Options options{node.id, ++seed_, {.port = node.address.port}};
    node.machine = std::make_unique<Machine>(std::move(options), now());
    for (const auto& words : directives) {
      const Status loaded = node.machine->Load(words, now());
      if (!loaded) node.events.push_back({now_ms, "error", loaded.error().message});
    }
    Effects effects;
    (void)node.machine->FinishLoading(now(), effects);
    node.saved = node.machine->StateLines();
    CarryOut(node.address.port, effects);
  }

  int64_t NextMs() const {
    int64_t next_ms = happenings_.empty() ? INT64_MAX : happenings_.begin()->first.first;
    for (const auto& [port, node] : nodes) {
      if (node.is_up) next_ms = std::min(next_ms, node.machine->next_wakeup_ms());
    }
    return next_ms;
  }
  void Advance() {
    while (!happenings_.empty() && happenings_.begin()->first.first <= now_ms) {
      const auto what = std::move(happenings_.begin()->second);
      happenings_.erase(happenings_.begin());
      what();
    }
    for (auto& [port, node] : nodes) {
      if (node.is_up && node.machine->next_wakeup_ms() <= now_ms) Tell(port, input::Tick{});
    }
  }
  void Tell(int port, const Input& input) {
    Node& node = nodes.at(port);
    if (!node.is_up) return;
    Effects effects;
    node.machine->Step(now(), input, effects);
    CarryOut(port, effects);
  }

  void Open(int owner, const effect::OpenLink& open);
  void AnswerAll(int owner, LinkId link);
  void Receive(int owner, LinkId link, const std::vector<std::string>& command);
  Reply Answer(Wire& wire, const std::vector<std::string>& command);
  static Reply AnswerReplication(Server& server, const std::vector<std::string>& command);
  Reply AnswerAsSentinel(Node& node, const std::vector<std::string>& command);
  std::string Info(const Server& server) const;

  uint64_t seed_;
  int last_id_ = 0;
  uint64_t sequence_ = 0;
  std::map<std::pair<int64_t, uint64_t>, std::function<void()>> happenings_;
  std::map<WireKey, Wire> wires_;
};

}  // namespace hearth::sentinel::testing

#include "sentinel/core/testing/world_traffic.h"
