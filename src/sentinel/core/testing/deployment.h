// A fixture: a primary, replicas and Sentinels in the world of tests, already known to each other.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/test_seed.h"
#include "sentinel/core/testing/world.h"

namespace hearth::sentinel::testing {

class Deployment : public ::testing::Test {
 protected:
  static constexpr int kPrimary = 6379;
  static constexpr int kSentinel = 5000;  // the first; the others follow

  void Build(int sentinels, int replicas = 2, int quorum = 2, int64_t down_after_ms = 1000,
             const std::vector<std::vector<std::string>>& more = {}) {
    world.AddServer(kPrimary);
    for (int i = 1; i <= replicas; ++i) world.AddServer(kPrimary + i, kPrimary);
    for (int i = 0; i < sentinels; ++i) {
      auto directives = World::Watch(kPrimary, quorum, down_after_ms);
      directives.insert(directives.end(), more.begin(), more.end());
      world.AddSentinel(kSentinel + i, std::move(directives));
      world.Run(static_cast<int64_t>(random.Below(700)));
    }
    ASSERT_TRUE(world.Await([&] { return KnowEachOther(sentinels, replicas); }, 20'000));
    world.Run(static_cast<int64_t>(random.Below(3000)));
  }
  bool KnowEachOther(int sentinels, int replicas) {
    for (auto& [port, node] : world.nodes) {
      const Primary& primary = PrimaryOf(port);
      if (static_cast<int>(primary.sentinels.size()) != sentinels - 1) return false;
      if (static_cast<int>(primary.replicas.size()) != replicas) return false;
      for (const auto& [name, replica] : primary.replicas) {
        if (replica.info_ms < 0) return false;
      }
    }
    return true;
  }
  const Primary& PrimaryOf(int sentinel) {
    return world.nodes.at(sentinel).machine->primaries().at("mymaster");
  }
  bool AllSee(int port) {
    for (auto& [own, node] : world.nodes) {
      if (node.is_up && PrimaryOf(own).instance.address.port != port) return false;
      if (node.is_up && PrimaryOf(own).is_failing_over()) return false;
    }
    return true;
  }
  // A server other than `former` that has become a primary; 0 if there is none.
  int Promoted(int former = kPrimary) {
    for (auto& [port, server] : world.servers) {
      if (port != former && server.is_up && server.is_primary) return port;
    }
    return 0;
  }
  bool AwaitPromotion(int64_t within_ms, int former = kPrimary) {
    return world.Await([&] { return Promoted(former) != 0; }, within_ms);
  }
  bool AwaitAgreement(int64_t within_ms) {
    return world.Await([&] { return Promoted() != 0 && AllSee(Promoted()); }, within_ms);
  }
  int CountOf(std::string_view event, int64_t since_ms = 0) {
    int count = 0;
    for (auto& [port, node] : world.nodes) {
      for (const auto& told : node.events) count += told.name == event && told.ms >= since_ms;
    }
    return count;
  }
  World::Node* Leader() {
    for (auto& [port, node] : world.nodes) {
      if (node.MsOf("+elected-leader") >= 0) return &node;
    }
    return nullptr;
  }

  uint64_t seed = TestSeed();
  Prng random{seed};
  World world{seed};
};

}  // namespace hearth::sentinel::testing
